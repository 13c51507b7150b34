"""What a halt stops, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.guard.making import HOUR, NOW, draft, facts, halt, peer, stranger
from xdm_mcp.guard.halt import Halt
from xdm_mcp.models.verdicts import Verdict


def test_without_a_halt_there_is_nothing_to_say() -> None:
    """No halt, no finding."""
    assert Halt().judge(draft(), facts(), NOW) is None


def test_a_halt_of_the_account_denies_every_send_until_a_person_clears_it() -> None:
    """The sentence says why, and who clears it how; time heals nothing."""
    finding = Halt().judge(draft(), facts(halts=(halt(),)), NOW)

    assert finding is not None
    assert (finding.rule, finding.verdict, finding.retry_at) == ("halt", Verdict.DENY, None)
    assert finding.says == (
        "Sending is halted (spam_flag): X thinks that the account is automated;"
        " a person clears it with `xdm-mcp clear halt`."
    )


def test_a_halt_that_ends_by_itself_says_when() -> None:
    """`retry_at` is the end of the halt."""
    finding = Halt().judge(draft(), facts(halts=(halt(until=NOW + HOUR),)), NOW)

    assert finding is not None
    assert finding.retry_at == NOW + HOUR


@pytest.mark.parametrize(
    ("left", "stops"), [(timedelta(microseconds=1), True), (timedelta(), False)]
)
def test_a_halt_is_over_at_its_very_end(left: timedelta, stops: bool) -> None:
    """Up to its end it stops, from then on not."""
    finding = Halt().judge(draft(), facts(halts=(halt(until=NOW + left),)), NOW)

    assert (finding is not None) is stops


def test_of_several_halts_the_last_to_end_counts() -> None:
    """One that only a person clears outlasts every other."""
    short, long = halt("a", until=NOW + HOUR), halt("b", until=NOW + 2 * HOUR)

    both = Halt().judge(draft(), facts(halts=(short, long)), NOW)
    open_end = Halt().judge(draft(), facts(halts=(short, halt("c"))), NOW)

    assert both is not None
    assert open_end is not None
    assert (both.retry_at, open_end.retry_at) == (NOW + 2 * HOUR, None)
    assert "(a, b)" in both.says


def test_a_halt_of_first_contacts_stops_those_alone() -> None:
    """Whoever wrote to us can still be answered; one stranger among several is enough to stop."""
    held_up = (halt(scope="first_contacts"),)

    assert Halt().judge(draft(), facts(peer(), halts=held_up), NOW) is None
    assert Halt().judge(draft(), facts(peer(), stranger("3"), halts=held_up), NOW) is not None
    assert Halt().judge(draft(), facts(peer(), halts=held_up, new_group=True), NOW) is not None


def test_a_halt_of_spending_stops_what_costs_money_alone() -> None:
    """A send that costs nothing passes."""
    held_up = facts(halts=(halt(scope="spending"),))

    assert Halt().judge(draft(cost=0), held_up, NOW) is None
    assert Halt().judge(draft(cost=1), held_up, NOW) is not None


def test_a_halt_of_a_scope_that_nobody_knows_stops_everything() -> None:
    """Doubt stops."""
    assert Halt().judge(draft(), facts(halts=(halt(scope="moon"),)), NOW) is not None
