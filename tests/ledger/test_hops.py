"""A step runs in a thread of the ledger's own, whole, whatever becomes of whoever asked for it."""

from __future__ import annotations

import threading

import anyio
import pytest

from xdm_mcp.ledger import hops
from xdm_mcp.ledger.hops import Hops


def ours() -> list[threading.Thread]:
    """The threads of ledgers that live now."""
    return [thread for thread in threading.enumerate() if thread.name == "xdm-ledger"]


async def test_steps_run_one_after_another_in_one_thread() -> None:
    """Even where they are asked for at once."""
    own, seen, busy = Hops(), set(), threading.Lock()

    def step() -> None:
        assert busy.acquire(blocking=False)
        seen.add(threading.get_ident())
        busy.release()

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(own.hop, step)
    own.end()

    assert len(seen) == 1
    assert threading.get_ident() not in seen


async def test_an_error_of_a_step_is_the_callers() -> None:
    """The next step runs as if nothing had been."""
    own = Hops()

    with pytest.raises(ZeroDivisionError):
        await own.hop(lambda: 1 // 0)

    assert await own.hop(lambda: 7) == 7
    own.end()


async def test_a_caller_who_leaves_does_not_cut_a_step_in_half() -> None:
    """It is waited for to its end; one that has not begun is not begun."""
    own, done, begun, go = Hops(), [], threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        go.wait(5)
        done.append("whole")

    async with anyio.create_task_group() as group:
        group.start_soon(own.hop, step)
        while not begun.is_set():
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
        go.set()
    with anyio.CancelScope() as left:
        left.cancel()
        await own.hop(lambda: done.append("begun"))
    own.end()

    assert done == ["whole"]


def test_several_event_loops_share_one_thread() -> None:
    """And one that is gone before its answer comes takes nothing with it."""
    own = Hops()

    assert [anyio.run(own.hop, lambda n=n: n) for n in range(3)] == [0, 1, 2]
    own.end()


async def test_the_thread_ends_when_told_to_or_when_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A later step starts another."""
    before = len(ours())
    own = Hops()
    await own.hop(lambda: None)
    threads = ours()
    own.end()
    for thread in threads[before:]:
        thread.join(5)
    assert len(ours()) <= before

    monkeypatch.setattr(hops, "IDLE", 0.01)
    assert await own.hop(lambda: 7) == 7
    for thread in ours()[before:]:
        thread.join(5)
    assert len(ours()) <= before
