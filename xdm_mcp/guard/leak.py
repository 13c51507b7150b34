"""Words of one conversation that would go out in another: a person sees them first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.guard.naming import called
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding
from xdm_mcp.models.verdicts import Leak as Piece

CARRIED: Mapping[str, str] = {
    "words": "words",
    "said": "words",
    "code": "a code or number",
    "key": "a key or password",
    "address": "an address or telephone number",
    "amount": "an amount of money",
}
"""What a sentence calls each kind of piece."""

PARAGRAPH = 16
"""Marks in about 90 characters. So many of what an agent sent without a person are more than a
stock sentence: `your parcel left yesterday` is said to every customer."""

SHOWN = 2
"""How many conversations a sentence names at most."""


class Leak(HoldingRule):
    """Asks a person before a text carries 24 or more characters, a code, a key, an address or an
    amount of money out of another conversation."""

    name: ClassVar[str] = "leak"

    remember_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="For how many days after it was last read a message is guarded. Digests of it"
        " are kept, no text.",
    )

    @property
    def remembered(self) -> timedelta:
        """For how long marks of messages are kept; not at all where the rule is off."""
        return timedelta(days=self.remember_days if self.enabled else 0)

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Hold a text with pieces of other conversations; the sentence names whose, never what."""
        counted = [piece for piece in facts.leaks if _counts(piece, facts)]
        if not counted:
            return None
        places = dict.fromkeys(piece.conversation_id for piece in counted)
        told = [
            next(
                _of(piece, facts.account_id, now) for piece in counted if piece.conversation_id == p
            )
            for p in list(places)[:SHOWN]
        ]
        more = len(places) - len(told)
        others = f" and {more} more conversation{'s' if more > 1 else ''}" if more else ""
        return self.ask(f"It carries {', and '.join(told)}{others}.")

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            "A person is asked before 24 characters, a code, a key, an address or an amount out of"
            f" one conversation go into another; messages count for {self.remember_days} days."
        )


def _counts(piece: Piece, facts: Facts) -> bool:
    """Whether a piece is more than a stock sentence of the agent's own."""
    if piece.kind != "said":
        return True
    said = sum(
        other.marks
        for other in facts.leaks
        if other.kind == "said" and other.conversation_id == piece.conversation_id
    )
    return said >= PARAGRAPH


def _of(piece: Piece, account_id: str, now: datetime) -> str:
    whose = called(piece.conversation_id, account_id)
    return f"{CARRIED[piece.kind]} of the conversation with {whose}, written {_ago(piece, now)}"


def _ago(piece: Piece, now: datetime) -> str:
    minutes = max(0, int((now - piece.wrote_at).total_seconds() // 60))
    for size, name in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
