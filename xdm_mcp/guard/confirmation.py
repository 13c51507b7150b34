"""Which sends a person confirms, and how many may wait for one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.guard.reply_credit import ReplyCredit
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding


class Confirmation(HoldingRule):
    """Asks a person for every send, or for all but solicited replies, or for none.

    Only the owner's file loosens it: `solicited` and `never` are standing rules made by a person.
    The other rules still ask for what they guard. Approvals are worth nothing in bulk, so few may
    wait at a time.
    """

    name: ClassVar[str] = "confirmation"

    mode: Literal["always", "solicited", "never"] = Field(
        default="always",
        description="`always` asks for every send; `solicited` lets pass what `guard.reply_credit`"
        " calls a solicited reply; `never` leaves asking to the other rules.",
    )
    per_day: int = Field(
        default=20,
        ge=0,
        le=500,
        description="Under `solicited`: replies in a day that pass without a person.",
    )
    held_at_most: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Sends that may wait for a person at a time, whichever rule asks.",
    )

    _credit: ReplyCredit = PrivateAttr(default_factory=ReplyCredit)

    def reading(self, credit: ReplyCredit) -> Self:
        """Return this rule with `credit` as its notion of what is solicited."""
        bound = self.model_copy()
        bound._credit = credit
        return bound

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Hold what needs a confirmation; remark on what passes by a standing rule."""
        if self.mode == "never":
            return self.allow("The owner's standing rule asks for no confirmation.")
        if self.mode == "always":
            return self.ask("The owner confirms every message.")
        if not self._answers(facts, now):
            return self.ask("It answers no recent message of theirs, so a person confirms it.")
        if facts.automatic_today >= self.per_day:
            return self.ask(
                f"{self.per_day} replies a day may pass without a person, and they did."
            )
        return self.allow("The owner's standing rule lets solicited replies pass.")

    def crowded(self, facts: Facts) -> Finding | None:
        """Return the refusal of one more waiting send, if as many wait as may."""
        if facts.held < self.held_at_most:
            return None
        return self.deny(
            f"{facts.held} sends already wait for a person and {self.held_at_most} may;"
            " the owner decides about those first, with `xdm-mcp approvals`."
        )

    def describe(self) -> str:
        """See Rule.describe."""
        asked = {
            "always": "A person confirms every message",
            "solicited": f"A person confirms all but {self.per_day} solicited replies a day",
            "never": "No message needs a confirmation of its own",
        }[self.mode]
        return f"{asked}; at most {self.held_at_most} wait at a time."

    def _answers(self, facts: Facts, now: datetime) -> bool:
        known = bool(facts.peers) and not facts.new_group
        return known and all(self._credit.solicits(peer, now) for peer in facts.peers)
