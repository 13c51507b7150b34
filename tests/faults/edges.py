"""Edges: the moments before and after each statement, commit and step of the wire at which a
process may die.

They are found by running once with nothing to die at, and are then numbered: two runs of one case
pass the same edges in the same order. Only the ports are wrapped (`Database`, `Sql`, the transport
of the HTTP client), so what runs between two edges is the program itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2

from xdm_mcp.ledger.fulltext import FullText
from xdm_mcp.ledger.sql import Database, Row, Sql, T, Value, Work

LastWord = Callable[[str], None]
"""Told the name of the edge at which this process dies or falls asleep now."""


class Edges:
    """The edges that this process has passed, and the one at which its fate awaits it."""

    def __init__(
        self,
        die_at: int | None = None,
        sleep_at: int | None = None,
        last_word: LastWord = lambda _: None,
    ) -> None:
        """Die by SIGKILL at one edge, or be stopped by SIGSTOP at another; they count from 0."""
        self.passed: list[str] = []
        self._fates = {die_at: signal.SIGKILL, sleep_at: signal.SIGSTOP}
        self._last_word = last_word

    def at(self, edge: str) -> None:
        """Meet the fate that awaits at this edge, if one does; else pass it."""
        fate = self._fates.get(len(self.passed))
        if fate is not None:
            self._last_word(edge)
            os.kill(os.getpid(), fate)
        self.passed.append(edge)


class EdgedDatabase:
    """See `Database`: another one, with an edge round each transaction and statement."""

    def __init__(self, inner: Database, edges: Edges) -> None:
        """Keep everything in `inner`."""
        self._inner = inner
        self._edges = edges

    @property
    def place(self) -> str:
        """See Database.place."""
        return self._inner.place

    async def read(self, work: Work[T]) -> T:
        """See Database.read."""
        return await self._edged("read", self._inner.read, work)

    async def write(self, work: Work[T]) -> T:
        """See Database.write."""
        return await self._edged("write", self._inner.write, work)

    async def imagine(self, work: Work[T]) -> T:
        """See Database.imagine."""
        return await self._edged("imagine", self._inner.imagine, work)

    async def close(self) -> None:
        """See Database.close."""
        await self._inner.close()

    async def _edged(
        self, kind: str, transact: Callable[[Work[T]], Awaitable[T]], work: Work[T]
    ) -> T:
        def edged(sql: Sql) -> T:
            self._edges.at(f"{kind}: begun")
            done = work(EdgedSql(sql, self._edges))
            self._edges.at(f"{kind}: before its end")
            return done

        self._edges.at(f"{kind}: before it begins")
        done = await transact(edged)
        self._edges.at(f"{kind}: ended")
        return done


class EdgedSql:
    """See `Sql`: another one, with an edge on both sides of each statement."""

    def __init__(self, inner: Sql, edges: Edges) -> None:
        """Carry out everything by `inner`."""
        self._inner = inner
        self._edges = edges

    @property
    def full_text(self) -> FullText:
        """See Sql.full_text."""
        return self._inner.full_text

    def all(self, statement: str, *values: Value) -> list[Row]:
        """See Sql.all."""
        return self._edged(statement, lambda: self._inner.all(statement, *values))

    def one(self, statement: str, *values: Value) -> Row | None:
        """See Sql.one."""
        return self._edged(statement, lambda: self._inner.one(statement, *values))

    def run(self, statement: str, *values: Value) -> int:
        """See Sql.run."""
        return self._edged(statement, lambda: self._inner.run(statement, *values))

    def _edged(self, statement: str, carry_out: Callable[[], T]) -> T:
        words = " ".join(statement.split()[:4])
        self._edges.at(f"before {words}")
        done = carry_out()
        self._edges.at(f"after {words}")
        return done


class EdgedTransport(httpx2.AsyncBaseTransport):
    """A transport with an edge at each step that a request takes on the wire.

    `patience` is how many seconds a POST may wait for its answer: a hang ends soon in tests.
    """

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, edges: Edges, patience: float | None = None
    ) -> None:
        """Hand requests to `inner`."""
        self._inner = inner
        self._edges = edges
        self._patience = patience

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        where = f"{request.method} {request.url.path}"
        told = request.extensions["trace"]

        async def trace(event: str, facts: Mapping[str, Any]) -> None:
            self._edges.at(f"{where}: {event.partition('.')[2]}")
            await told(event, facts)

        request.extensions = {**request.extensions, "trace": trace}
        if self._patience is not None and request.method == "POST":
            waits = {**request.extensions["timeout"], "read": self._patience}
            request.extensions = {**request.extensions, "timeout": waits}
        self._edges.at(f"{where}: before anything")
        response = await self._inner.handle_async_request(request)
        self._edges.at(f"{where}: answered")
        return response

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._inner.aclose()
