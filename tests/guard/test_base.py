"""How findings become one decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import pytest

from tests.guard.making import HOUR, NOW, draft, facts
from xdm_mcp.guard.base import HoldingRule, Rule, conclude, findings_of
from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict


class Says(Rule):
    """A rule that always says the same."""

    name: ClassVar[str] = "says"
    finding: Finding | None = None

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """See Rule.judge."""
        return self.finding


class Asks(HoldingRule):
    """A rule that may ask for an approval."""

    name: ClassVar[str] = "asks"


def saying(verdict: Verdict, says: str = "Because.", **known: object) -> Says:
    """Return a rule that always finds `verdict`."""
    return Says(finding=Finding("says", verdict, says, **known))  # type: ignore[arg-type]


def decided(rules: Sequence[Rule], approval: Assurance | None = None) -> Decision:
    """Return the decision of `rules` on an ordinary draft."""
    return conclude(findings_of(rules, draft(), facts(), NOW), approval)


def judged(*rules: Rule, approval: Assurance | None = None) -> tuple[Verdict, list[str]]:
    """Return the verdict and the reasons of `rules` on an ordinary draft."""
    decision = decided(rules, approval)
    return decision.verdict, [says for _, says in decision.reasons]


def test_a_policy_without_rules_decides_nothing() -> None:
    """It would let everything pass, so it is an error."""
    with pytest.raises(ValueError, match="a policy without rules"):
        findings_of((), draft(), facts(), NOW)


def test_rules_with_nothing_to_say_let_a_draft_pass() -> None:
    """Silence is consent of a rule."""
    assert judged(Says()) == (Verdict.ALLOW, [])


def test_the_strictest_finding_wins_and_its_like_are_the_reasons() -> None:
    """Two denials are both told; a hold beside them is not a reason."""
    rules = [
        saying(Verdict.DENY, "One."),
        saying(Verdict.HOLD, "Two."),
        saying(Verdict.DENY, "Three."),
        saying(Verdict.ALLOW, "Four."),
    ]

    assert judged(*rules) == (Verdict.DENY, ["One.", "Three."])


@pytest.mark.parametrize(
    ("approval", "least", "answered"),
    [
        (None, Assurance.CLIENT, False),
        (Assurance.STANDING_RULE, Assurance.CLIENT, False),
        (Assurance.CLIENT, Assurance.CLIENT, True),
        (Assurance.CLIENT, Assurance.PERSON, False),
        (Assurance.PERSON, Assurance.PASSKEY, False),
        (Assurance.PASSKEY, Assurance.PERSON, True),
    ],
)
def test_an_approval_answers_a_hold_that_asks_for_no_more(
    approval: Assurance | None, least: Assurance, answered: bool
) -> None:
    """What it answers stays as a remark."""
    verdict, reasons = judged(saying(Verdict.HOLD, least=least), approval=approval)

    if answered:
        assert (verdict, reasons) == (Verdict.ALLOW, ["approved: Because."])
    else:
        assert (verdict, reasons) == (Verdict.HOLD, ["Because."])


@pytest.mark.parametrize("approval", [None, *Assurance])
def test_no_approval_answers_a_denial(approval: Assurance | None) -> None:
    """Not even the surest."""
    assert judged(saying(Verdict.DENY), approval=approval) == (Verdict.DENY, ["Because."])


def test_a_decision_asks_for_the_most_that_any_holding_rule_asks() -> None:
    """A passkey for one rule is a passkey for all."""
    rules = [saying(Verdict.HOLD, least=least) for least in Assurance]
    assert decided(rules).least is Assurance.PASSKEY


def test_time_heals_a_denial_only_where_it_heals_every_one() -> None:
    """And then at the last of their times."""
    soon, late = saying(Verdict.DENY, retry_at=NOW), saying(Verdict.DENY, retry_at=NOW + HOUR)

    assert decided([late, soon]).retry_at == NOW + HOUR
    assert decided([late, saying(Verdict.DENY)]).retry_at is None


@pytest.mark.parametrize("least", ["client", "person", "passkey"])
def test_a_holding_rule_asks_for_what_its_setting_says(least: str) -> None:
    """The names of the policy file are those of the assurances."""
    assert Asks.model_validate({"least": least}).ask("Why.").least is Assurance[least.upper()]
