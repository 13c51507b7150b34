"""Our end of stdio, over pipes of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest

from xdm_mcp.server.pipe import LAST_WORDS, MOST_UNWRITTEN, Answers, open_pipe

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


def answer(words: str = "x") -> SessionMessage:
    """Return something to write."""
    return SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="told", params={"w": words}))


class Ends:
    """Two pipes: what the client writes and reads, and what the server does."""

    def __init__(self) -> None:
        """Open both."""
        self.server_in, self.client_out = os.pipe()
        self.client_in, self.server_out = os.pipe()

    def read(self) -> bytes:
        """Return what has been written for the client so far."""
        os.set_blocking(self.client_in, False)
        found = b""
        try:
            while chunk := os.read(self.client_in, 65_536):
                found += chunk
        except BlockingIOError:
            return found
        return found


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Two pipes, closed in the end."""
    pipes = Ends()
    yield pipes
    for fd in vars(pipes).values():
        if fd >= 0:
            os.close(fd)


async def test_messages_come_in_order_and_end_with_the_input(ends: Ends) -> None:
    """Each line is one message; the last needs its line break."""
    os.write(ends.client_out, PING + PING + b'{"jsonrpc":"2.0","id":9,"met')
    os.close(ends.client_out)
    ends.client_out = -1
    with anyio.fail_after(5):
        async with open_pipe(ends.server_in, ends.server_out) as (messages, _):
            found = [item async for item in messages]
    assert [item.message.method for item in found if isinstance(item, SessionMessage)] == [
        "ping",
        "ping",
    ]
    assert all(
        isinstance(i, SessionMessage) and isinstance(i.message, JSONRPCRequest) for i in found
    )


async def test_an_answer_given_before_the_end_is_still_written(ends: Ends) -> None:
    """Cancelled right after the answer was taken, the server still says it."""
    with anyio.fail_after(5):
        async with open_pipe(ends.server_in, ends.server_out) as (_, answers):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await answers.send(answer("last words"))
            assert scope.cancelled_caught
    assert b"last words" in ends.read()


async def test_a_client_that_does_not_read_delays_the_end_only_so_long(ends: Ends) -> None:
    """More than a pipe holds is dropped when nobody takes it for a while."""
    begun = anyio.current_time()
    with anyio.fail_after(5):
        async with open_pipe(ends.server_in, ends.server_out) as (_, answers):
            await answers.send(answer("x" * 1_000_000))
    assert LAST_WORDS <= anyio.current_time() - begun < LAST_WORDS + 2


async def test_whoever_answers_faster_than_the_client_reads_must_wait(tmp_path: Path) -> None:
    """The answers that wait are bounded; the next giver goes on when one was written."""
    nowhere = (tmp_path / "answers").open("wb")
    answers, given = Answers(), 0

    async def give() -> None:
        nonlocal given
        while True:
            await answers.send(answer())
            given += 1

    with nowhere, anyio.fail_after(5):
        async with answers, anyio.create_task_group() as tasks:
            tasks.start_soon(give)
            for _ in range(MOST_UNWRITTEN * 2):
                await anyio.lowlevel.checkpoint()
            assert given == MOST_UNWRITTEN
            tasks.start_soon(answers.write_to, nowhere.fileno())
            while given < MOST_UNWRITTEN * 3:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


async def test_answers_can_be_written_to_a_plain_file(tmp_path: Path, ends: Ends) -> None:
    """What cannot be waited for is written at once."""
    with (tmp_path / "answers").open("wb") as file, anyio.fail_after(5):
        async with open_pipe(ends.server_in, file.fileno()) as (_, answers):
            await answers.send(answer("to a file"))
    assert b"to a file" in (tmp_path / "answers").read_bytes()


async def test_after_the_end_answers_are_refused(ends: Ends) -> None:
    """Who comes too late is told so, as the SDK expects."""
    async with open_pipe(ends.server_in, ends.server_out) as (_, answers):
        await answers.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await answers.send(answer())
