"""The same words once: to one person within a day, and nearly the same to few people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.models.sends import Draft, SendState
from xdm_mcp.models.verdicts import ELSEWHERE, PASSABLE, Duplicate, Facts, Finding, Verdict

SENTENCES: Mapping[str, str] = {
    SendState.SENT: "This recipient already got the same message; write something new.",
    SendState.HELD: "The same message to this recipient already waits for a person.",
    SendState.APPROVED: "The same message to this recipient is approved and waits for its turn.",
    SendState.UNKNOWN: "The same message may have been sent to this recipient; we are finding out,"
    " and until then it is not sent again.",
    SendState.REJECTED: "A person rejected this message to this recipient, so only a person can let"
    " it go.",
    ELSEWHERE: "The same words were sent to this recipient already, by hand or by another program,"
    " so only a person can let them go again.",
}
"""What to say of an earlier send by its state."""

ON_ITS_WAY = "The same message to this recipient is already on its way."


class Duplicates(Rule):
    """Refuses what would say the same thing twice, or nearly the same thing to many."""

    name: ClassVar[str] = "duplicates"

    hours: int = Field(
        default=24,
        ge=1,
        le=24,
        description="How long the same text to the same recipient is refused.",
    )
    similar_recipients: int = Field(
        default=3,
        ge=1,
        le=10,
        description="How many other recipients may have got nearly this text within 24 hours.",
    )

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny a repeat; one whose earlier send is unresolved stays refused until that is known.

        What a person rejected, or sent elsewhere, waits for a person.
        """
        repeat = None if facts.duplicate is None else self._repeat(facts.duplicate, now)
        if repeat is not None and repeat.verdict is Verdict.DENY:
            return repeat
        if facts.similar_peers >= self.similar_recipients:
            return self.deny(
                f"{facts.similar_peers} others got nearly this text within 24 hours;"
                " X takes that for spam, so write each person their own words."
            )
        return repeat

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            f"The same text goes to the same recipient once in {self.hours} hours, what a person"
            " rejected or sent elsewhere not without a person, and nearly the same text to at most"
            f" {self.similar_recipients} others."
        )

    def _repeat(self, earlier: Duplicate, now: datetime) -> Finding | None:
        says = SENTENCES.get(earlier.state, ON_ITS_WAY)
        if earlier.state == SendState.UNKNOWN:
            return self.deny(says)
        ends = earlier.at + timedelta(hours=self.hours)
        if ends <= now:
            return None
        if earlier.state in PASSABLE:
            return self.hold(says)
        return self.deny(says, retry_at=ends)
