"""X's numeric refusals, and the names under which a fault can ask for them (X's table of v1.1
response codes)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.wire import json_bytes


@dataclass(frozen=True, slots=True)
class Error:
    """One refusal: its HTTP status, X's number and X's words."""

    status: int
    code: int
    message: str

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return json_bytes({"errors": [{"code": self.code, "message": self.message}]})


class Problem(Exception):
    """An answer that refuses."""

    def __init__(self, name: str) -> None:
        """Refuse as the error of that name does."""
        super().__init__(name)
        self.error = ERRORS[name]


ERRORS: Mapping[str, Error] = {
    "v1_no_user_matches": Error(404, 17, "No user matches for specified terms."),
    "v1_could_not_authenticate": Error(401, 32, "Could not authenticate you."),
    "v1_page_does_not_exist": Error(404, 34, "Sorry, that page does not exist."),
    "v1_user_not_found": Error(404, 50, "User not found."),
    "v1_user_suspended": Error(403, 63, "User has been suspended."),
    "v1_account_suspended": Error(
        403, 64, "Your account is suspended and is not permitted to access this feature."
    ),
    "v1_rate_limit": Error(429, 88, "Rate limit exceeded"),
    "v1_invalid_token": Error(401, 89, "Invalid or expired token."),
    "v1_no_dm_permission": Error(
        403, 93, "This application is not allowed to access or delete your direct messages."
    ),
    "v1_cannot_find_user": Error(403, 108, "Cannot find specified user."),
    "v1_over_capacity": Error(503, 130, "Over capacity"),
    "v1_internal_error": Error(500, 131, "Internal error"),
    "v1_timestamp": Error(401, 135, "Timestamp out of bounds."),
    "v1_not_following_you": Error(
        403, 150, "You cannot send messages to users who are not following you."
    ),
    "v1_sending_failed": Error(403, 151, "There was an error sending your message."),
    "v1_bad_authentication": Error(400, 215, "Bad Authentication data."),
    "v1_automated": Error(
        403, 226, "This request looks like it might be automated. We can't complete this action."
    ),
    "v1_app_restricted": Error(403, 261, "Application cannot perform write actions."),
    "v1_bad_media": Error(400, 324, "The validation of media ids failed."),
    "v1_media_not_found": Error(400, 325, "A media id was not found."),
    "v1_account_locked": Error(
        403, 326, "To protect our users, this account has been temporarily locked."
    ),
    "v1_cannot_send": Error(403, 349, "You cannot send messages to this user."),
    "v1_text_too_long": Error(403, 354, "The text of your direct message is over the limit."),
    "v1_missing_parameter": Error(400, 38, "A required parameter is missing."),
    "v1_no_access": Error(
        403, 453, "You currently have access to a subset of X API v2 endpoints only."
    ),
}

_REASONS = {
    "no_such_person": "v1_cannot_find_user",
    "no_such_message": "v1_page_does_not_exist",
    "no_such_conversation": "v1_page_does_not_exist",
    "not_yours": "v1_page_does_not_exist",
    "oneself": "v1_cannot_send",
    "closed": "v1_cannot_send",
    "media": "v1_media_not_found",
}


def in_words(refusal: Refusal) -> Problem:
    """Return what X says where the world refuses."""
    return Problem(_REASONS[refusal.reason])
