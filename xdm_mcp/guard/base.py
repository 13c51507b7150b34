"""What a rule is, and how findings become one decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict

Least = Literal["client", "person", "passkey"]
"""The assurances that a rule may ask for, by the names that the policy file uses."""


class Rule(BaseModel):
    """One rule of the policy. Its fields are its settings, `name` is the table `guard.<name>` of
    the policy file.

    A rule is pure: the same draft, facts and moment give the same finding. None means that it has
    nothing to say.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_default=True
    )

    name: ClassVar[str]

    enabled: bool = Field(default=True, description="`false` switches the rule off.")

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Return what this rule says of the draft, or None."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return one sentence that says what this rule does with its present settings."""
        raise NotImplementedError

    def deny(self, says: str, retry_at: datetime | None = None) -> Finding:
        """Return a finding that forbids the send, until `retry_at` where time heals it."""
        return Finding(self.name, Verdict.DENY, says, retry_at=retry_at)

    def hold(self, says: str, least: Assurance = Assurance.PERSON) -> Finding:
        """Return a finding that asks for an approval of at least `least`."""
        return Finding(self.name, Verdict.HOLD, says, least=least)

    def allow(self, says: str, not_before: datetime | None = None) -> Finding:
        """Return a remark on a send that this rule lets pass, perhaps not before a moment."""
        return Finding(self.name, Verdict.ALLOW, says, not_before=not_before)


class HoldingRule(Rule):
    """A rule that may ask for an approval, and of which assurance at least."""

    least: Least = Field(
        default="person", description="Least assurance of an approval that answers the rule."
    )

    def ask(self, says: str) -> Finding:
        """Return a finding that asks for an approval of the assurance that the owner set."""
        return self.hold(says, Assurance[self.least.upper()])


def findings_of(
    rules: Sequence[Rule], draft: Draft, facts: Facts, now: datetime
) -> tuple[Finding, ...]:
    """Return what each rule says, in the order of the rules. Raises ValueError for no rules."""
    if not rules:
        raise ValueError(
            "a policy without rules would let everything pass: give it at least one rule"
        )
    judged = (rule.judge(draft, facts, now) for rule in rules)
    return tuple(finding for finding in judged if finding is not None)


def conclude(findings: Sequence[Finding], approval: Assurance | None = None) -> Decision:
    """Return the decision that follows from `findings` once `approval` has answered what it may."""
    answered = tuple(_answered(finding, approval) for finding in findings)
    verdict = max((finding.verdict for finding in answered), default=Verdict.ALLOW)
    return Decision(verdict, answered)


def _answered(finding: Finding, approval: Assurance | None) -> Finding:
    if finding.verdict is Verdict.HOLD and approval is not None and approval >= finding.least:
        return Finding(
            finding.rule, Verdict.ALLOW, f"approved: {finding.says}", least=finding.least
        )
    return finding
