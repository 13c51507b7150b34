"""Who cannot be reached anyway."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.guard.making import HOUR, NOW, SECOND, draft, facts, peer, stranger
from xdm_mcp.guard.eligibility import Eligibility
from xdm_mcp.models.verdicts import Facts, Finding, PeerFacts, Verdict


def judge(known: Facts) -> Finding | None:
    """Return what the rule says of an ordinary draft."""
    finding = Eligibility().judge(draft(), known, NOW)
    assert finding is None or finding.verdict is Verdict.DENY
    return finding


@pytest.mark.parametrize("known", [peer(), stranger(), stranger(can_dm=True, can_dm_at=NOW)])
def test_whoever_is_not_known_to_be_closed_passes(known: PeerFacts) -> None:
    """Not knowing is no reason."""
    assert judge(facts(known)) is None


@pytest.mark.parametrize(("left", "refused"), [(SECOND, True), (timedelta(), False)])
def test_a_remembered_refusal_is_respected_until_its_end(left: timedelta, refused: bool) -> None:
    """`retry_at` is the end."""
    finding = judge(facts(peer(closed_until=NOW + left, closed_code="recipient_closed")))

    assert (finding is not None) is refused
    if finding is not None:
        assert finding.retry_at == NOW + left
        assert finding.says == (
            "Recipient 2000 refused an earlier message; X would refuse this one too."
        )


@pytest.mark.parametrize(
    ("known", "word"), [(peer(blocked=True), "blocked"), (peer(suspended=True), "suspended")]
)
def test_a_blocked_or_suspended_recipient_is_refused_without_an_end(
    known: PeerFacts, word: str
) -> None:
    """Time alone heals neither."""
    finding = judge(facts(known))

    assert finding is not None
    assert finding.retry_at is None
    assert word in finding.says


@pytest.mark.parametrize(("ago", "refused"), [(24 * HOUR - SECOND, True), (24 * HOUR, False)])
def test_a_stranger_who_takes_no_messages_is_refused_for_a_day(
    ago: timedelta, refused: bool
) -> None:
    """After a day the backend's word is too old to be believed."""
    finding = judge(facts(stranger(can_dm=False, can_dm_at=NOW - ago)))

    assert (finding is not None) is refused
    assert finding is None or finding.retry_at == NOW - ago + 24 * HOUR


def test_whoever_wrote_first_can_be_answered_whatever_the_backend_says() -> None:
    """A cannot-DM that speaks of them alone does not block an answer."""
    assert judge(facts(peer(can_dm=False, can_dm_at=NOW))) is None


def test_a_cannot_dm_without_a_date_is_not_believed() -> None:
    """Nobody knows how old it is."""
    assert judge(facts(stranger(can_dm=False))) is None


def test_of_several_reasons_the_last_to_heal_counts() -> None:
    """In one recipient or in several; what never heals outlasts the rest."""
    closed = peer("2", closed_until=NOW + HOUR)
    longer = peer("3", closed_until=NOW + 2 * HOUR)

    both = judge(facts(closed, longer))
    never = judge(facts(closed, peer("4", blocked=True)))

    assert both is not None
    assert never is not None
    assert (both.retry_at, never.retry_at) == (NOW + 2 * HOUR, None)
