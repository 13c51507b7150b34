"""The owner's policy: every rule with its settings, and what follows from them for a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from xdm_mcp.errors import ConfigError
from xdm_mcp.guard.base import Rule, conclude, findings_of
from xdm_mcp.guard.budget import Budget
from xdm_mcp.guard.confirmation import Confirmation
from xdm_mcp.guard.duplicates import Duplicates
from xdm_mcp.guard.eligibility import Eligibility
from xdm_mcp.guard.first_contact import FirstContact
from xdm_mcp.guard.halt import Halt
from xdm_mcp.guard.hand_off import compose_url
from xdm_mcp.guard.leak import Leak
from xdm_mcp.guard.links import Links
from xdm_mcp.guard.optout import opted_out
from xdm_mcp.guard.pacing import Pacing
from xdm_mcp.guard.presets import Preset, with_preset
from xdm_mcp.guard.quiet_hours import QuietHours
from xdm_mcp.guard.rate_windows import RateWindows
from xdm_mcp.guard.recipients import Recipients
from xdm_mcp.guard.reply_credit import ReplyCredit
from xdm_mcp.guard.standing_rules import answering, let_pass
from xdm_mcp.guard.taint import Taint
from xdm_mcp.guard.text import Text
from xdm_mcp.models import quota
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict
from xdm_mcp.tables import read

TABLE = "guard"
"""The table of the policy file that holds one table per rule."""


class Policy(BaseModel):
    """One field per rule, named as its table `guard.<rule>`, after two settings of the whole. A
    rule that the file leaves out is on, with the settings of the preset.

    The order of the fields is the order in which rules speak: what nobody can change comes first,
    what time heals next, then what a person decides, then remarks. The order never changes a
    verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    preset: Preset = Field(
        default="default",
        description="Who must approve what is held, in one word; your own tables go over it.",
    )
    hand_off: bool = Field(
        default=True,
        strict=True,
        description="Whether a refused send to one person comes with the address of X's own page"
        " in which you can send it by hand.",
    )
    halt: Halt = Halt()
    recipients: Recipients = Recipients()
    text: Text = Text()
    eligibility: Eligibility = Eligibility()
    duplicates: Duplicates = Duplicates()
    rate_windows: RateWindows = RateWindows()
    budget_: Budget = Field(default=Budget(), alias="budget")
    quiet_hours: QuietHours = QuietHours()
    first_contact: FirstContact = FirstContact()
    links: Links = Links()
    leak: Leak = Leak()
    taint: Taint = Taint()
    confirmation: Confirmation = Confirmation()
    reply_credit: ReplyCredit = ReplyCredit()
    pacing: Pacing = Pacing()

    @classmethod
    def load(cls, raw: Mapping[str, object]) -> Self:
        """Return the policy of the tables `guard.*` as read from TOML or the environment.

        Raises ConfigError with one sentence for an unknown preset or key, a bad value, or a policy
        without rules.
        """
        policy = read(cls, with_preset(raw), TABLE)
        if not policy.rules():
            raise ConfigError(f"`{TABLE}` switches every rule off; leave at least one of them on.")
        return policy

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that are on, in their fixed order."""
        return tuple(rule for rule in self._all() if rule.enabled)

    def decide(
        self, draft: Draft, facts: Facts, now: datetime, approval: Assurance | None = None
    ) -> Decision:
        """Return what the policy says of `draft`: the strictest finding wins, a DENY is never
        answered.

        What is held passes by an `approval` that is sure enough, else by a standing rule that
        covers all of it. What would newly wait for a person is denied while as many wait as may.
        """
        findings = self._findings(draft, facts, now)
        decision = conclude(findings, approval)
        if decision.verdict is Verdict.HOLD:
            use = answering(findings, draft, facts, now, self.reply_credit.solicits)
            if use is not None:
                return let_pass(findings, use)
            if approval is None:
                decision = self._unless_crowded(decision, facts)
        return replace(decision, by_hand=self._by_hand(decision, draft, facts, now))

    def limits(self, account_id: str, backend_limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """Return every window that sends of the account charge, of which the ledger keeps count."""
        if self.rate_windows.enabled:
            windows = self.rate_windows.limits(account_id, backend_limits)
        else:
            windows = tuple(limit.of(account_id) for limit in backend_limits)
        first = self.first_contact.limits(account_id) if self.first_contact.enabled else ()
        return (*windows, *first)

    def budget(self) -> quota.Budget:
        """Return what may be spent at most, on reads and sends; no bounds if the rule is off."""
        return self.budget_.budget() if self.budget_.enabled else quota.Budget()

    def opted_out(self, text: str) -> bool:
        """Whether an incoming text asks us to stop, in the usual words or in the owner's own."""
        return opted_out(text, self.recipients.opt_out_phrases)

    def describe(self) -> list[tuple[str, str]]:
        """Return each rule's name with one sentence of what it does now, in their fixed order."""
        off = "Switched off by the owner."
        return [(rule.name, rule.describe() if rule.enabled else off) for rule in self._all()]

    def _findings(self, draft: Draft, facts: Facts, now: datetime) -> tuple[Finding, ...]:
        """Return what each rule says; what waits for its turn may be quiet only then."""
        found = findings_of(self.rules(), draft, facts, now)
        turns = [finding.not_before for finding in found if finding.not_before is not None]
        quiet = self.quiet_hours
        if not turns or not quiet.enabled or any(finding.rule == quiet.name for finding in found):
            return found
        then = quiet.judge(draft, facts, max(turns))
        return found if then is None else (*found, then)

    def _unless_crowded(self, held: Decision, facts: Facts) -> Decision:
        """Return the refusal of one more waiting send where as many wait as may."""
        crowded = self.confirmation.crowded(facts) if self.confirmation.enabled else None
        return conclude((*held.findings, crowded)) if crowded else held

    def _by_hand(self, decision: Decision, draft: Draft, facts: Facts, now: datetime) -> bool:
        """Whether the owner may be offered to send by hand what the policy refuses over the API.

        Never what is wrong whoever sends it, even where the rule that says so is switched off; nor
        what a person rejected, or sent by hand already.
        """
        if not self.hand_off or decision.verdict is not Verdict.DENY:
            return False
        forbids = (self.halt, self.recipients, self.text, self.eligibility, self.duplicates)
        said = (rule.judge(draft, facts, now) for rule in forbids)
        wrong = any(
            finding is not None and finding.verdict is not Verdict.ALLOW for finding in said
        )
        return not wrong and compose_url(draft) is not None

    def _all(self) -> tuple[Rule, ...]:
        fields = (getattr(self, name) for name in type(self).model_fields)
        rules = tuple(field for field in fields if isinstance(field, Rule))
        # What counts as a solicited reply is set in one place and meant in two.
        asking = self.confirmation.reading(self.reply_credit)
        return tuple(asking if rule is self.confirmation else rule for rule in rules)
