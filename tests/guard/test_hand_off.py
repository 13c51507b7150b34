"""What may be handed to the owner's own hand, and what never."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.making import (
    ACCOUNT,
    GROUP,
    HOUR,
    IMAGE,
    NOW,
    THEM,
    draft,
    facts,
    halt,
    peer,
    stranger,
    window,
)
from tests.guard.test_decide import anything, drafts, policies
from xdm_mcp.guard.hand_off import LONGEST, compose_url
from xdm_mcp.guard.policy import Policy
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import ELSEWHERE, Duplicate, Facts, Verdict

NO_STRANGERS: dict[str, Any] = {"first_contact": {"refuse": True}}


def by_hand(raw: dict[str, Any], wanted: Draft, known: Facts) -> bool:
    """Return whether a refused send is offered to the owner's hand."""
    decision = Policy.load(raw).decide(wanted, known, NOW)
    assert decision.verdict is Verdict.DENY
    return decision.by_hand


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        (NO_STRANGERS, facts(stranger())),
        ({}, facts(spend=Spend(5_000_000, 5_000_000))),
        ({}, facts(windows=(window(),))),
        ({}, facts(held=5)),
    ],
    ids=["first contact refused", "budget", "window", "queue full"],
)
def test_what_only_the_api_may_not_do_is_offered_to_the_hand(
    raw: dict[str, Any], known: Facts
) -> None:
    """The owner may write to whom they like, in X itself."""
    assert by_hand(raw, draft(), known)


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        ({}, facts(peer(opted_out_at=NOW - HOUR))),
        ({}, facts(peer(blocked=True))),
        ({}, facts(peer(suspended=True))),
        ({}, facts(peer(closed_until=NOW + HOUR))),
        ({"recipients": {"deny": [THEM]}}, facts()),
        ({"recipients": {"allow": ["3000"]}}, facts()),
        ({}, facts(halts=(halt(),))),
        ({}, facts(duplicate=Duplicate(1, "unknown", NOW - HOUR))),
        ({}, facts(similar_peers=3)),
    ],
    ids=[
        "opted out", "blocked", "suspended", "closed", "denied", "not allowed", "halt",
        "perhaps sent", "to many",
    ],
)  # fmt: skip
@pytest.mark.parametrize("also", ["", "budget", "switched off"])
def test_what_is_wrong_whoever_sends_it_is_never_offered(
    raw: dict[str, Any], known: Facts, also: str
) -> None:
    """Not beside another reason either, nor where the rule that says so is switched off."""
    off = {name: {**raw.get(name, {}), "enabled": False} for name in ("recipients", "eligibility")}
    cheap = {"budget": {"per_day_usd": 0}} if also else {}
    more = off | {"halt": {"enabled": False}, "duplicates": {"enabled": False}}

    assert not by_hand(raw | cheap | (more if also == "switched off" else {}), draft(), known)


@pytest.mark.parametrize("state", ["rejected", ELSEWHERE])
def test_what_a_person_rejected_or_sent_by_hand_is_not_offered_again(state: str) -> None:
    """Whatever else refuses it: the address would have it go there twice, or after all."""
    known = facts(duplicate=Duplicate(1, state, NOW - HOUR))

    assert not by_hand({"budget": {"per_day_usd": 0}}, draft(), known)


def test_a_text_that_hides_something_is_never_offered() -> None:
    """Nobody could vouch for it by hand either."""
    assert not by_hand({}, draft("Hello\u200b"), facts())


def test_the_owner_switches_it_off() -> None:
    """With one key."""
    assert not by_hand(NO_STRANGERS | {"hand_off": False}, draft(), facts(stranger()))


def test_what_is_held_or_allowed_is_not_handed_off() -> None:
    """There the usual way is open."""
    for raw in ({}, {"confirmation": {"mode": "never"}}):
        assert not Policy.load(raw).decide(draft(), facts(), NOW).by_hand


@pytest.mark.parametrize(
    "wanted",
    [
        draft(group=GROUP),
        draft("Hello", THEM, "3000"),
        draft(attachment=IMAGE),
        draft("Hello", "0"),
        draft("é" * LONGEST),
    ],
    ids=["group", "new group", "image", "nobody looked up", "too long an address"],
)
def test_there_is_no_address_for_what_an_address_cannot_say(wanted: Draft) -> None:
    """Never half of a message."""
    assert compose_url(wanted) is None


def test_the_address_is_xs_own_page() -> None:
    """With the numeric recipient and the text in which nothing is left to chance."""
    url = compose_url(draft("Hi & bye?\n50 % + 1 = #1/é"))

    assert url == (
        "https://x.com/messages/compose?recipient_id=2000"
        "&text=Hi%20%26%20bye%3F%0A50%20%25%20%2B%201%20%3D%20%231%2F%C3%A9"
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_the_address_holds_exactly_the_text_and_the_recipient(text: str) -> None:
    """Whatever is written in it: no word of a text can add or change a parameter."""
    url = compose_url(draft(text))
    if url is None:
        return

    parts = urlsplit(url)
    said = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "x.com", "/messages/compose")
    assert said == {"recipient_id": [THEM], "text": [text]}
    assert url.isascii()


@given(policies, drafts, anything)
def test_only_a_refused_send_to_one_person_is_offered(
    policy: Policy, wanted: Draft, known: Facts
) -> None:
    """And never to somebody who asked us to stop, or while a halt of all sends is in force."""
    decision = policy.decide(wanted, known, NOW)
    if not decision.by_hand:
        return

    assert decision.verdict is Verdict.DENY
    assert policy.hand_off
    assert len(wanted.target.user_ids) == 1
    assert wanted.target.user_ids[0] != ACCOUNT
    assert all(p.opted_out_at is None and not p.blocked for p in known.peers)
    stops = [h for h in known.halts if h.scope == "account" and (h.until is None or h.until > NOW)]
    assert not stops
