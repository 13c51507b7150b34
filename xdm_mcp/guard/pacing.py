"""A pause between sends, whose length nobody can guess and everybody can compute again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Self

from pydantic import Field, model_validator

from xdm_mcp.digests import digest
from xdm_mcp.guard.base import Rule
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

STEPS = 1 << 32
"""Into how many steps the span between the shortest and the longest pause is cut."""


class Pacing(Rule):
    """Lets a send wait a few seconds after the one before it, across all processes of the account.

    The pause is spread between its bounds by a digest of the request and of the send before it: two
    judgements of the same draft agree, and the guard needs no randomness.
    """

    name: ClassVar[str] = "pacing"

    min_seconds: float = Field(
        default=2, ge=0, le=3_600, description="Shortest pause between two sends."
    )
    max_seconds: float = Field(
        default=5, ge=0, le=3_600, description="Longest pause between two sends."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("needs a `min_seconds` that is not above `max_seconds`")
        return self

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Remark that the send waits for its turn; never refuse."""
        if facts.last_send_at is None:
            return None
        not_before = facts.last_send_at + self._pause(draft, facts.last_send_at)
        if not_before <= now:
            return None
        return self.allow("It waits a few seconds after the send before it.", not_before)

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            f"Sends follow each other after {self.min_seconds:g} to {self.max_seconds:g} seconds."
        )

    def _pause(self, draft: Draft, last: datetime) -> timedelta:
        spread = int(digest("pacing/1", [draft.request, last.isoformat()])[:8], 16) / STEPS
        return timedelta(seconds=self.min_seconds + spread * (self.max_seconds - self.min_seconds))
