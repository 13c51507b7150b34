"""Runs of bad outcomes that stop the account."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.guard.making import NOW
from xdm_mcp.guard.breakers import trip
from xdm_mcp.models.sends import Halt


@dataclass(frozen=True)
class Past:
    """One past attempt."""

    state: str
    code: str | None = None
    first_contact: bool = False


SENT = Past("sent")
FAILED = Past("failed", "rate_limited")
CLOSED = Past("failed", "recipient_closed", first_contact=True)
UNKNOWN = Past("unknown", "timeout")


def code(*newest_first: Past) -> str | None:
    """Return the code of the halt that the attempts call for, or None."""
    halt = trip(newest_first, NOW)
    return halt.code if halt else None


@pytest.mark.parametrize(
    "attempts",
    [
        (),
        (SENT,),
        (UNKNOWN,),
        (UNKNOWN, SENT, UNKNOWN),
        (CLOSED, CLOSED),
        (CLOSED, SENT, CLOSED, FAILED),
        (FAILED, FAILED, FAILED),
    ],
)
def test_ordinary_ups_and_downs_stop_nothing(attempts: tuple[Past, ...]) -> None:
    """One of a kind, or two that are not in a row."""
    assert code(*attempts) is None


def test_two_unknown_outcomes_in_a_row_halt_the_account() -> None:
    """Without an end: a person clears it."""
    assert trip((UNKNOWN, UNKNOWN, SENT), NOW) == Halt(
        "unknown_outcomes",
        "2 sends in a row ended with an unknown outcome.",
        since=NOW,
        scope="account",
        until=None,
    )


def test_three_closed_recipients_in_ten_sends_halt_first_contacts() -> None:
    """Whoever wrote to us can still be answered."""
    assert trip((CLOSED, SENT, CLOSED, SENT, CLOSED), NOW) == Halt(
        "closed_recipients",
        "3 of the last 10 sends met recipients who are closed to you.",
        since=NOW,
        scope="first_contacts",
        until=None,
    )


@pytest.mark.parametrize(("between", "expected"), [(7, "closed_recipients"), (8, None)])
def test_only_the_last_ten_sends_count(between: int, expected: str | None) -> None:
    """The eleventh is forgotten."""
    assert code(CLOSED, CLOSED, *[SENT] * between, CLOSED) == expected


def test_what_a_person_cleared_does_not_halt_again_by_itself() -> None:
    """Only a newest attempt of the same kind does."""
    assert code(SENT, UNKNOWN, UNKNOWN) is None
    assert code(SENT, CLOSED, CLOSED, CLOSED) is None
    assert code(CLOSED, SENT, CLOSED, CLOSED, CLOSED) == "closed_recipients"
