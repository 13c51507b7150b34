"""What holds of every policy, every draft and everything that may be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.guard.making import ACCOUNT, NOW, draft, standing, window
from xdm_mcp.guard.base import Rule, conclude, findings_of
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.presets import PRESETS
from xdm_mcp.models.quota import Spend, Window
from xdm_mcp.models.sends import Assurance, Draft, Halt
from xdm_mcp.models.verdicts import Duplicate, Facts, PeerFacts, Verdict

NAMES = [rule.name for rule in Policy.load({}).rules()]
"""Every rule of the guard."""

SECRET = "Zebra-7741"
"""A word that only ever stands in the text of a draft."""

ago = st.integers(0, 3 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
ahead = st.integers(1, 3 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of values or None."""
    return st.none() | strategy


def often(usual: Any, *unusual: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of mostly the usual value, so that most rules have nothing to say."""
    return st.sampled_from([usual] * 3 * len(unusual) + list(unusual))


peers = st.builds(
    PeerFacts,
    peer=st.just("user:2000"),
    user_id=st.sampled_from(["2000", "3000"]),
    last_inbound_at=maybe(ago),
    own_since_inbound=st.integers(0, 7),
    opted_out_at=maybe(ago),
    closed_until=maybe(ago | ahead),
    blocked=st.booleans(),
    suspended=st.booleans(),
    can_dm=maybe(st.booleans()),
    can_dm_at=maybe(ago),
    credits_left=st.integers(0, 5),
)
calm_peers = st.builds(
    PeerFacts,
    peer=st.just("user:2000"),
    user_id=st.just("2000"),
    last_inbound_at=often(NOW, None) | ago,
    own_since_inbound=st.integers(0, 5),
)
halts = st.builds(
    Halt,
    code=st.sampled_from(["spam_flag", "credits"]),
    says=st.just("X signalled trouble."),
    since=ago,
    scope=st.sampled_from(["account", "first_contacts", "spending"]),
    until=maybe(ago | ahead),
)
standing_rules = st.builds(
    standing,
    st.sampled_from([None, "2000", "3000"]),
    used=st.integers(0, 3),
    rule_id=st.sampled_from(["1", "2", "10"]),
    assurance=st.sampled_from([Assurance.PERSON, Assurance.PASSKEY]),
    account_id=often(ACCOUNT, "999"),
    withdrawn_at=often(None, NOW),
    until=ahead | ahead | ago,
    per_day=st.integers(1, 4),
    max_length=often(500, 5),
    solicited=st.booleans(),
    links=st.booleans(),
    quiet_hours=st.booleans(),
    first_contact=st.booleans(),
)
"""Rules of the owner, sensible and not: what covers nothing must let nothing pass."""


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Draw a window, full or not."""
    first = draw(st.booleans())
    return window(
        f"{ACCOUNT}/{'first_contacts' if first else 'messages'}",
        remaining=draw(st.integers(-1, 2)),
        free_in=draw(maybe(st.integers(1, 999).map(lambda seconds: timedelta(seconds=seconds)))),
        reply_exempt=draw(st.booleans()),
        first_contacts_only=first,
    )


def all_facts(of: st.SearchStrategy[PeerFacts], troubles: int) -> st.SearchStrategy[Facts]:
    """Return facts about peers drawn from `of`, with at most `troubles` windows and halts each."""
    return st.builds(
        Facts,
        account_id=st.just(ACCOUNT),
        peers=st.lists(of, min_size=troubles == 0, max_size=2).map(tuple),
        windows=st.lists(windows(), max_size=troubles).map(tuple),
        spend=st.builds(Spend, often(0, 6_000_000), often(0, 9_000_000)),
        halts=st.lists(halts, max_size=troubles).map(tuple),
        duplicate=maybe(
            st.builds(
                Duplicate,
                st.just(1),
                st.sampled_from(["sent", "unknown", "held", "in_flight"]),
                ago,
            )
        )
        if troubles
        else st.none(),
        similar_peers=st.integers(0, 2 + troubles),
        automatic_today=st.integers(0, 30),
        held=often(0, 3, 7),
        last_send_at=maybe(ago | ahead),
        new_group=often(False, True),
        standing_rules=st.lists(standing_rules, max_size=2).map(tuple),
    )


calm = all_facts(calm_peers, 0)
anything = calm | calm | calm | all_facts(peers, 2)
"""Facts in which many drafts pass, and facts full of trouble: every verdict must be met often."""

drafts = st.builds(
    lambda words, people, cost, handle: draft(
        f"{SECRET} {words}", *people, cost=cost, handle=handle
    ),
    often("hello", "see www.example.com", "a\u202eb", "🙂" * 9_999),
    often(("2000",), ("2000", "3000"), (ACCOUNT,)),
    st.sampled_from([0, 15_000]),
    maybe(st.just("Ann")),
)

least = st.sampled_from(["client", "person", "passkey"])
settings: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "recipients": {"deny": st.sampled_from([[], ["3000"], ["@ann"]])},
    "rate_windows": {"per_day": st.integers(1, 1_000)},
    "budget": {"per_day_usd": st.integers(0, 9), "total_usd": st.integers(0, 9)},
    "quiet_hours": {"from": st.just("20:00"), "until": often("10:00", "13:00"), "least": least},
    "first_contact": {"refuse": st.booleans(), "least": least},
    "links": {"allow_hosts": st.sampled_from([[], ["www.example.com"]]), "least": least},
    "confirmation": {
        "mode": often("never", "solicited", "always"),
        "per_day": st.integers(0, 30),
        "held_at_most": st.integers(1, 6),
        "least": least,
        "least_for_replies": least,
    },
    "reply_credit": {"hours": st.integers(1, 24), "replies": st.integers(1, 5)},
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the tables of a policy: some rules off, some with other settings, over any preset."""
    raw: dict[str, Any] = {}
    for name in NAMES:
        table = settings.get(name, {}) if draw(often(True, False)) else {}
        raw[name] = {key: draw(strategy) for key, strategy in table.items()}
        raw[name]["enabled"] = draw(st.sampled_from([True, True, True, False]))
    whole = {"preset": draw(st.sampled_from(list(PRESETS))), "hand_off": draw(st.booleans())}
    return whole | raw


def judges(raw: dict[str, Any], *others_than: str) -> bool:
    """Whether any rule is on, `others_than` left aside."""
    return any(raw[name]["enabled"] for name in NAMES if name not in others_than)


raw_policies = tables().filter(judges)
policies = raw_policies.map(Policy.load)
approvals = maybe(st.sampled_from(list(Assurance)))


@given(policies, drafts, anything, approvals)
def test_the_strictest_finding_wins(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance | None
) -> None:
    """The verdict is that of the strictest finding, and every reason is as strict."""
    decision = policy.decide(wanted, known, NOW, approval)

    assert decision.verdict == max((f.verdict for f in decision.findings), default=Verdict.ALLOW)
    assert bool(decision.reasons) or decision.verdict is Verdict.ALLOW


@given(policies, drafts, anything, approvals, st.randoms(use_true_random=False))
def test_the_order_of_the_rules_never_changes_the_verdict(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance | None, random: Any
) -> None:
    """Nor anything else that follows from a decision."""
    shuffled = list(policy.rules())
    random.shuffle(shuffled)
    one = conclude(findings_of(policy.rules(), wanted, known, NOW), approval)
    other = conclude(findings_of(shuffled, wanted, known, NOW), approval)

    assert (one.verdict, one.retry_at, one.not_before, one.least) == (
        other.verdict,
        other.retry_at,
        other.not_before,
        other.least,
    )
    assert set(one.findings) == set(other.findings)


@given(policies, drafts, anything, approvals, st.data())
def test_a_further_rule_never_loosens_a_decision(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance | None, data: st.DataObject
) -> None:
    """Any part of the rules decides at most as strictly as all of them."""
    rules: Sequence[Rule] = policy.rules()
    some = data.draw(st.lists(st.sampled_from(rules), min_size=1, unique_by=id))

    fewer = conclude(findings_of(some, wanted, known, NOW), approval)
    every = conclude(findings_of(rules, wanted, known, NOW), approval)

    assert fewer.verdict <= every.verdict


@given(raw_policies, drafts, anything, approvals, st.sampled_from(NAMES))
def test_switching_a_rule_off_never_makes_a_policy_stricter(
    raw: dict[str, Any], wanted: Draft, known: Facts, approval: Assurance | None, name: str
) -> None:
    """But for reply credit, which only says what is solicited: without it nothing is."""
    assume(name != "reply_credit")
    assume(judges(raw, name))
    on, off = (Policy.load(raw | {name: raw[name] | {"enabled": it}}) for it in (True, False))

    loose = off.decide(wanted, known, NOW, approval)

    assert loose.verdict <= on.decide(wanted, known, NOW, approval).verdict


@given(policies, drafts, anything, st.sampled_from(Assurance))
def test_an_approval_never_turns_a_denial_into_anything_else(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance
) -> None:
    """Nobody answers what a rule denies; and no approval makes a decision stricter."""
    without = policy.decide(wanted, known, NOW)
    with_one = policy.decide(wanted, known, NOW, approval)
    found = findings_of(policy.rules(), wanted, known, NOW)

    assert with_one.verdict <= without.verdict
    if any(finding.verdict is Verdict.DENY for finding in found):
        assert with_one.verdict is without.verdict is Verdict.DENY


@given(policies, drafts, calm, st.sampled_from(Assurance))
def test_what_is_held_passes_with_the_approval_that_it_asks_for_and_no_less(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance
) -> None:
    """What needs none passes with any, and what is denied with none; without standing rules."""
    alone = replace(known, standing_rules=())
    asked = conclude(policy._findings(wanted, alone, NOW))  # quiet hours at its turn included
    answered = asked.verdict is Verdict.HOLD and approval >= asked.least

    passes = policy.decide(wanted, alone, NOW, approval).verdict is Verdict.ALLOW

    assert passes is (answered or asked.verdict is Verdict.ALLOW)


@given(raw_policies, drafts, anything, approvals)
def test_a_decision_is_the_same_whenever_and_wherever_it_is_made(
    raw: dict[str, Any], wanted: Draft, known: Facts, approval: Assurance | None
) -> None:
    """Two processes with the same file decide alike."""
    here, there = Policy.load(raw), Policy.load(raw)

    assert here.decide(wanted, known, NOW, approval) == there.decide(wanted, known, NOW, approval)


@given(policies, drafts, anything)
def test_a_promised_time_lies_ahead(policy: Policy, wanted: Draft, known: Facts) -> None:
    """Only a denial promises one, and never one that is past."""
    decision = policy.decide(wanted, known, NOW)

    if decision.retry_at is not None:
        assert decision.verdict is Verdict.DENY
        assert decision.retry_at > NOW
    assert decision.not_before is None or decision.not_before > NOW


@given(policies, drafts, anything, approvals)
def test_every_finding_is_one_sentence_without_a_word_of_the_text(
    policy: Policy, wanted: Draft, known: Facts, approval: Assurance | None
) -> None:
    """What is private stays out of results, logs and audit."""
    for finding in policy.decide(wanted, known, NOW, approval).findings:
        assert finding.says.endswith(".")
        assert "\n" not in finding.says
        assert SECRET not in finding.says
