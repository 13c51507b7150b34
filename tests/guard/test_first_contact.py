"""The first word to somebody who never wrote to us."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from tests.guard.making import ACCOUNT, GROUP, HOUR, NOW, draft, facts, peer, stranger, window
from xdm_mcp.guard.first_contact import FirstContact
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.verdicts import Facts, PeerFacts, Verdict

SCOPE = f"{ACCOUNT}/first_contacts"


def verdict(known: Facts, rule: FirstContact | None = None) -> Verdict | None:
    """Return what the rule decides about an ordinary draft."""
    finding = (rule or FirstContact()).judge(draft(), known, NOW)
    return finding.verdict if finding else None


def test_whoever_wrote_before_is_no_first_contact() -> None:
    """However long ago."""
    assert verdict(facts(peer(last_inbound_at=NOW - timedelta(days=999)))) is None


@pytest.mark.parametrize(
    "known",
    [
        facts(stranger()),
        facts(peer("2"), stranger("3")),
        facts(peer(), new_group=True),
        facts(PeerFacts(f"conversation:{GROUP}")),
        Facts(ACCOUNT),
    ],
    ids=["a stranger", "one of two", "a new group", "a silent group", "nobody known"],
)
def test_a_first_contact_always_waits_for_a_person(known: Facts) -> None:
    """No setting makes it automatic."""
    assert verdict(known) is Verdict.HOLD


def test_a_group_that_was_written_in_is_a_peer_like_any_other() -> None:
    """A conversation counts as one peer."""
    group = PeerFacts(f"conversation:{GROUP}", last_inbound_at=NOW - HOUR)
    assert verdict(facts(group)) is None


def test_the_owner_may_ask_for_a_passkey() -> None:
    """The finding carries the least assurance."""
    finding = FirstContact(least="passkey").judge(draft(), facts(stranger()), NOW)

    assert finding is not None
    assert finding.least is Assurance.PASSKEY


def test_its_window_is_charged_by_first_contacts_alone() -> None:
    """Five in 24 hours."""
    assert FirstContact().limits(ACCOUNT) == (
        Limit(SCOPE, 5, timedelta(hours=24), first_contacts_only=True),
    )


def test_a_full_window_denies_until_it_has_room() -> None:
    """A person cannot approve a sixth either."""
    full = window(SCOPE, first_contacts_only=True)
    finding = FirstContact().judge(draft(), facts(stranger(), windows=(full,)), NOW)

    assert finding is not None
    assert (finding.verdict, finding.retry_at) == (Verdict.DENY, NOW + HOUR)
    assert finding.says == "The limit of 5 first contacts in 24 hours is reached."


def test_a_full_window_does_not_concern_others() -> None:
    """Nor does a full window of another kind concern first contacts here."""
    full = window(SCOPE, first_contacts_only=True)

    assert verdict(facts(peer(), windows=(full,))) is None
    assert verdict(facts(stranger(), windows=(window(),))) is Verdict.HOLD


def test_a_group_of_more_strangers_than_a_day_may_have_is_refused() -> None:
    """A group is no way round the bound."""
    five = [stranger(str(n)) for n in range(2, 7)]

    assert verdict(facts(*five, new_group=True)) is Verdict.HOLD
    assert verdict(facts(*five, stranger("7"), new_group=True)) is Verdict.DENY
    assert verdict(facts(*five, peer("7"), new_group=True)) is Verdict.HOLD


def test_the_owner_may_refuse_first_contacts_outright() -> None:
    """Without a person, without an end."""
    strict = FirstContact(refuse=True)
    finding = strict.judge(draft(), facts(stranger()), NOW)

    assert finding is not None
    assert (finding.verdict, finding.retry_at) == (Verdict.DENY, None)
    assert verdict(facts(peer()), strict) is None
    assert strict.describe() == "Messages to people who never wrote to you are refused."


@pytest.mark.parametrize(("used", "verdict_"), [(2, Verdict.HOLD), (3, Verdict.DENY)])
def test_each_stranger_of_a_group_needs_room_of_their_own(used: int, verdict_: Verdict) -> None:
    """Three strangers fit where two were written to; one more was one too many."""
    left = replace(window(SCOPE, first_contacts_only=True), used=used, remaining=5 - used)
    three = [stranger(str(n)) for n in range(2, 5)]
    finding = FirstContact().judge(draft(), facts(*three, windows=(left,), new_group=True), NOW)

    assert finding is not None
    assert finding.verdict is verdict_
    if verdict_ is Verdict.DENY:
        assert finding.says == (
            "Of 5 first contacts in 24 hours only 2 are left; leave some people out."
        )
        assert finding.retry_at == left.resets_at


@pytest.mark.parametrize("per_day", [0, 6])
def test_the_bound_can_be_lowered_but_not_raised(per_day: int) -> None:
    """One to five."""
    with pytest.raises(ValidationError):
        FirstContact(per_day=per_day)
