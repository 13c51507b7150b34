"""Asking several times for one answer, at services that know one person or one list at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import anyio

from xdm_mcp.errors import XdmError

Asked = TypeVar("Asked")
Told = TypeVar("Told")

AT_ONCE = 4
"""How many look-ups are under way at once where the service does not count by the second."""


async def all_of(
    ask: Callable[[Asked], Awaitable[Told]], items: Sequence[Asked], at_once: int = AT_ONCE
) -> list[Told]:
    """Return what `ask` returns for each item, in their order, `at_once` of them at a time.

    Raises the first XdmError that one of them raises, and asks no more after it; it costs what all
    of them may cost where any of them left.
    """
    told: dict[int, Told] = {}
    failures: list[XdmError] = []
    waiting = iter(enumerate(items))

    async def work() -> None:
        """Ask for one after the other until none is left."""
        for place, item in waiting:
            if failures:
                return
            try:
                told[place] = await ask(item)
            except XdmError as error:
                failures.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(min(at_once, len(items))):
            tasks.start_soon(work)
    with after(told or any(failure.left for failure in failures)):
        if failures:
            raise failures[0]
    return [told[place] for place in range(len(items))]


@contextmanager
def after(asked: object) -> Iterator[None]:
    """Where something was `asked` before, a failure that never left itself is not free."""
    try:
        yield
    except XdmError as error:
        error.left = error.left or bool(asked)
        raise
