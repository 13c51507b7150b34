"""What the guard would be told of a send, and what it would say, without anything being done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Decision, Facts

Judge = Callable[[Facts, datetime], Decision]
"""The guard bound to one draft: facts and the moment in, decision out. Pure."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What `reserve` would decide about a draft, and the facts on which it would."""

    decision: Decision
    facts: Facts


class JudgingLedger(Protocol):
    """The part of the contract that tells what would be judged."""

    async def facts(self, draft: Draft, limits: Sequence[Limit], now: datetime) -> Facts:
        """Return what `reserve` would judge first. Changes nothing."""
        ...

    async def preview(
        self, draft: Draft, limits: Sequence[Limit], judge: Judge, now: datetime
    ) -> Preview:
        """Return what `reserve` would decide now if no earlier entry answered: it judges again
        where the first decision cannot stand, such as one that counts on a reply credit which may
        end before X has the send. Changes nothing."""
        ...
