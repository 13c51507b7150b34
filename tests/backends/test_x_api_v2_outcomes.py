"""A send is SENT, FAILED or UNKNOWN by evidence alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.test_strict_json import VALUES
from tests.backends.wires import ACCEPTED, ANNA, EVENT, ME, NOW, PAIR
from xdm_mcp.backends import unanswered
from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.http import Answer, NoAnswer, Unreadable
from xdm_mcp.backends.x_api_v2_errors import TABLE, Refusal
from xdm_mcp.backends.x_api_v2_parse import receipt_in
from xdm_mcp.errors import BackendUnavailable, NotFound, RateLimited, Refused
from xdm_mcp.models.sends import Outcome, Receipt, SendState, Target

TARGET = Target((ANNA,))
LISTED = {401, 402, 403, 404, 429}


def outcome(status: int, content: object = None, **headers: str) -> Outcome:
    """Return the outcome of a send to one person that was answered so."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return outcomes.outcome_of(Answer(status, fields, content), TARGET, NOW, ME)


def coded(number: int) -> dict[str, Any]:
    """Return a body with one numeric code."""
    return {"errors": [{"code": number, "message": ""}]}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_with_an_id_is_sent(status: int) -> None:
    """The receipt holds the id and the conversation."""
    result = outcome(status, ACCEPTED)
    assert (result.state, result.receipt) == (SendState.SENT, Receipt(EVENT, PAIR))
    assert "accepted" in result.says
    assert "delivered" not in result.says


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"data": {}},
        {"data": {"dm_conversation_id": PAIR}},
        {"errors": [{"title": "Odd"}]},
        {"data": {"dm_event_id": 2110302518114725888}},
        Unreadable("not JSON"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_without_an_id_is_unknown(status: int, content: object) -> None:
    """Neither sent for sure nor failed for sure."""
    result = outcome(status, content)
    assert (result.state, result.code, result.receipt) == (SendState.UNKNOWN, "no_receipt", None)


def test_a_success_for_another_conversation_is_unknown() -> None:
    """An id that belongs elsewhere does not prove this send."""
    result = outcome(201, {"data": {"dm_event_id": EVENT, "dm_conversation_id": "111-222"}})
    assert (result.state, result.code) == (SendState.UNKNOWN, "contradiction")


def test_a_refusal_with_an_id_is_unknown() -> None:
    """An answer that says both proves neither."""
    result = outcome(403, {**coded(349), **ACCEPTED})
    assert (result.state, result.code) == (SendState.UNKNOWN, "contradiction")


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("content", [None, {}, coded(349), ACCEPTED, Unreadable("not JSON")])
def test_redirects_and_server_errors_are_unknown(status: int, content: object) -> None:
    """Whatever they carry: the message may exist."""
    assert outcome(status, content).state is SendState.UNKNOWN


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (403, coded(151)),
        (403, {"title": "Forbidden", "detail": "Something new."}),
        (403, None),
        (400, Unreadable("not JSON")),
        (404, Unreadable("not JSON")),
        (418, {"title": "Teapot"}),
    ],
)
def test_refusals_that_nothing_recognises_are_unknown(status: int, content: object) -> None:
    """So is code 151, which says that sending failed and has been seen to be wrong."""
    result = outcome(status, content)
    assert result.state is SendState.UNKNOWN
    assert "Do not send it again" in result.says


@pytest.mark.parametrize(
    ("status", "content", "code", "scope"),
    [
        (403, coded(226), "spam_flag", "account"),
        (403, coded(326), "account_locked", "account"),
        (403, coded(64), "account_suspended", "account"),
        (403, {"detail": "This operation is not permitted."}, "sender_restricted", "account"),
        (403, {"type": "/2/problems/client-forbidden"}, "app_access", "account"),
        (402, {"title": "CreditsDepleted"}, "credits", "spending"),
        (429, {"type": "/2/problems/usage-capped"}, "usage_cap", "spending"),
        (429, coded(502), "daily_limit", "first_contacts"),
        (503, coded(226), "spam_flag", "account"),
        (200, coded(226), "spam_flag", "account"),
    ],
)
def test_trouble_halts_what_it_concerns(
    status: int, content: object, code: str, scope: str
) -> None:
    """Whatever else the outcome is, X's alarm is passed on."""
    halt = outcome(status, content).halt
    assert halt is not None
    assert (halt.code, halt.scope, halt.since) == (code, scope, NOW)


def test_the_daily_limit_of_strangers_ends_by_itself() -> None:
    """The halt of first contacts lasts a day, others until a person clears them."""
    daily, flagged = outcome(429, coded(502)).halt, outcome(403, coded(226)).halt
    assert daily is not None
    assert flagged is not None
    assert (daily.until, flagged.until) == (NOW + timedelta(hours=24), None)


def test_a_closed_recipient_is_remembered_for_a_week_and_halts_nothing() -> None:
    """Their refusal is about them alone."""
    detail = "You do not have permission to DM one or more participants."
    result = outcome(403, {"detail": detail})
    assert (result.state, result.code) == (SendState.FAILED, "recipient_closed")
    assert (result.closed_for, result.halt) == (timedelta(days=7), None)
    assert not result.not_sent


def test_a_dead_token_fails_and_halts_the_account() -> None:
    """A 401 is a sure refusal; its missing headers do not mean that a window is exhausted."""
    result = outcome(401, {"title": "Unauthorized"})
    assert (result.state, result.code, result.windows) == (SendState.FAILED, "auth", ())
    assert result.halt is not None
    assert (result.halt.scope, result.retry_at) == ("account", None)


def test_a_rate_limit_says_when_to_try_again() -> None:
    """At the reset of the exhausted window, else in a quarter of an hour."""
    reset = NOW + timedelta(minutes=4)
    told = {
        "x_rate_limit_limit": "15",
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": str(int(reset.timestamp())),
    }
    known, unknown = outcome(429, None, **told), outcome(429)
    assert (known.state, known.code, known.retry_at) == (SendState.FAILED, "rate_limited", reset)
    assert known.windows[0].scope == f"{ME}/requests"
    assert unknown.retry_at == NOW + timedelta(minutes=15)


def test_a_lost_answer_is_unknown_unless_nothing_left() -> None:
    """Only proof that nothing left gives everything back."""
    lost = unanswered.lost("X", NoAnswer("It broke off.", left=True))
    never = unanswered.lost("X", NoAnswer("It was not reached.", left=False))
    assert (lost.state, lost.code, lost.not_sent) == (SendState.UNKNOWN, "no_answer", False)
    assert (never.state, never.code, never.not_sent) == (SendState.FAILED, "not_sent", True)


STATUSES = st.sampled_from([200, 201, 400, 401, 403, 404, 408, 429, 503]) | st.integers(100, 599)
ANSWERS = VALUES | st.sampled_from([ACCEPTED, ACCEPTED["data"]])
PROBLEMS = VALUES | st.sampled_from([88, 150, 151, 226, 349]).map(lambda number: {"code": number})


@given(STATUSES, ANSWERS, PROBLEMS)
@settings(deadline=None)
def test_no_answer_is_sent_without_an_id_or_failed_without_a_known_refusal(
    status: int, content: object, inner: object
) -> None:
    """Of all answers that there are: the three states keep their promises, and nothing raises."""
    for body in (content, {"data": content, "errors": inner}, {"errors": [content, inner]}):
        result = outcome(status, body)
        if result.state is SendState.SENT:
            assert 200 <= status < 300
            assert result.receipt == receipt_in(body)
        else:
            assert result.receipt is None
        if result.state is SendState.FAILED:
            assert 400 <= status < 500
            assert status != 408
            assert result.says in {row.refusal.says for row in TABLE}
        assert not result.not_sent


def read_error(status: int, content: object, **headers: str) -> Exception:
    """Return what a read raises that was answered so."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(Exception, match=r".+") as raised:
        outcomes.refuse_read(Answer(status, fields, content), NOW)
    return raised.value


@pytest.mark.parametrize("refusal", {row.refusal.code: row.refusal for row in TABLE}.values())
def test_a_refused_read_says_our_own_sentence(refusal: Refusal) -> None:
    """Each class of refusal becomes the error that it is."""
    row = next(row for row in TABLE if row.refusal is refusal and not (row.numbers and row.detail))
    status = min(row.statuses & LISTED or row.statuses)
    content = {"title": row.title or "", "type": f"/{min(row.kinds, default='')}"}
    number = min(row.numbers, default=None)
    detail = {
        "sender_restricted": "This operation is not permitted.",
        "recipient_closed": "You do not have permission to DM one or more participants.",
        "scope_missing": "Forbidden",
    }.get(refusal.code, "")
    told = {**content, "code": number, "detail": detail}
    error = read_error(status, told)
    assert str(error) == refusal.says
    if refusal.code == "not_found":
        assert isinstance(error, NotFound)
    elif refusal.waits:
        assert isinstance(error, RateLimited)
        assert error.retry_at == NOW + timedelta(minutes=15)
    else:
        assert isinstance(error, Refused)
        assert error.code == refusal.code


@pytest.mark.parametrize(
    ("status", "content"),
    [(500, None), (503, coded(226)), (302, None), (200, None), (200, {}), (403, None), (409, {})],
)
def test_a_read_without_a_usable_answer_is_unavailable(status: int, content: object) -> None:
    """What we cannot understand is not a refusal."""
    assert type(read_error(status, content)) is BackendUnavailable


def test_a_success_that_words_a_refusal_raises_it() -> None:
    """X answers 200 with `errors[]` for what does not exist."""
    missing = {"errors": [{"type": "https://api.x.com/2/problems/resource-not-found"}]}
    assert isinstance(read_error(200, missing), NotFound)
