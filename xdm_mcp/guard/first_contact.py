"""The first word to somebody who never wrote to us: a person decides each time, and few a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

DAY = timedelta(hours=24)


class FirstContact(HoldingRule):
    """Asks a person before every first contact and every new group, and refuses more than a few a
    day.

    X allows automated messages only after somebody wrote first, and being able to write to them is
    no consent (docs.x.com developer guidelines, 2026-08); so no setting makes a first contact
    automatic. Only a standing rule may, for the one person whom its maker named.
    """

    name: ClassVar[str] = "first_contact"

    per_day: int = Field(
        default=5, ge=1, le=5, description="First contacts in any 24 hours, approved ones included."
    )
    refuse: bool = Field(
        default=False,
        description="`true` refuses first contacts outright, instead of asking a person.",
    )

    def limits(self, account_id: str) -> tuple[Limit, ...]:
        """Return the window that first contacts charge, and nothing else."""
        scope = f"{account_id}/first_contacts"
        return (Limit(scope, self.per_day, DAY, first_contacts_only=True),)

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny or hold a first contact; say nothing of anybody who wrote to us before."""
        if not is_first_contact(facts):
            return None
        if self.refuse:
            return self.deny(
                "The owner's policy refuses messages to people who never wrote to you."
            )
        strangers = sum(peer.last_inbound_at is None for peer in facts.peers)
        if strangers > self.per_day:
            return self.deny(
                f"{strangers} people of this group never wrote to you, and at most {self.per_day}"
                " may be written to first in a day; leave some out."
            )
        for window in facts.windows:
            if window.limit.first_contacts_only and window.remaining < max(1, strangers):
                return self._full(window)
        if facts.new_group:
            return self.ask("It opens a new group, which needs a person.")
        return self.ask("The recipient never wrote to you, and a first message needs a person.")

    def _full(self, window: Window) -> Finding:
        limit, left = window.limit.limit, window.remaining
        if not left:
            says = f"The limit of {limit} first contacts in 24 hours is reached."
            return self.deny(says, retry_at=window.free_at)
        says = f"Of {limit} first contacts in 24 hours only {left} are left; leave some people out."
        return self.deny(says, retry_at=window.resets_at)

    def describe(self) -> str:
        """See Rule.describe."""
        if self.refuse:
            return "Messages to people who never wrote to you are refused."
        return (
            "A person is asked before each first message to somebody who never wrote to you, and"
            f" for each new group; {self.per_day} a day at most."
        )


def is_first_contact(facts: Facts) -> bool:
    """Whether any recipient never wrote to us; a new group, or nobody known, counts as that."""
    never_wrote = any(peer.last_inbound_at is None for peer in facts.peers)
    return facts.new_group or not facts.peers or never_wrote
