"""Which sends a person confirms, and how many may wait for one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from xdm_mcp.guard.base import HoldingRule, Least
from xdm_mcp.guard.reply_credit import ReplyCredit
from xdm_mcp.links import links
from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Facts, Finding


class Confirmation(HoldingRule):
    """Asks a person for every send, or for all but solicited replies, or for none.

    Only the owner loosens it: `solicited` and `never` in this file, standing rules elsewhere.
    The other rules still ask for what they guard. Approvals are worth nothing in bulk, so few may
    wait at a time.
    """

    name: ClassVar[str] = "confirmation"

    least_for_replies: Least | None = Field(
        default=None,
        description="Least assurance for a solicited reply without links; without it, `least`.",
    )
    mode: Literal["always", "solicited", "never"] = Field(
        default="always",
        description="`always` asks for every send; `solicited` lets pass what `guard.reply_credit`"
        " calls a solicited reply; `never` leaves asking to the other rules.",
    )
    per_day: int = Field(
        default=20,
        ge=0,
        le=500,
        description="Under `solicited`: replies in a UTC day that pass without a person, together"
        " with what standing rules let pass.",
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
        replies = self._answers(facts, now)
        if self.mode == "solicited" and not replies:
            return self.ask("It answers no recent message of theirs, so a person confirms it.")
        least = self._least(draft, replies=replies)
        if self.mode == "always":
            return self.hold("The owner confirms every message.", least)
        if facts.automatic_today >= self.per_day:
            return self.hold(
                f"{self.per_day} replies a day may pass without a person, and they did.", least
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
        replies = self.least_for_replies
        form = f", solicited replies without links with `{replies}`" if replies else ""
        return f"{asked}{form}; at most {self.held_at_most} wait at a time."

    def _least(self, draft: Draft, *, replies: bool) -> Assurance:
        """Return what answers this rule: less for a reply only where the owner says so."""
        plain = replies and draft.attachment is None and not any(links(draft.text))
        chosen = self.least_for_replies if plain else None
        return Assurance[(chosen or self.least).upper()]

    def _answers(self, facts: Facts, now: datetime) -> bool:
        known = bool(facts.peers) and not facts.new_group
        return known and all(self._credit.solicits(peer, now) for peer in facts.peers)
