"""The pause between sends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.guard.making import HOUR, NOW, SECOND, draft, facts
from xdm_mcp.guard.pacing import Pacing
from xdm_mcp.models.verdicts import Verdict


def pause(text: str, last: datetime = NOW, rule: Pacing | None = None) -> timedelta:
    """Return how long a draft of `text` waits after a send at `last`, asked at that very moment."""
    finding = (rule or Pacing()).judge(draft(text), facts(last_send_at=last), last)
    assert finding is not None
    assert finding.verdict is Verdict.ALLOW
    assert finding.not_before is not None
    return finding.not_before - last


def test_the_first_send_leaves_at_once() -> None:
    """There is nothing to keep apart from."""
    assert Pacing().judge(draft(), facts(), NOW) is None


def test_a_send_long_after_the_last_leaves_at_once() -> None:
    """The pause is over."""
    assert Pacing().judge(draft(), facts(last_send_at=NOW - HOUR), NOW) is None


@given(text=st.text(min_size=1, max_size=20))
def test_a_pause_lasts_two_to_five_seconds(text: str) -> None:
    """Both bounds included."""
    assert 2 * SECOND <= pause(text) <= 5 * SECOND


@given(text=st.text(min_size=1, max_size=20), after=st.integers(0, 10_000))
def test_the_same_draft_after_the_same_send_waits_the_same(text: str, after: int) -> None:
    """Judged twice, as at reserve and at claim, it leaves at the same moment."""
    last = NOW + timedelta(milliseconds=after)
    assert pause(text, last) == pause(text, last)


def test_pauses_are_spread_over_the_whole_span() -> None:
    """Different drafts, and the same draft after different sends, wait differently."""
    by_text = [pause(f"text {n}") / SECOND for n in range(300)]
    by_time = [pause("text", NOW + n * SECOND) / SECOND for n in range(300)]

    for pauses in (by_text, by_time):
        assert min(pauses) < 2.2
        assert max(pauses) > 4.8
        assert 3.2 < sum(pauses) / len(pauses) < 3.8


def test_a_slot_in_the_future_is_waited_for() -> None:
    """Another process may have taken the next slot already: ours comes after it."""
    slot = NOW + 3 * SECOND
    finding = Pacing().judge(draft(), facts(last_send_at=slot), NOW)

    assert finding is not None
    assert finding.not_before is not None
    assert finding.not_before >= slot + 2 * SECOND


def test_equal_bounds_make_an_even_pause() -> None:
    """And nothing at all makes none."""
    even, none = Pacing(min_seconds=7, max_seconds=7), Pacing(min_seconds=0, max_seconds=0)

    assert pause("a", rule=even) == pause("b", rule=even) == 7 * SECOND
    assert none.judge(draft(), facts(last_send_at=NOW), NOW) is None


def test_bounds_in_the_wrong_order_are_refused() -> None:
    """Neither is guessed to be the other."""
    with pytest.raises(ValidationError, match="not above `max_seconds`"):
        Pacing(min_seconds=6)
