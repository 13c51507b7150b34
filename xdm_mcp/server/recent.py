"""Answers that many ask for at once are made once: kept until something changes, and not for long.

An answer may be given again while this process changed nothing and heard of no change since it was
begun. What other processes change it may miss for `LIFE`. Only answers that look are kept here:
what the guard says of a send is asked anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anyio
from mcp_types import CallToolResult, InputRequiredResult

from xdm_mcp.app import App
from xdm_mcp.bus import Changed
from xdm_mcp.steps import Step

Answer = CallToolResult | InputRequiredResult
Make = Callable[[], Awaitable[Answer]]

LIFE = timedelta(milliseconds=200)
"""How long an answer is given again: what another process did is seen after that at the latest."""

LONGEST_KEY = 1_000
"""Characters of a call that is remembered; a longer one is seldom asked twice."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, with when it was begun and what had changed by then."""

    answer: CallToolResult
    begun: datetime
    changes: int


class Recent:
    """The recent answers of one app."""

    def __init__(self, app: App) -> None:
        """Keep nothing yet; hear of what `app` changes."""
        self._clock = app.clock
        self._changes = 0
        self._kept: dict[str, Kept] = {}
        self._making: dict[str, anyio.Lock] = {}
        app.bus.subscribe(self._changed)
        app.steps.subscribe(self._stepped)

    async def answer(self, tool: str, arguments: Mapping[str, Any] | None, make: Make) -> Answer:
        """Return what `make` returns, or a recent answer to the very same call.

        Of many who ask at once one makes it; where that one fails or leaves, the next does.
        """
        key = _key(tool, arguments)
        if key is None:
            return await make()
        kept = self._fresh(key)
        if kept is not None:
            return kept
        lock = self._making.setdefault(key, anyio.Lock())
        async with lock:
            try:
                return self._fresh(key) or await self._made(key, make)
            finally:
                if not lock.statistics().tasks_waiting:
                    self._making.pop(key, None)

    async def _made(self, key: str, make: Make) -> Answer:
        begun, changes = self._clock.now(), self._changes
        answer = await make()
        self._kept = {old: kept for old, kept in self._kept.items() if self._stands(kept)}
        if isinstance(answer, CallToolResult) and not answer.is_error:
            self._kept[key] = Kept(answer, begun, changes)
        return answer

    def _fresh(self, key: str) -> CallToolResult | None:
        kept = self._kept.get(key)
        return kept.answer if kept is not None and self._stands(kept) else None

    def _stands(self, kept: Kept) -> bool:
        age = self._clock.now() - kept.begun
        return kept.changes == self._changes and timedelta() <= age < LIFE

    def _changed(self, _: Changed) -> None:
        self._changes += 1

    def _stepped(self, step: Step) -> None:
        if step.kind in ("write", "request"):
            self._changes += 1


def _key(tool: str, arguments: Mapping[str, Any] | None) -> str | None:
    """Return what tells this call from every other; None for one that waits, and one too long."""
    if arguments is not None and arguments.get("wait_seconds"):
        return None
    try:
        key = f"{tool} {json.dumps(arguments or {}, sort_keys=True)}"
    except (TypeError, ValueError):
        return None
    return key if len(key) <= LONGEST_KEY else None
