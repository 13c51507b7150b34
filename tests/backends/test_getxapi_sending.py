"""Sends through GetXAPI: in both generations of its answers, and through all of its refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.backends.vendors import COOKIE, KEY, getxapi_over
from tests.backends.wires import ANNA, EVENT, ME, NOW, Answering, Script, raw, reply
from xdm_mcp.backends.base import Picture
from xdm_mcp.models.sends import Outcome, SendState, Target

MADE = {
    "id": EVENT,
    "createdAt": "2026-10-14T09:30:00.123Z",
    "senderId": ME,
    "recipientId": ANNA,
    "text": "Hello!",
    "recipient_username": "target_user",
}
ACCEPTED: dict[str, Any] = {
    "envelope": {"status": "success", "msg": "DM sent successfully", "data": MADE},
    "flat": MADE,
    "bare": {"status": "success", "data": {"id": EVENT}},
    "snake_case": {"id": EVENT, "sender_id": ME, "recipient_id": ANNA},
    "numbers": {"data": {**MADE, "id": int(EVENT), "recipientId": int(ANNA)}},
}
UNPROVEN: dict[str, tuple[Answering | Exception, str]] = {
    "200 with error": (reply(200, {"error": "Something went wrong"}), "no_receipt"),
    "200 with error and id": (reply(200, {**MADE, "error": "no"}), "no_receipt"),
    "200 with errors": (reply(200, {**MADE, "errors": [{"code": 349}]}), "no_receipt"),
    "200 of another status": (reply(200, {"status": "error", "data": MADE}), "no_receipt"),
    "200 without id": (reply(200, {"status": "success", "data": {}}), "no_receipt"),
    "202": (reply(202, {"status": "success", "data": MADE}), "queued"),
    "502 upstream": (reply(502, {"error": "X returned an empty result"}), "server_error"),
    "500": (reply(500, {}), "server_error"),
    "html": (raw(200, b"<html></html>", content_type="text/html"), "no_receipt"),
    "html 403": (raw(403, b"<html></html>", content_type="text/html"), "unrecognised"),
    "timeout after write": (httpx2.ReadTimeout("late"), "no_answer"),
    "error with a good body": (reply(403, MADE), "contradiction"),
}


def no(status: int, text: str, code: int | None = None, **more: object) -> Answering:
    """Return a refusal in GetXAPI's words."""
    extra = {} if code is None else {"twitter_error_code": code}
    return reply(status, {"error": text, **extra, **more})


REFUSED: dict[str, tuple[Answering, str, str | None]] = {
    "missing recipient": (no(400, "Missing required field: recipient_id"), "bad_request", None),
    "key": (no(401, "Invalid or missing API key"), "auth", "account"),
    "cookie": (no(401, "Could not authenticate you", 32), "auth", "account"),
    "cookie in words": (no(401, "Invalid auth_token - could not extract"), "auth", "account"),
    "credits": (no(402, "Insufficient credits"), "credits", "spending"),
    "credits without a body": (reply(402), "credits", "spending"),
    "closed": (no(403, "Cannot send messages to this user", 349), "recipient_closed", None),
    "closed in words": (no(403, "Cannot send messages to this user"), "recipient_closed", None),
    "unverified": (no(403, "Sender is not verified to send …", 476), "recipient_closed", None),
    "target suspended": (no(403, "User is suspended", 63), "recipient_unavailable", None),
    "own account": (no(403, "Your account is suspended", 64), "account_suspended", "account"),
    "own account in words": (no(403, "Account suspended"), "account_suspended", "account"),
    "locked": (no(403, "Account is temporarily locked", 326), "account_locked", "account"),
    "blocked": (
        no(403, "You have been blocked from sending Direct Messages to this user"),
        "recipient_closed",
        None,
    ),
    "blocked by them": (no(403, "Your account is blocked by this user"), "recipient_closed", None),
    "own account blocked": (no(403, "Your account is blocked"), "account_locked", "account"),
    "locked in words": (no(403, "Account is temporarily locked"), "account_locked", "account"),
    "verification": (no(403, "Verification is needed"), "account_locked", "account"),
    "not found": (no(404, "Could not find user with ID: 7"), "not_found", None),
    "410": (no(410, "Account gone"), "account_suspended", "account"),
    "423": (no(423, "Needs verification", challenge="captcha"), "account_locked", "account"),
    "challenge": (no(400, "…", challenge="captcha"), "account_locked", "account"),
    "burst": (no(429, "Please try again shortly.", retry_after=90), "rate_limited", None),
    "day": (no(429, "daily message request limit", 502), "daily_limit", "first_contacts"),
    "day in words": (
        no(429, "You hit the daily message request limit", retry_after=86_400),
        "daily_limit",
        "first_contacts",
    ),
    "looks automated": (no(403, "looks automated", 226), "spam_flag", "account"),
}


async def send(answer: Answering | Exception, account: str | None = None) -> Outcome:
    """Return the outcome of a send that was answered so, made once."""
    script = Script(answer)
    backend = getxapi_over(script)
    backend._account = account
    outcome = await backend.send(Target((ANNA,)), "Hello!", None)
    assert script.paths == ["POST /twitter/dm/send"]
    return outcome


@pytest.mark.parametrize("name", ACCEPTED)
async def test_an_accepted_send_is_proven_by_an_id(name: str) -> None:
    """In whichever generation and spelling it is told."""
    outcome = await send(reply(200, ACCEPTED[name]), ME)
    assert outcome.state is SendState.SENT
    assert outcome.receipt is not None
    assert outcome.receipt.message_id == EVENT


async def test_the_recipient_goes_as_the_approved_number() -> None:
    """With the cookie in the body and the key in a header: no name for the service to resolve."""
    script = Script(reply(200, MADE))
    await getxapi_over(script).send(Target((ANNA,)), "Hello!", None)
    assert script.body() == {"auth_token": COOKIE, "recipient_id": ANNA, "text": "Hello!"}
    assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert COOKIE not in str(script.requests[0].url)


@pytest.mark.parametrize("name", UNPROVEN)
async def test_without_proof_a_send_is_unknown(name: str) -> None:
    """A success that names no message, one with an error, a failure of the server or silence."""
    answer, code = UNPROVEN[name]
    outcome = await send(answer)
    assert (outcome.state, outcome.code, outcome.receipt) == (SendState.UNKNOWN, code, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"recipientId": "7"},
        {"recipientId": "nobody"},
        {"recipientId": {}},
        {"recipientId": 7},
        {"senderId": "7"},
    ],
)
async def test_another_recipient_or_sender_is_an_incident(changed: dict[str, object]) -> None:
    """Never sent: it is unknown, and everything halts until a person has looked."""
    for accepted in ({**MADE, **changed}, {"status": "success", "data": {**MADE, **changed}}):
        outcome = await send(reply(200, accepted), ME)
        assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "wrong_recipient")
        assert outcome.halt is not None
        assert (outcome.halt.scope, outcome.halt.until) == ("account", None)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_that_is_known_fails(name: str) -> None:
    """With a code of ours, and halts what must stop."""
    answer, code, halts = REFUSED[name]
    outcome = await send(answer)
    assert (outcome.state, outcome.code) == (SendState.FAILED, code)
    assert (outcome.halt.scope if outcome.halt else None) == halts
    assert (outcome.closed_for is not None) == code.startswith("recipient")
    assert (outcome.retry_at is not None) == (code in ("rate_limited", "daily_limit"))
    assert not outcome.not_sent


@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize("says", ["Blocked by a proxy", "Unverified sender", "Clocked out"])
async def test_a_piece_of_a_word_halts_nothing(says: str, status: int) -> None:
    """That the account is locked is said in a word of its own."""
    assert (await send(no(status, says))).halt is None


@pytest.mark.parametrize("status", [200, 202, 400, 500, 502])
@pytest.mark.parametrize(
    "says",
    [
        "Could not verify the upstream certificate",
        "Resource locked by another request",
        "Failed to send to @verify",
        "Worker suspended, upstream error",
        "Database operation is not permitted",
    ],
)
async def test_a_failure_of_the_service_in_words_that_could_be_of_an_account_halts_nothing(
    says: str, status: int
) -> None:
    """Of an account it speaks so under 403, 410 and 423 alone."""
    assert (await send(no(status, says))).halt is None


async def test_what_looks_automated_halts_even_where_nothing_is_proven() -> None:
    """503 with code 226 leaves the send unknown; the service's advice to repeat is not followed."""
    outcome = await send(no(503, "This request looks automated", 226))
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "server_error")
    assert outcome.halt is not None
    assert outcome.halt.code == "spam_flag"


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (no(429, "Please try again shortly.", retry_after=90), 90),
        (no(429, "Please try again shortly."), 60),
        (no(429, "Please try again shortly.", retry_after="soon"), 60),
        (no(429, "Please try again shortly.", retry_after=-5), 60),
        (no(429, "Please try again shortly.", retry_after=10**12), 60),
        (reply(429, {"error": "slow down"}, retry_after="30"), 30),
        (no(429, "daily limit", 502), 86_400),
        (no(429, "daily limit", 502, retry_after=3_600), 3_600),
    ],
)
async def test_a_limit_says_until_when(answer: Answering, seconds: int) -> None:
    """As the body or the header asks, a minute where neither does, a day for the day's limit."""
    outcome = await send(answer)
    assert outcome.retry_at == NOW + timedelta(seconds=seconds)


async def test_the_daily_limit_ends_by_itself() -> None:
    """First contacts stop for a day; nobody has to clear it."""
    outcome = await send(no(429, "daily", 502, retry_after=86_400))
    assert outcome.halt is not None
    assert outcome.halt.until == NOW + timedelta(days=1)


async def test_words_of_x_inside_the_error_are_understood() -> None:
    """X's own JSON quoted in a sentence."""
    quoted = 'HTTP 403: {"errors":[{"code":349,"message":"You cannot send messages to them."}]}'
    assert (await send(no(403, quoted))).code == "recipient_closed"


@pytest.mark.parametrize(
    ("target", "text", "picture"),
    [
        (Target((), f"{ME}-{ANNA}"), "Hello!", None),
        (Target((ME, ANNA)), "Hello!", None),
        (Target(("target_user",)), "Hello!", None),
        (Target((ANNA,)), "", None),
        (Target((ANNA,)), "\ud83d", None),
        (Target((ANNA,)), "Hello!", Picture("a.png", "image/png", b"a")),
    ],
    ids=["conversation", "group", "a name", "no text", "half a character", "a picture"],
)
async def test_what_cannot_be_sent_never_leaves(
    target: Target, text: str, picture: Picture | None
) -> None:
    """No request is made, and everything reserved is given back."""
    script = Script(reply(200, MADE))
    outcome = await getxapi_over(script).send(target, text, picture)
    assert (outcome.state, outcome.not_sent) == (SendState.FAILED, True)
    assert script.requests == []


async def test_without_a_cookie_nothing_leaves() -> None:
    """The sentence says what to set."""
    script = Script(reply(200, MADE))
    outcome = await getxapi_over(script, cookie=None).send(Target((ANNA,)), "Hello!", None)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, "auth", True)
    assert "XDM_GETXAPI_AUTH_TOKEN" in outcome.says
    assert script.requests == []
