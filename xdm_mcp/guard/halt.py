"""Nothing leaves while X's signals of trouble have not been looked at by a person."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from xdm_mcp.guard.base import Rule
from xdm_mcp.guard.first_contact import is_first_contact
from xdm_mcp.models import sends
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding


class Halt(Rule):
    """Denies what a halt in force stops: every send, first contacts, or what costs money."""

    name: ClassVar[str] = "halt"

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny while a halt is in force; time heals it only where each of them ends by itself."""
        halts = [halt for halt in facts.halts if _stops(halt, draft, facts, now)]
        if not halts:
            return None
        codes = ", ".join(sorted({halt.code for halt in halts}))
        ends = [halt.until for halt in halts if halt.until is not None]
        return self.deny(
            f"Sending is halted ({codes}): {halts[0].says.rstrip('.')};"
            " a person clears it with `xdm-mcp clear halt`.",
            retry_at=max(ends) if len(ends) == len(halts) else None,
        )

    def describe(self) -> str:
        """See Rule.describe."""
        return "After a sign of trouble from X nothing leaves until a person clears the halt."


def _stops(halt: sends.Halt, draft: Draft, facts: Facts, now: datetime) -> bool:
    """Whether `halt` is in force and concerns this draft; an unknown scope concerns all."""
    if halt.until is not None and halt.until <= now:
        return False
    if halt.scope == "first_contacts":
        return is_first_contact(facts)
    if halt.scope == "spending":
        return draft.cost > 0
    return True
