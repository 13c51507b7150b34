"""Answers that many ask for at once are made once: kept until something changes, and not for long.

An answer may be given again while this process changed nothing and heard of no change since it was
begun. What other processes change it may miss for `LIFE`. Only answers that look are kept here:
what the guard says of a send is asked anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from xdm_mcp.app import App
from xdm_mcp.bus import Changed
from xdm_mcp.server.tools import OFFERS
from xdm_mcp.steps import Step, Steps

Ctx = ServerRequestContext[Any, Any]

LIFE = timedelta(milliseconds=200)
"""How long an answer is given again: what another process did is seen after that at the latest."""

LONGEST_KEY = 1_000
"""Characters of a call that is remembered; a longer one is seldom asked twice."""

PARTS = frozenset({"name", "arguments", "_meta"})
"""The parameters of a call that asks for nothing but an answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it went over the wire, when it was begun, and what had changed by then."""

    answer: dict[str, Any]
    begun: datetime
    changes: int


class Recent:
    """The recent answers of one app: a middleware, so that an answer that is given again is
    neither made nor checked anew."""

    def __init__(self, app: App) -> None:
        """Keep nothing yet; hear of what `app` changes."""
        self._clock = app.clock
        self._changes = 0
        self._kept: dict[str, Kept] = {}
        self._making: dict[str, anyio.Lock] = {}
        app.bus.subscribe(self._changed)
        app.steps.subscribe(self._stepped)

    async def __call__(self, ctx: Ctx, call_next: CallNext) -> HandlerResult:
        """Answer one request, or let it pass. Of many who ask at once one has the answer made;
        where that fails or its caller leaves, the next has."""
        key = _key(ctx)
        if key is None:
            return await call_next(ctx)
        kept = self._fresh(key)
        if kept is not None:
            return kept
        lock = self._making.setdefault(key, anyio.Lock())
        async with lock:
            try:
                return self._fresh(key) or await self._made(key, ctx, call_next)
            finally:
                if not lock.statistics().tasks_waiting:
                    self._making.pop(key, None)

    async def _made(self, key: str, ctx: Ctx, call_next: CallNext) -> HandlerResult:
        begun, changes = self._clock.now(), self._changes
        answer = await call_next(ctx)
        self._kept = {old: kept for old, kept in self._kept.items() if self._stands(kept)}
        if isinstance(answer, dict) and not answer.get("isError"):
            self._kept[key] = Kept(answer, begun, changes)
        return answer

    def _fresh(self, key: str) -> dict[str, Any] | None:
        kept = self._kept.get(key)
        return kept.answer if kept is not None and self._stands(kept) else None

    def _stands(self, kept: Kept) -> bool:
        age = self._clock.now() - kept.begun
        return kept.changes == self._changes and timedelta() <= age < LIFE

    def _changed(self, _: Changed) -> None:
        self._changes += 1
        self._kept.clear()  # also what the owner had forgotten must not lie here

    def _stepped(self, step: Step) -> None:
        if step.kind in ("write", "request"):
            self._changes += 1


async def counted(steps: Steps, ctx: Ctx, call_next: CallNext) -> HandlerResult:
    """Be a middleware: each call of a tool is a step."""
    if ctx.method != "tools/call":
        return await call_next(ctx)
    name = (ctx.params or {}).get("name")
    with steps.step("tool", name if isinstance(name, str) and name in OFFERS else "none") as step:
        answer = await call_next(ctx)
        step.outcome = _outcome(answer) if isinstance(answer, Mapping) else "ok"
    return answer


def _outcome(answer: Mapping[str, Any]) -> str:
    """Return how a call ended, in one word: the status of a send, `asked`, `refused` or `ok`."""
    if answer.get("resultType") == "input_required":
        return "asked"
    status = (answer.get("structuredContent") or {}).get("status")
    return str(status or ("refused" if answer.get("isError") else "ok"))


def _key(ctx: Ctx) -> str | None:
    """Return what tells a call from every other whose answer differs. None for what is no call of
    a tool whose answer lasts, for a call that waits, and for one too long."""
    if ctx.method != "tools/call" or ctx.params is None or not ctx.params.keys() <= PARTS:
        return None
    name, arguments = ctx.params.get("name"), ctx.params.get("arguments") or {}
    offer = OFFERS.get(name) if isinstance(name, str) else None
    if offer is None or not offer.lasting or not isinstance(arguments, dict):
        return None
    if arguments.get("wait_seconds"):
        return None
    try:
        key = f"{ctx.protocol_version} {name} {json.dumps(arguments, sort_keys=True)}"
    except (TypeError, ValueError):
        return None
    return key if len(key) <= LONGEST_KEY else None
