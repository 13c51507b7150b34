"""The same words once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.guard.making import HOUR, NOW, SECOND, draft, facts
from xdm_mcp.guard.duplicates import Duplicates
from xdm_mcp.models.sends import Assurance, SendState
from xdm_mcp.models.verdicts import ELSEWHERE, Duplicate, Finding, Verdict


def judge(
    state: str | None = None,
    ago: timedelta = HOUR,
    similar: int = 0,
    rule: Duplicates | None = None,
) -> Finding | None:
    """Return what the rule says after an earlier send `ago` and `similar` near ones."""
    earlier = Duplicate(1, state, NOW - ago) if state else None
    known = facts(duplicate=earlier, similar_peers=similar)
    finding = (rule or Duplicates()).judge(draft(), known, NOW)
    passable = state in {SendState.REJECTED, ELSEWHERE}
    assert finding is None or passable or finding.verdict is Verdict.DENY
    return finding


def test_a_new_text_passes() -> None:
    """Nothing like it was sent."""
    assert judge() is None


@pytest.mark.parametrize(("ago", "refused"), [(24 * HOUR - SECOND, True), (24 * HOUR, False)])
def test_the_same_text_to_the_same_recipient_waits_a_day(ago: timedelta, refused: bool) -> None:
    """`retry_at` is a day after the earlier one."""
    finding = judge(SendState.SENT, ago)

    assert (finding is not None) is refused
    assert finding is None or finding.retry_at == NOW - ago + 24 * HOUR


@pytest.mark.parametrize("ago", [HOUR, 100 * HOUR])
def test_an_unresolved_earlier_send_is_refused_until_it_is_known(ago: timedelta) -> None:
    """It may have been sent, so time heals nothing."""
    finding = judge(SendState.UNKNOWN, ago)

    assert finding is not None
    assert finding.retry_at is None
    assert "may have been sent to this recipient; we are finding out" in finding.says


@pytest.mark.parametrize("state", [SendState.REJECTED, ELSEWHERE])
def test_what_a_person_rejected_or_typed_by_hand_waits_for_a_person_for_a_day(state: str) -> None:
    """Another key or a blank more is no way round; a person may think better of it."""
    finding = judge(state)

    assert finding is not None
    assert (finding.verdict, finding.least) == (Verdict.HOLD, Assurance.PERSON)
    assert judge(state, 24 * HOUR) is None


def test_too_many_near_copies_are_refused_even_if_a_person_might_answer_the_rest() -> None:
    """The stricter word wins within the rule too."""
    finding = judge(SendState.REJECTED, similar=3)

    assert finding is not None
    assert finding.verdict is Verdict.DENY


def test_each_state_of_the_earlier_send_has_its_own_sentence() -> None:
    """What waits, what is on its way and what was sent are told apart."""
    states = ["sent", "held", "approved", "unknown", "in_flight"]
    findings = [judge(state) for state in states]

    assert len({finding.says for finding in findings if finding}) == len(states)
    assert findings[-1] == judge("reserved")


def test_the_owner_may_shorten_the_wait() -> None:
    """To one hour at least."""
    rule = Duplicates(hours=2)

    assert judge(SendState.SENT, 2 * HOUR, rule=rule) is None
    assert judge(SendState.SENT, HOUR, rule=rule) is not None


@pytest.mark.parametrize(("others", "refused"), [(2, False), (3, True), (4, True)])
def test_nearly_the_same_text_goes_to_few_people(others: int, refused: bool) -> None:
    """The fourth recipient of one text is refused; nobody knows when that heals."""
    finding = judge(similar=others)

    assert (finding is not None) is refused
    assert finding is None or finding.retry_at is None


def test_an_expired_repeat_does_not_hide_too_many_similar_ones() -> None:
    """Both are looked at."""
    finding = judge(SendState.SENT, 24 * HOUR, similar=3)

    assert finding is not None
    assert "3 others" in finding.says
