"""The pretend GetXAPI: its endpoints, prices, refusals and limits in one place (GetXAPI guide and
endpoint pages, 2026-11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_TOKEN
from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.getxapi import messages, users
from xdm_mcp.sandbox.getxapi.messages import FACADE, Generation
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.vendors import PER_MINUTE, Route, Said, VendorFacade
from xdm_mcp.sandbox.windows import Limit
from xdm_mcp.sandbox.wire import WireRequest

FREE = Limit(30, PER_MINUTE, "GetXAPI endpoint pages, 2026-11")


def _says(status: int, text: str, code: int | None = None, **more: Any) -> Callable[[], Said]:
    extra = more if code is None else {"twitter_error_code": code, **more}
    return lambda: Said(status, {"error": text, **extra})


GONE = (
    'HTTP 404: {"errors":[{"code":279,'
    '"message":"The direct message conversation doesn\'t exist."}]}'
)

ERRORS: Mapping[str, Callable[[], Said]] = {
    "missing_recipient": _says(400, "Missing required field: recipient_id or recipient_username"),
    "api_key": _says(401, "Invalid or missing API key"),
    "session": _says(401, "Invalid auth_token - could not extract userId", 32),
    "credits": _says(402, "Insufficient credits"),
    "recipient_closed": _says(403, "Cannot send messages to this user", 349),
    "sender_unverified": _says(403, "Sender is not verified to send message requests", 476),
    "recipient_suspended": _says(403, "User has been suspended", 63),
    "no_conversation": _says(404, GONE),
    "no_route": _says(404, "Not found"),
    "account_suspended": _says(410, "Your account is suspended", 64),
    "account_locked": _says(
        423, "Your account is locked and needs verification", challenge="captcha"
    ),
    "rate_limited": _says(429, "Rate limit exceeded. Please try again shortly."),
    "daily_limit": _says(
        429, "You have reached your daily message request limit", 502, retry_after=86_400
    ),
    "spam_flag": _says(503, "This request looks like it might be automated.", 226),
    "upstream": _says(502, "X returned an empty result"),
    "queued": lambda: Said(202, {"status": "success", "msg": "queued"}),
    "error_with_200": _says(200, "Something went wrong"),
}
"""By the names under which faults ask for them (GetXAPI error reference, 2026-11)."""


class GetXApiWords:
    """See `vendors.Words`."""

    name = FACADE
    errors = ERRORS

    def __init__(self, generation: Generation) -> None:
        """Answer as that generation did."""
        self.routes: Mapping[tuple[str, str], Route] = {
            ("POST", "/twitter/dm/send"): Route(
                messages.send(generation), "dm/send", 2_000, private=True, writes=True
            ),
            ("POST", "/twitter/dm/list"): Route(
                messages.listing(generation), "dm/list", 2_000, private=True
            ),
            ("POST", "/twitter/dm/conversation"): Route(
                messages.conversation(generation), "dm/conversation", 1_000, private=True
            ),
            ("GET", "/twitter/user/info"): Route(users.info, "user", 1_000),
            ("GET", "/twitter/user/info_by_id"): Route(users.info_by_id, "user", 1_000),
            ("GET", "/twitter/user/followers_v2"): Route(
                users.listed("followers"), "followers", 1_000
            ),
            ("GET", "/twitter/user/following_v2"): Route(
                users.listed("following"), "followers", 1_000
            ),
            ("GET", "/twitter/user/check_follow_relationship"): Route(
                users.relationship, "relationship", 1_000
            ),
            ("GET", "/account/me"): Route(users.account, "account", limit=FREE),
        }

    def key(self, request: WireRequest) -> str | None:
        """See Words.key: a bearer token."""
        if "x-api-key" in request.headers:
            return None
        return request.headers.get("authorization", "").removeprefix("Bearer ").strip()

    def session(self, given: Mapping[str, Any], hold: Hold) -> str | None:
        """See Words.session: a cookie in the body."""
        return hold.world.owner_id if given.get("auth_token") == SANDBOX_COOKIE else None

    def refusal(self, refusal: Refusal) -> Said:
        """See Words.refusal."""
        match refusal.reason:
            case "closed":
                return ERRORS["recipient_closed"]()
            case "no_such_person":
                return Said(404, {"error": f"Could not find user with ID: {refusal.about}"})
            case "no_such_conversation" | "not_yours":
                return ERRORS["no_conversation"]()
        return Said(400, {"error": "Bad request"})


def getxapi(generation: Generation = "new") -> VendorFacade:
    """Return the façade of that generation."""
    return VendorFacade(GetXApiWords(generation), frozenset({SANDBOX_TOKEN}))
