"""Every refusal that X is known to word is recognised, in every shape, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from xdm_mcp.backends import x_api_v2_errors as errors
from xdm_mcp.backends.x_api_v2_errors import TABLE, Refusal, alarm_in, refusal_of, told_by
from xdm_mcp.backends.x_api_v2_problems import problems_in

NEW, OLD = "https://api.x.com/2/problems/", "https://api.twitter.com/2/problems/"
REFUSALS = sorted({row.refusal.code: row.refusal for row in TABLE}.items())


def problem(kind: str, host: str = NEW, **more: Any) -> dict[str, Any]:
    """Return a problem as X words it."""
    return {"type": host + kind, "title": "Some Title", "detail": "Some detail.", **more}


def meaning(status: int, content: object) -> Refusal | None:
    """Return what an answer means."""
    return refusal_of(status, problems_in(content))


DETAIL = {"title": "Forbidden", "type": "about:blank", "status": 403}
BLANK_403 = {"title": "Forbidden", "type": "about:blank", "status": 403, "detail": "Forbidden"}
BLANK_401 = {"title": "Unauthorized", "type": "about:blank", "status": 401}
BLANK_429 = {"title": "Too Many Requests", "type": "about:blank", "status": 429}
CREDITS = {
    "title": "CreditsDepleted",
    "detail": "Your enrolled account does not have any credits to fulfill this request.",
}
CLOSED = {**DETAIL, "detail": "You do not have permission to DM one or more participants."}
RESTRICTED = {**DETAIL, "detail": "This operation is not permitted."}


@pytest.mark.parametrize(
    ("status", "content", "refusal"),
    [
        (400, problem("invalid-request"), errors.BAD_REQUEST),
        (401, BLANK_401, errors.AUTH),
        (402, CREDITS, errors.CREDITS),
        (403, CLOSED, errors.RECIPIENT_CLOSED),
        (403, {"detail": CLOSED["detail"]}, errors.RECIPIENT_CLOSED),
        (403, RESTRICTED, errors.SENDER_RESTRICTED),
        (403, problem("unsupported-authentication"), errors.WRONG_AUTH_KIND),
        (403, problem("oauth1-permissions"), errors.CONFIGURATION),
        (403, problem("client-forbidden", reason="client-not-enrolled"), errors.APP_ACCESS),
        (403, problem("client-forbidden", reason="official-client-forbidden"), errors.APP_ACCESS),
        (403, BLANK_403, errors.SCOPE_MISSING),
        (403, problem("not-authorized-for-resource"), errors.FORBIDDEN),
        (403, problem("not-authorized-for-field"), errors.FORBIDDEN),
        (404, problem("resource-not-found"), errors.NOT_FOUND),
        (404, {"title": "Not Found", "type": "about:blank", "status": 404}, errors.NOT_FOUND),
        (422, {"title": "Unprocessable Entity", "type": "about:blank"}, errors.BAD_REQUEST),
        (429, problem("rate-limit-exceeded"), errors.RATE_LIMITED),
        (429, BLANK_429, errors.RATE_LIMITED),
        (429, problem("usage-capped", period="Monthly", scope="Product"), errors.USAGE_CAP),
    ],
)
@pytest.mark.parametrize(
    "wrap", [lambda p: p, lambda p: {"errors": [p]}, lambda p: {**p, "errors": [p]}]
)
def test_every_known_refusal_is_recognised(
    status: int, content: dict[str, Any], refusal: Refusal, wrap: Any
) -> None:
    """As an object, in `errors[]`, and in both at once."""
    assert meaning(status, wrap(content)) is refusal


@pytest.mark.parametrize(
    ("status", "number", "refusal"),
    [
        *[(404, n, errors.NOT_FOUND) for n in (17, 34, 50, 279)],
        (403, 108, errors.BAD_RECIPIENT),
        *[
            (s, n, errors.AUTH)
            for s, n in ((401, 32), (403, 89), (403, 99), (401, 135), (400, 215))
        ],
        (403, 63, errors.RECIPIENT_UNAVAILABLE),
        (403, 64, errors.ACCOUNT_SUSPENDED),
        *[(403, n, errors.APP_ACCESS) for n in (87, 220, 261, 453)],
        (401, 416, errors.APP_ACCESS),
        (429, 88, errors.RATE_LIMITED),
        (403, 93, errors.CONFIGURATION),
        (403, 214, errors.CONFIGURATION),
        *[(403, n, errors.RECIPIENT_CLOSED) for n in (150, 349, 476)],
        (403, 151, errors.UNPROVEN),
        (403, 226, errors.SPAM_FLAG),
        (410, 251, errors.RETIRED),
        *[(s, n, errors.BAD_REQUEST) for s, n in ((400, 324), (400, 325), (403, 354))],
        (403, 326, errors.ACCOUNT_LOCKED),
        (429, 502, errors.DAILY_LIMIT),
    ],
)
@pytest.mark.parametrize(
    "word",
    [
        lambda n: {"errors": [{"code": n, "message": "Some message."}]},
        lambda n: {"errors": [{"code": str(n), "message": "Some message."}]},
        lambda n: {"code": n, "message": "Some message."},
        lambda n: {"error": f'{{"errors":[{{"code":{n},"message":"Some message."}}]}}'},
        lambda n: {"error": "Some message.", "twitter_error_code": n},
        lambda n: {**BLANK_403, "detail": "", "errors": [{"code": n}]},
    ],
)
def test_every_numeric_code_is_recognised(
    status: int, number: int, refusal: Refusal, word: Any
) -> None:
    """Codes of v1.1 are read as numbers or text, bare, nested, and inside a quoted document."""
    assert meaning(status, word(number)) is refusal


@pytest.mark.parametrize("host", [NEW, OLD, "", "https://docs.x.com/problems/"])
def test_the_host_of_a_problem_type_makes_no_difference(host: str) -> None:
    """X moved from one domain to another in the middle of 2026."""
    assert meaning(404, problem("resource-not-found", host)) is errors.NOT_FOUND


@pytest.mark.parametrize(
    "message",
    [
        "You cannot send messages to users who do not follow you.",
        "You're sending a Direct Message to users that don't follow you.",
        "You are messaging people who are not following you",
    ],
)
def test_a_lock_that_is_about_strangers_closes_the_recipient_only(message: str) -> None:
    """Code 326 has a variant that is no lock of the account."""
    content = {"errors": [{"code": 326, "message": message}]}
    assert meaning(403, content) is errors.RECIPIENT_CLOSED


def test_of_several_problems_the_gravest_speaks() -> None:
    """A closed recipient does not hide that the account is flagged."""
    content = {"errors": [{"code": 349, "message": ""}, {"code": 226, "message": ""}]}
    assert meaning(403, content) is errors.SPAM_FLAG


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (403, {"title": "Forbidden", "detail": "Something new.", "type": "about:blank"}),
        (403, problem("something-new")),
        (403, {"errors": [{"code": 9_999, "message": "?"}]}),
        (403, {"errors": [{"code": 502, "message": "?"}]}),
        (403, {}),
        (403, None),
        (400, None),
        (404, None),
        (402, None),
        (404, "Not Found"),
        (409, problem("conflict")),
        (410, {"title": "Gone"}),
        (408, {"errors": [{"code": 349}]}),
        (500, problem("resource-not-found")),
        (503, {"errors": [{"code": 349}]}),
        (302, {"errors": [{"code": 349}]}),
        (200, problem("resource-not-found")),
    ],
)
def test_what_is_not_listed_is_not_known(status: int, content: object) -> None:
    """New wordings, empty bodies, and known wordings under a status that proves nothing."""
    assert meaning(status, content) is None


@pytest.mark.parametrize("content", [None, "", "Rate limit", {}, [], {"errors": None}])
def test_two_statuses_speak_for_themselves(content: object) -> None:
    """401 and 429 are sure refusals whatever comes with them."""
    assert meaning(401, content) is errors.AUTH
    assert meaning(429, content) is errors.RATE_LIMITED


def test_a_success_may_word_a_refusal() -> None:
    """X answers 200 with `errors[]` for a user that does not exist."""
    missing = problem("resource-not-found", title="Not Found Error", parameter="username")
    assert told_by(problems_in({"errors": [missing]})) is errors.NOT_FOUND
    assert told_by(problems_in({"errors": [{"title": "Odd"}]})) is None


def test_an_alarm_is_heard_under_any_status() -> None:
    """A 503 that carries code 226 still means that X takes us for a robot."""
    assert alarm_in(problems_in({"errors": [{"code": 151}, {"code": 226}]})) is errors.SPAM_FLAG
    assert alarm_in(problems_in({"errors": [{"code": 349}]})) is None


@pytest.mark.parametrize(("code", "refusal"), REFUSALS)
def test_each_refusal_is_one_clear_sentence_of_ours(code: str, refusal: Refusal) -> None:
    """Codes are short words; sentences say what to do and end in a full stop."""
    assert code.replace("_", "").isalpha()
    assert refusal.says.endswith(".")
    assert 20 < len(refusal.says) < 160


def test_the_scopes_that_refusals_halt() -> None:
    """Money stops spending, strangers stop first contacts, trouble stops the account."""
    halting = {code: refusal.halts for code, refusal in REFUSALS if refusal.halts}
    assert halting == {
        "account_locked": "account",
        "account_suspended": "account",
        "app_access": "account",
        "auth": "account",
        "credits": "spending",
        "daily_limit": "first_contacts",
        "sender_restricted": "account",
        "spam_flag": "account",
        "usage_cap": "spending",
    }
