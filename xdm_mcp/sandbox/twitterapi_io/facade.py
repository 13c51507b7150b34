"""The pretend twitterapi.io: its endpoints, prices and refusals in one place (agent skill of the
service, 2026-04). Most refusals are sentences under HTTP 200."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_TOKEN
from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.twitterapi_io import endpoints
from xdm_mcp.sandbox.twitterapi_io.endpoints import FACADE
from xdm_mcp.sandbox.vendors import Route, Said, VendorFacade
from xdm_mcp.sandbox.wire import WireRequest

SEND = "/twitter/send_dm_to_user"
HISTORY = "/twitter/get_dm_history_by_user_id"

ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", SEND): Route(endpoints.send, "send", 3_000, private=True, writes=True),
    ("GET", HISTORY): Route(endpoints.history, "history", 3_000, private=True),
    ("GET", "/twitter/user/info"): Route(endpoints.info, "user", 180),
    ("GET", "/twitter/user/batch_info_by_ids"): Route(
        endpoints.several, "user", 180, units=endpoints.looked_up
    ),
    ("GET", "/twitter/user/check_follow_relationship"): Route(
        endpoints.relationship, "relationship", 1_000
    ),
    ("GET", "/oapi/my/info"): Route(endpoints.account, "account"),
}
"""Prices are the service's, but for the history, which has no listed one: as a send."""


def _error(msg: str) -> Callable[[], Said]:
    return lambda: Said(200, {"status": "error", "msg": msg, "message": msg})


def _x_says(code: int, message: str) -> Callable[[], Said]:
    quoted = json.dumps({"errors": [{"code": code, "message": message}]})
    return _error(f"Failed to send DM: {quoted}")


ERRORS: Mapping[str, Callable[[], Said]] = {
    "api_key": lambda: Said(401, {"detail": "Unauthorized"}),
    "session": _x_says(32, "Could not authenticate you."),
    "credits": lambda: Said(402, {"detail": "Credits is not enough. Please recharge"}),
    "no_route": lambda: Said(404, {"detail": "Not Found"}),
    "recipient_closed": _x_says(349, "You cannot send messages to this user."),
    "no_such_person": _x_says(108, "Cannot find specified user."),
    "rate_limited": lambda: Said(429, {"detail": "Too Many Requests"}),
    "spam_flag": _x_says(226, "This request looks like it might be automated."),
    "account_locked": _x_says(326, "To protect our users, this account is temporarily locked."),
    "account_suspended": _x_says(64, "Your account is suspended."),
    "unclear": _error("send dm failed"),
    "no_id": lambda: Said(200, {"status": "success", "msg": ""}),
}
"""By the names under which faults ask for them."""


def sandbox_cookies(account_id: str) -> str:
    """Return log-in cookies that the pretend service takes for the owner of the sandbox."""
    jar = {"auth_token": SANDBOX_COOKIE, "ct0": "sandbox", "twid": f"u%3D{account_id}"}
    return base64.b64encode(json.dumps(jar).encode()).decode()


class TwitterApiIoWords:
    """See `vendors.Words`."""

    name = FACADE
    routes = ROUTES
    errors = ERRORS

    def key(self, request: WireRequest) -> str | None:
        """See Words.key: a header of its own."""
        return request.headers.get("x-api-key")

    def session(self, given: Mapping[str, Any], hold: Hold) -> str | None:
        """See Words.session: log-in cookies in the body, or in the query."""
        known = given.get("login_cookies") == sandbox_cookies(hold.world.owner_id)
        return hold.world.owner_id if known else None

    def refusal(self, refusal: Refusal) -> Said:
        """See Words.refusal."""
        match refusal.reason:
            case "closed":
                return ERRORS["recipient_closed"]()
            case "no_such_person":
                return ERRORS["no_such_person"]()
        return ERRORS["unclear"]()


def twitterapi_io() -> VendorFacade:
    """Return the façade."""
    return VendorFacade(TwitterApiIoWords(), frozenset({SANDBOX_TOKEN}))
