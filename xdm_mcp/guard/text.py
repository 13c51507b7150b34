"""What may be written: everything a person can see, up to X's length."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.guard.naming import few
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding
from xdm_mcp.sanitizer import Hidden, hidden


class Text(Rule):
    """Refuses hidden or bidirectional control characters, empty texts, and texts that are too long.

    Outgoing text is never changed silently: who approves a text must see what the recipient gets.
    """

    name: ClassVar[str] = "text"

    max_length: int = Field(
        default=10_000,
        ge=1,
        le=10_000,
        description="Longest text in code points; 10,000 is X's own bound (docs.x.com, 2026-08).",
    )

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny a text that nobody can vouch for, or that X would refuse."""
        length = len(draft.text)
        if length > self.max_length:
            return self.deny(
                f"The text has {length} characters and may have {self.max_length}; shorten it."
            )
        if not draft.text.strip() and draft.attachment is None:
            return self.deny("The text is empty; write something.")
        found = hidden(draft.text)
        return self.deny(_complaint(found)) if found else None

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            f"A text has at most {self.max_length} characters, none of them hidden or turning"
            " the direction of reading."
        )


def _complaint(found: Sequence[Hidden]) -> str:
    places = few([f"{item.code} at {item.position}" for item in found])
    return f"The text holds characters that a reader cannot see ({places}); remove them."
