"""How often an inbox is looked at, in figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.rigs import START
from xdm_mcp.inbox.pace import LONGEST, SLOWEST, after_limit, pause, pause_after_failure

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("quiet", "minutes"), [(0, 1), (30, 1), (60, 2), (75, 2.5), (150, SLOWEST), (10_000, SLOWEST)]
)
def test_a_quiet_inbox_is_looked_at_more_seldom_up_to_a_bound(quiet: int, minutes: float) -> None:
    """After half an hour the pause begins to grow."""
    assert pause(MINUTE, quiet * MINUTE, waited_for=False) == minutes * MINUTE


def test_an_agent_that_waits_is_worth_the_owners_pace() -> None:
    """However quiet it has been."""
    assert pause(MINUTE, timedelta(days=1), waited_for=True) == MINUTE


def test_pauses_after_failures_double_up_to_a_bound() -> None:
    """And never pass it, for any number of failures."""
    pauses = [pause_after_failure(MINUTE, failures, 0) for failures in (1, 2, 3, 4, 1_000)]
    assert pauses == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE, LONGEST, LONGEST]


def test_a_pause_of_the_owner_that_is_longer_than_the_bound_stays() -> None:
    """A failure never makes looks more frequent."""
    assert pause_after_failure(timedelta(hours=1), 1, 0) == timedelta(hours=1)


def test_chance_makes_pauses_longer_and_never_shorter() -> None:
    """So that those who failed together do not come back together, nor before a limit ends."""
    assert pause_after_failure(MINUTE, 1, 1) == 2.4 * MINUTE
    assert after_limit(START, MINUTE, 0) == START
    assert after_limit(START, MINUTE, 1) == START + 0.2 * MINUTE
