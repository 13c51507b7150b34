"""Strangers' words that an agent has read: after them a person looks at what it sends elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.guard.naming import called
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

SHOWN = 3
"""How many conversations a sentence names at most."""


class Taint(HoldingRule):
    """Asks a person before an agent that has read somebody's unanswered words writes to somebody
    else."""

    name: ClassVar[str] = "taint"

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Hold a send while words of others wait unanswered that no person has looked after."""
        if not facts.taints:
            return None
        names = [called(taint.conversation_id, facts.account_id) for taint in facts.taints]
        more = " and others" if len(names) > SHOWN else ""
        return self.ask(
            f"An agent has read unanswered words of {', '.join(names[:SHOWN])}{more} and writes to"
            " somebody else, so a person looks first."
        )

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            "A person is asked before an agent that has read somebody's unanswered words writes to"
            " somebody else; one look is enough for all that was read before."
        )
