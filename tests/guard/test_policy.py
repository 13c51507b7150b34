"""The owner's policy as a whole: what it loads, what it refuses to load, and what follows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.guard.making import ACCOUNT, NOW, draft, facts, peer, stranger
from xdm_mcp.errors import ConfigError
from xdm_mcp.guard.policy import Policy
from xdm_mcp.models import quota
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.verdicts import Facts, Verdict

RULES = [
    "halt",
    "recipients",
    "text",
    "eligibility",
    "duplicates",
    "rate_windows",
    "budget",
    "quiet_hours",
    "first_contact",
    "links",
    "leak",
    "taint",
    "confirmation",
    "reply_credit",
    "pacing",
]
"""Every rule, in the order in which they speak."""

STANDING: dict[str, Any] = {"confirmation": {"mode": "solicited"}}


def refusal(raw: dict[str, Any]) -> str:
    """Return the sentence with which a policy is refused."""
    with pytest.raises(ConfigError) as caught:
        Policy.load(raw)
    return str(caught.value)


def decided(raw: dict[str, Any], known: Facts, approval: Assurance | None = None) -> Verdict:
    """Return what a policy decides about an ordinary draft."""
    return Policy.load(raw).decide(draft(), known, NOW, approval).verdict


def test_a_policy_without_a_word_has_every_rule_on_in_a_fixed_order() -> None:
    """The safe defaults."""
    assert [rule.name for rule in Policy.load({}).rules()] == RULES


def test_by_default_an_ordinary_reply_is_held_for_a_person() -> None:
    """And the only reason is that the owner confirms every message."""
    decision = Policy.load({}).decide(draft(), facts(), NOW)

    assert decision.verdict is Verdict.HOLD
    assert decision.least is Assurance.PERSON
    assert decision.reasons == (("confirmation", "The owner confirms every message."),)


def test_a_person_answers_what_is_held_and_a_form_of_the_client_does_not() -> None:
    """Unless the owner allows it."""
    assert decided({}, facts(), Assurance.PERSON) is Verdict.ALLOW
    assert decided({}, facts(), Assurance.CLIENT) is Verdict.HOLD
    lenient = {"confirmation": {"least": "client"}}
    assert decided(lenient, facts(), Assurance.CLIENT) is Verdict.ALLOW
    assert decided(lenient, facts(stranger()), Assurance.CLIENT) is Verdict.HOLD


def test_a_standing_rule_lets_solicited_replies_pass_and_nothing_else() -> None:
    """Links and strangers still wait."""
    policy = Policy.load(STANDING)

    assert policy.decide(draft(), facts(), NOW).verdict is Verdict.ALLOW
    assert policy.decide(draft("see a.com"), facts(), NOW).verdict is Verdict.HOLD
    assert policy.decide(draft(), facts(stranger()), NOW).verdict is Verdict.HOLD


def test_reply_credit_says_what_a_standing_rule_lets_pass() -> None:
    """The same settings have the same meaning in both rules."""
    once = STANDING | {"reply_credit": {"replies": 1}}

    assert decided(once, facts(peer(own_since_inbound=1))) is Verdict.HOLD
    assert decided(STANDING, facts(peer(own_since_inbound=1))) is Verdict.ALLOW


def test_what_would_wait_is_denied_while_as_many_wait_as_may() -> None:
    """Whichever rule asks; what need not wait still passes."""
    crowd = facts(held=5)
    stranger_in_crowd = facts(stranger(), held=5)

    assert decided({}, crowd) is Verdict.DENY
    assert decided(STANDING, crowd) is Verdict.ALLOW
    assert decided({"confirmation": {"mode": "never"}}, stranger_in_crowd) is Verdict.DENY
    assert decided({"confirmation": {"enabled": False}}, stranger_in_crowd) is Verdict.HOLD
    assert decided({"confirmation": {"held_at_most": 6}}, crowd) is Verdict.HOLD


def test_an_approved_send_leaves_the_queue_however_long_it_is() -> None:
    """Only what would newly wait is refused: the first of five that a person approved goes out."""
    assert decided({}, facts(held=5), Assurance.PERSON) is Verdict.ALLOW
    assert decided({"confirmation": {"held_at_most": 1}}, facts(held=5), Assurance.PERSON) is (
        Verdict.ALLOW
    )
    assert decided({}, facts(held=5), Assurance.CLIENT) is Verdict.HOLD


def test_a_rule_that_is_off_judges_nothing_but_is_still_told_of() -> None:
    """`describe` keeps its place and says so."""
    policy = Policy.load({"links": {"enabled": False}})

    assert "links" not in [rule.name for rule in policy.rules()]
    assert dict(policy.describe())["links"] == "Switched off by the owner."
    assert [name for name, _ in policy.describe()] == RULES


def test_every_description_is_one_sentence() -> None:
    """It fits in a row of `quota_status`."""
    for policy in (Policy.load({}), Policy.load(STANDING | {"budget": {"total_usd": 9}})):
        for _, says in policy.describe():
            assert says.endswith(".")
            assert "\n" not in says
            assert says[0].isupper()


def test_limits_are_the_windows_of_sends_and_of_first_contacts() -> None:
    """Merged with those of the backend, its place for the account filled in."""
    backend = (Limit("{account}/requests", 10, timedelta(minutes=15)),)
    names = {lim.scope: lim.limit for lim in Policy.load({}).limits(ACCOUNT, backend)}

    assert names == {"1000/requests": 10, "1000/messages": 500, "1000/first_contacts": 5}


def test_limits_of_the_backend_are_counted_though_the_rules_be_off() -> None:
    """So that their windows are shown."""
    off = Policy.load({"rate_windows": {"enabled": False}, "first_contact": {"enabled": False}})
    backend = Limit("{account}/requests", 10, timedelta(minutes=15))

    assert off.limits(ACCOUNT, (backend,)) == (backend.of(ACCOUNT),)


def test_the_budget_is_that_of_its_rule_or_none() -> None:
    """In micro-dollars, for reads as well."""
    assert Policy.load({}).budget() == quota.Budget(per_day=5_000_000)
    assert Policy.load({"budget": {"enabled": False}}).budget() == quota.Budget()


def test_the_owners_own_words_opt_out_too() -> None:
    """Beside the usual ones."""
    policy = Policy.load({"recipients": {"opt_out_phrases": ["ciao bello"]}})

    assert policy.opted_out("Ciao, bello!")
    assert policy.opted_out("stop")
    assert not Policy.load({}).opted_out("ciao bello")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (
            {"quiet_hour": {}},
            "There is no setting `guard.quiet_hour`; the nearest is `guard.quiet_hours`.",
        ),
        (
            {"rate_windows": {"per_days": 3}},
            "There is no setting `guard.rate_windows.per_days`;"
            " the nearest is `guard.rate_windows.per_day`.",
        ),
        (
            {"budget": {"zebra": 3}},
            "There is no setting `guard.budget.zebra`;"
            " known are enabled, per_day_usd and total_usd.",
        ),
        (
            {"budget_": {}},
            "There is no setting `guard.budget_`; the nearest is `guard.budget`.",
        ),
        (
            {"rate_windows": {"per_day": 1_001}},
            "`guard.rate_windows.per_day` must be a whole number from 1 to 1000.",
        ),
        (
            {"rate_windows": {"per_day": "100"}},
            "`guard.rate_windows.per_day` must be a whole number from 1 to 1000.",
        ),
        (
            {"rate_windows": {"per_day": True}},
            "`guard.rate_windows.per_day` must be a whole number from 1 to 1000.",
        ),
        (
            {"confirmation": {"mode": "sometimes"}},
            '`guard.confirmation.mode` must be "always", "solicited" or "never".',
        ),
        (
            {"links": {"least": "standing_rule"}},
            '`guard.links.least` must be "client", "person" or "passkey".',
        ),
        ({"halt": {"enabled": "no"}}, "`guard.halt.enabled` must be true or false."),
        ({"halt": "off"}, "`guard.halt` must be a table."),
        (
            {"budget": {"per_day_usd": Decimal("0.0000001")}},
            '`guard.budget.per_day_usd` must be an amount in USD such as "5.00"'
            " from 0 to 1000000, to the micro-dollar.",
        ),
        (
            {"pacing": {"min_seconds": -1}},
            "`guard.pacing.min_seconds` must be a number from 0 to 3600.",
        ),
        (
            {"recipients": {"allow": "ann"}},
            '`guard.recipients.allow` must be a list of strings such as ["one", "two"].',
        ),
        (
            {"recipients": {"allow": [2000]}},
            '`guard.recipients.allow` must be a list of strings such as ["one", "two"].',
        ),
        (
            {"recipients": {"deny": ["not a handle"]}},
            "`guard.recipients.deny` must name people by user id or handle,"
            " and groups by conversation id.",
        ),
        (
            {"quiet_hours": {"from": "late", "until": "08:00"}},
            '`guard.quiet_hours.from` must be a local time such as "22:00".',
        ),
        (
            {"quiet_hours": {"recipients": {"ann": 3}}},
            "`guard.quiet_hours.recipients` must be a table of strings.",
        ),
        (
            {"quiet_hours": {"from": "22:00"}},
            "`guard.quiet_hours` needs `from` and `until`, two different times,"
            " or neither of them.",
        ),
        (
            {name: {"enabled": False} for name in RULES},
            "`guard` switches every rule off; leave at least one of them on.",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused_in_one_sentence(raw: dict[str, Any], says: str) -> None:
    """It names the key and what is allowed there, or the nearest key that exists."""
    assert refusal(raw) == says


def test_a_policy_never_changes() -> None:
    """Neither a rule nor a setting of one."""
    loaded = Policy.load({})

    for thing, key in ((loaded, "links"), (loaded.links, "enabled")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(thing, key, False)


def test_a_refusal_never_repeats_the_value() -> None:
    """Somebody may have put a secret in the wrong place."""
    for wrong in (
        {"recipients": {"deny": ["s3cr3t value"]}},
        {"budget": {"per_day_usd": "s3cr3t"}},
    ):
        assert "s3cr3t" not in refusal(wrong)
