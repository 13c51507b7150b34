"""What this process does, step by step, for whoever watches: by default only for what is kept until
something changes.

A step carries names of ours and times, never an id, a handle or a text of somebody, so metrics and
traces made from it cannot hold one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from xdm_mcp.errors import XdmError

Kind = Literal["tool", "read", "write", "imagine", "request"]
"""A call of a tool; a transaction of the ledger that only looked, that changed something, that was
undone; a request to the backend."""


@dataclass(slots=True)
class Step:
    """One piece of work: its name, how it ended, and its seconds once it has.

    `outcome` is `ok`, a status of a tool or of HTTP, or the code of a failure. `result` is what a
    transaction returned: for counting, never for showing.
    """

    kind: Kind
    name: str
    outcome: str = "ok"
    seconds: float = 0.0
    result: object = None


Listener = Callable[[Step], None]
Spans = Callable[[Step], AbstractContextManager[object]]


class Steps:
    """Tells every listener of each step when it has ended. Listeners must not raise or block."""

    def __init__(self) -> None:
        """Start with nobody who watches."""
        self._listeners: list[Listener] = []
        self.spans: Spans | None = None
        """What is entered around each step, if anything."""

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` at the end of each step from now on."""
        self._listeners.append(listener)

    @contextmanager
    def step(self, kind: Kind, name: str) -> Iterator[Step]:
        """Take one step while entered; one that raises ends with the code of what it raised."""
        one = Step(kind, name)
        begun = perf_counter()
        with nullcontext() if self.spans is None else self.spans(one):
            try:
                yield one
            except BaseException as error:
                one.outcome = error.code if isinstance(error, XdmError) else type(error).__name__
                raise
            finally:
                one.seconds = perf_counter() - begun
                for listener in self._listeners:
                    listener(one)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Have what is opened while entered take its steps here: see `in_force`."""
        token = _IN_FORCE.set(self)
        try:
            yield
        finally:
            _IN_FORCE.reset(token)


_IN_FORCE: ContextVar[Steps | None] = ContextVar("steps", default=None)


def in_force() -> Steps:
    """Return where a connection that is being opened takes its steps: nowhere, where nobody said.

    So the backends and engines, which are opened in one place, need not all hand it on.
    """
    return _IN_FORCE.get() or Steps()
