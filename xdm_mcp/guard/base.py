"""What a rule is, and how findings become one decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict


class Rule(BaseModel):
    """One rule of the policy. Its fields are its settings, `name` is the table `guard.<name>` of
    the policy file.

    A rule is pure: the same draft, facts and moment give the same finding. None means that it has
    nothing to say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ClassVar[str]

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


def decide(
    rules: Sequence[Rule],
    draft: Draft,
    facts: Facts,
    now: datetime,
    approval: Assurance | None = None,
) -> Decision:
    """Return the decision of all rules: the strictest finding wins.

    With an `approval`, a HOLD that asks for no more than it counts as answered and becomes a
    remark; a DENY is never answered by anybody. Raises ValueError for no rules: an empty policy is
    surely a mistake.
    """
    if not rules:
        raise ValueError(
            "a policy without rules would let everything pass: give it at least one rule"
        )
    judged = (rule.judge(draft, facts, now) for rule in rules)
    findings = tuple(_answered(finding, approval) for finding in judged if finding is not None)
    verdict = max((finding.verdict for finding in findings), default=Verdict.ALLOW)
    return Decision(verdict, findings)


def _answered(finding: Finding, approval: Assurance | None) -> Finding:
    if finding.verdict is Verdict.HOLD and approval is not None and approval >= finding.least:
        return Finding(
            finding.rule, Verdict.ALLOW, f"approved: {finding.says}", least=finding.least
        )
    return finding
