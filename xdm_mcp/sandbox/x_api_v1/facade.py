"""The way that each call of v1.1 takes: signature, endpoint, window, and only then the act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from math import ceil

from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.oauth1 import Reason, Signatures, Unsigned
from xdm_mcp.sandbox.wire import Answer, WireRequest, json_bytes
from xdm_mcp.sandbox.x_api_v1 import events, users
from xdm_mcp.sandbox.x_api_v1.calls import Call, Reply
from xdm_mcp.sandbox.x_api_v1.errors import ERRORS, Error, Problem, in_words
from xdm_mcp.sandbox.x_api_v1.limits import FACADE, LIMITS, WRITES, count, credited, headers_of

DEFAULT_RESET = 900
"""Seconds until a `rate_limit` fault's window resets where the fault does not say."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a call does, and the name of its windows."""

    limits: str
    act: Callable[[Call], Reply]


_DM = "/1.1/direct_messages"

ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", f"{_DM}/events/new.json"): Endpoint("v1_send", events.new),
    ("GET", f"{_DM}/events/show.json"): Endpoint("v1_show", events.show),
    ("GET", f"{_DM}/events/list.json"): Endpoint("v1_list", events.listed),
    ("DELETE", f"{_DM}/events/destroy.json"): Endpoint("v1_destroy", events.destroy),
    ("POST", f"{_DM}/indicate_typing.json"): Endpoint("v1_typing", events.typing),
    ("POST", f"{_DM}/mark_read.json"): Endpoint("v1_mark_read", events.mark_read),
    ("GET", "/1.1/friendships/show.json"): Endpoint("v1_friendship", users.friendship),
    ("GET", "/1.1/users/show.json"): Endpoint("v1_users", users.show),
    ("GET", "/1.1/users/lookup.json"): Endpoint("v1_users", users.lookup),
    ("GET", "/1.1/account/verify_credentials.json"): Endpoint("v1_me", users.me),
}

REFUSED: Mapping[Reason, str] = {
    "absent": "v1_bad_authentication",
    "malformed": "v1_bad_authentication",
    "unknown": "v1_invalid_token",
    "time": "v1_timestamp",
    "signature": "v1_could_not_authenticate",
}


class XApiV1:
    """X API v1.1 over the world: see `wire.Facade`."""

    name = FACADE

    def __init__(self, signatures: Signatures) -> None:
        """Serve whom `signatures` know."""
        self._signatures = signatures

    @property
    def error_names(self) -> frozenset[str]:
        """See Facade.error_names."""
        return frozenset(ERRORS)

    def owns(self, request: WireRequest) -> bool:
        """See Facade.owns."""
        return request.path.startswith("/1.1/")

    def answer(self, request: WireRequest, hold: Hold) -> Answer:
        """See Facade.answer."""
        headers = _headers(hold)
        try:
            reply = self._reply(request, hold, headers)
        except Problem as problem:
            return _refused(problem.error, headers)
        if reply.body is None:
            return Answer(204, headers=headers)
        return Answer(200, json_bytes(reply.body), headers=headers)

    def faulted(self, request: WireRequest, fault: Fault, hold: Hold) -> Answer:
        """See Facade.faulted."""
        headers = _headers(hold)
        if fault.kind == "rate_limit":
            resets_at = hold.now + timedelta(seconds=fault.seconds or DEFAULT_RESET)
            endpoint = ENDPOINTS.get((request.method, request.path))
            limit = LIMITS[endpoint.limits][0].limit if endpoint else 1
            headers["x-rate-limit-limit"] = str(limit)
            headers["x-rate-limit-remaining"] = "0"
            headers["x-rate-limit-reset"] = str(ceil(resets_at.timestamp()))
            return _refused(ERRORS[fault.error or "v1_rate_limit"], headers)
        if fault.error and fault.body is None:
            error = ERRORS[fault.error]
            return Answer(fault.status or error.status, error.body, headers=headers)
        body = fault.body or ""
        kind = "application/json" if body.startswith(("{", "[")) else "text/html"
        return Answer(fault.status or 500, body.encode(), kind, headers)

    def _reply(self, request: WireRequest, hold: Hold, headers: dict[str, str]) -> Reply:
        try:
            keys = self._signatures.check(request, hold.now)
        except Unsigned as error:
            raise Problem(REFUSED[error.reason]) from error
        endpoint = ENDPOINTS.get((request.method, request.path))
        if endpoint is None:
            raise Problem("v1_page_does_not_exist")
        call = Call(request, hold, keys.account_id or hold.world.owner_id)
        self._count(endpoint.limits, call, headers)
        try:
            return endpoint.act(call)
        except Refusal as refusal:
            raise in_words(refusal) from refusal

    def _count(self, name: str, call: Call, headers: dict[str, str]) -> None:
        """Count the call, unless it is a free reply, and write `headers`. Raises Problem."""
        headers.update(headers_of(name, call.account_id, call.hold))
        if name == "v1_send" and credited(call.hold, call.account_id, events.recipient_of(call)):
            return
        headers.update(count(name, call.account_id, call.hold, writes=name in WRITES))


def _headers(hold: Hold) -> dict[str, str]:
    return {
        "date": format_datetime(hold.now, usegmt=True),
        "x-access-level": "read-write-directmessages",
    }


def _refused(error: Error, headers: dict[str, str]) -> Answer:
    return Answer(error.status, error.body, headers=headers)
