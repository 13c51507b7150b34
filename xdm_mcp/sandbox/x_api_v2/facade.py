"""The way that each call takes: token, scopes, balance, rate windows, and only then the endpoint.

A call that gets that far has counted, whatever the endpoint then says: a refused send takes one
from its windows as on X. Calls answered with 401 or 429 have not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from math import ceil

from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.events import Attempted
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.oauth1 import Signatures, Unsigned
from xdm_mcp.sandbox.windows import APP, Window, Windows
from xdm_mcp.sandbox.wire import Answer, WireRequest, json_bytes
from xdm_mcp.sandbox.x_api_v2.calls import FACADE, Call, Reply
from xdm_mcp.sandbox.x_api_v2.endpoints import Endpoint, find
from xdm_mcp.sandbox.x_api_v2.limits import LIMITS
from xdm_mcp.sandbox.x_api_v2.problems import Problem, Problems
from xdm_mcp.sandbox.x_api_v2.tokens import BUILT_IN, Token, token_of
from xdm_mcp.sandbox.x_api_v2.vocabulary import VOCABULARIES, VocabularyName

API_VERSION = "2.168"
DEFAULT_RESET = 900
"""Seconds until a `rate_limit` fault's window resets where the fault does not say."""

Headers = dict[str, str]


class XApiV2:
    """X API v2 over the world: see `wire.Facade`."""

    name = FACADE

    def __init__(
        self,
        vocabulary: VocabularyName,
        tokens: Mapping[str, Token],
        signatures: Signatures | None = None,
    ) -> None:
        """Accept the field names of `vocabulary`, `tokens` besides the built-in ones, and whom
        `signatures` know."""
        self._vocabulary = VOCABULARIES[vocabulary]
        self._problems = Problems(self._vocabulary.problems)
        self._tokens = tokens
        self._signatures = signatures or Signatures()
        self._answers = 0

    @property
    def error_names(self) -> frozenset[str]:
        """See Facade.error_names."""
        return frozenset(self._problems.named)

    def owns(self, request: WireRequest) -> bool:
        """See Facade.owns."""
        return request.path.startswith("/2/")

    def answer(self, request: WireRequest, hold: Hold) -> Answer:
        """See Facade.answer."""
        headers = self._headers(hold)
        try:
            reply = self._reply(request, hold, headers)
        except Problem as problem:
            return _refused(problem, headers)
        body = reply.body if isinstance(reply.body, bytes) else json_bytes(reply.body)
        return Answer(reply.status, body, reply.media_type, headers)

    def faulted(self, request: WireRequest, fault: Fault, hold: Hold) -> Answer:
        """See Facade.faulted."""
        headers = self._headers(hold)
        if fault.kind == "rate_limit":
            headers.update(_spent(request, fault, hold))
            name = fault.error or "too_many_requests"
            return _refused(self._problems.named[name](), headers)
        problem = self._problems.named[fault.error]() if fault.error else Problem(500, {})
        status = fault.status or problem.status
        if fault.error and fault.body is None:
            return _refused(Problem(status, problem.body), headers)
        body = fault.body or ""
        kind = "application/json" if body.startswith(("{", "[")) else "text/html"
        return Answer(status, body.encode(), kind, headers)

    def _reply(self, request: WireRequest, hold: Hold, headers: Headers) -> Reply:
        who = request.headers.get("authorization", "")
        token = self._token(who, request, hold)
        if token is None:
            raise self._problems.unauthorized()
        endpoint, params, exists = find(request.method, request.path)
        if endpoint is None:
            raise self._problems.wrong_method() if exists else self._problems.no_such_route()
        account_id = _account_of(token, hold)
        self._count(endpoint, token, account_id, hold, headers)
        call = Call(request, hold, params, account_id, self._vocabulary, self._problems)
        try:
            return endpoint.act(call)
        except Refusal as refusal:
            raise self._in_words(refusal) from refusal

    def _token(self, who: str, request: WireRequest, hold: Hold) -> Token | None:
        """Return what the caller may do: a bearer token says it, a signature may do everything."""
        if not who.lower().startswith("oauth "):
            return token_of(who, BUILT_IN) or token_of(who, self._tokens)
        try:
            return Token(self._signatures.check(request, hold.now).account_id)
        except Unsigned:
            return None

    def _count(
        self, endpoint: Endpoint, token: Token, account_id: str, hold: Hold, headers: Headers
    ) -> None:
        """Count the call in its windows and write `headers`. Raises Problem where it may not be."""
        writes = endpoint.method != "GET"
        windows = hold.world.attempts if writes else hold.world.reads.windows
        scope = account_id or APP
        state = _state(windows, endpoint.limits, scope, hold)
        headers.update(_rate_headers(state))
        if token.app_only and not endpoint.app_only:
            raise self._problems.unsupported_authentication()
        if not token.app_only and not endpoint.scopes <= token.scopes:
            raise self._problems.missing_scopes()
        if hold.world.balance <= 0 and endpoint.limits != "credits":
            raise self._problems.credits_depleted()
        if any(window.remaining == 0 for window in state):
            raise self._problems.too_many_requests()
        pairs = [(_scope(window, scope), window.limit.seconds) for window in state]
        if writes:
            scopes, periods = zip(*pairs, strict=True)
            hold.record(Attempted(scopes, endpoint.limits, periods))
        else:
            for of, seconds in pairs:
                windows.count(of, endpoint.limits, seconds, hold.now)
        headers.update(_rate_headers(_state(windows, endpoint.limits, scope, hold)))

    def _in_words(self, refusal: Refusal) -> Problem:
        about = refusal.about
        match refusal.reason:
            case "closed":
                return self._problems.recipient_closed()
            case "not_yours":
                return self._problems.not_authorized("id", about)
            case "no_such_person":
                return self._problems.not_found("participant_id", about, "user")
            case "oneself":
                return self._problems.invalid("participant_id", [about], "must be somebody else")
            case "media":
                says = "no such unused media of yours, not ready, or expired"
                return self._problems.invalid("attachments", [about], says)
        return self._problems.not_found("id", about, "dm_event")

    def _headers(self, hold: Hold) -> Headers:
        self._answers += 1
        seed = f"{hold.now.isoformat()}/{self._answers}"
        return {
            "date": format_datetime(hold.now, usegmt=True),
            "api-version": API_VERSION,
            "x-access-level": "read-write-directmessages",
            "x-transaction-id": hashlib.sha256(seed.encode()).hexdigest()[:16],
        }


def _account_of(token: Token, hold: Hold) -> str:
    return "" if token.app_only else token.account_id or hold.world.owner_id


def _refused(problem: Problem, headers: Headers) -> Answer:
    kind = "problem+json" if "type" in problem.body else "json"
    return Answer(problem.status, json_bytes(problem.body), f"application/{kind}", headers)


def _scope(window: Window, scope: str) -> str:
    return APP if window.limit.by == "app" else scope


def _state(windows: Windows, name: str, scope: str, hold: Hold) -> list[Window]:
    return [
        windows.window(APP if limit.by == "app" else scope, name, limit, hold.now)
        for limit in LIMITS[name]
    ]


def _rate_headers(state: list[Window]) -> Headers:
    return dict(pair for window in state for pair in _written(window))


def _written(window: Window) -> Iterator[tuple[str, str]]:
    head = "x-rate-limit"
    if window.limit.per == timedelta(hours=24):
        head = "x-app-limit-24hour" if window.limit.by == "app" else "x-user-limit-24hour"
    yield f"{head}-limit", str(window.limit.limit)
    yield f"{head}-remaining", str(window.remaining)
    yield f"{head}-reset", str(ceil(window.resets_at.timestamp()))


def _spent(request: WireRequest, fault: Fault, hold: Hold) -> Headers:
    """Return the headers of a full first window, whatever was really counted."""
    endpoint, _, _ = find(request.method, request.path)
    limit = LIMITS[endpoint.limits][0].limit if endpoint else 1
    resets_at = hold.now + timedelta(seconds=fault.seconds or DEFAULT_RESET)
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": str(ceil(resets_at.timestamp())),
    }
