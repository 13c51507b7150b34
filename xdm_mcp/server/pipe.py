"""Our end of stdio: one JSON-RPC message a line, read and written on the event loop.

The SDK's own transport reads in a thread that nothing can interrupt, so a server told to stop would
hang until its client spoke again. Here every wait can be cancelled, and no thread is started.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

Incoming: TypeAlias = SessionMessage | Exception
"""What the SDK reads; an exception would be a message that could not be parsed."""

Ready: TypeAlias = Callable[[int], Awaitable[None]]
"""Waits until a file descriptor can be read, or written."""

READ_BYTES = 65_536

WRITE_BYTES = 4_096
"""What a pipe that reports itself writable takes without blocking (POSIX `PIPE_BUF` on Linux)."""

LONGEST_LINE = 1_048_576
"""Bytes of one message that we keep; longer ones are refused unread."""

MOST_UNWRITTEN = 64
"""Answers that may wait for a client that does not read; whoever gives the next one waits too."""

LAST_WORDS = 1.0
"""Seconds that the client has, once we are done, to take what is still to be written."""

UNREADABLE = JSONRPCError(
    jsonrpc="2.0",
    id=None,
    error=ErrorData(code=PARSE_ERROR, message="That line is not one JSON-RPC message."),
)


class Answers:
    """Where the SDK puts what the client is to read.

    An answer is taken at once, so that no cancellation comes between the end of a call and its
    answer; then its giver waits until the client keeps up.
    """

    def __init__(self) -> None:
        """Hold no answers yet."""
        self._put, self._get = anyio.create_memory_object_stream[SessionMessage](math.inf)
        self._written = anyio.Event()
        self._unread = False

    async def send(self, answer: SessionMessage, /) -> None:
        """Take an answer. Raises ClosedResourceError or BrokenResourceError after the end."""
        self._put.send_nowait(answer)
        await anyio.lowlevel.checkpoint()
        while not self._unread and self._put.statistics().current_buffer_used > MOST_UNWRITTEN:
            self._written = anyio.Event()
            await self._written.wait()

    async def aclose(self) -> None:
        """Take no more answers."""
        self._put.close()

    async def __aenter__(self) -> Self:
        """Be closed in the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `aclose`."""
        await self.aclose()

    async def write_to(self, fd: int) -> None:
        """Write answers until there are no more of them or nobody reads them."""
        with self._get:
            async for answer in self._get:
                self._written.set()
                frame = answer.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
                try:
                    await _write(fd, frame.encode())
                except BrokenPipeError:
                    break
        self._unread = True
        self._written.set()


@asynccontextmanager
async def open_pipe(
    incoming: int, outgoing: int
) -> AsyncIterator[tuple[MemoryObjectReceiveStream[Incoming], Answers]]:
    """Give the messages and the place for answers over two open file descriptors, which stay open.

    The messages end when `incoming` does, or when nobody reads `outgoing` any more. On the way out
    what was answered still leaves.
    """
    put, messages = anyio.create_memory_object_stream[Incoming](0)
    answers = Answers()
    async with anyio.create_task_group() as tasks:
        reading = anyio.CancelScope()

        async def read() -> None:
            """Read until the input ends or nobody reads the answers."""
            with reading, put:
                await _read(incoming, put, answers)

        async def write() -> None:
            """Write until there are no more answers, or nobody reads them."""
            await answers.write_to(outgoing)
            reading.cancel()

        tasks.start_soon(read)
        tasks.start_soon(write)
        try:
            yield messages, answers
        finally:
            reading.cancel()
            messages.close()
            await answers.aclose()
            tasks.cancel_scope.deadline = anyio.current_time() + LAST_WORDS


async def _read(fd: int, messages: MemoryObjectSendStream[Incoming], answers: Answers) -> None:
    async for line in _lines(fd):
        message = _parse(line)
        try:
            if message is None:
                await answers.send(SessionMessage(UNREADABLE))
            else:
                await messages.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return


def _parse(line: bytes) -> SessionMessage | None:
    """Return the message on a line, None where there is none."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        return None


async def _lines(fd: int) -> AsyncIterator[bytes]:
    """Yield the lines that are not blank; of one that is too long only a too long beginning."""
    kept = b""
    while chunk := await _chunk(fd):
        *lines, rest = (kept + chunk).split(b"\n")
        for line in lines:
            if not line.isspace() and line:
                yield line
        kept = rest[: LONGEST_LINE + 1]


async def _chunk(fd: int) -> bytes:
    """Return the next bytes, none at the end."""
    await _ready(anyio.wait_readable, fd)
    return os.read(fd, READ_BYTES)


async def _write(fd: int, frame: bytes) -> None:
    """Write one frame whole. Raises BrokenPipeError when nobody reads any more."""
    rest = memoryview(frame)
    while rest:
        await _ready(anyio.wait_writable, fd)
        rest = rest[os.write(fd, rest[:WRITE_BYTES]) :]


async def _ready(wait: Ready, fd: int) -> None:
    """Wait until a descriptor is ready; a plain file always is, and cannot be waited for."""
    try:
        await wait(fd)
    except PermissionError:
        await anyio.lowlevel.checkpoint()
