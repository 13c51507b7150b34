"""Our end of stdio: one JSON-RPC message a line, read and written on the event loop.

The SDK's own transport reads in a thread that nothing can interrupt, so a server told to stop would
hang until its client spoke again. Here every wait can be cancelled, and no thread is started.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

Incoming: TypeAlias = SessionMessage | Exception
"""What the SDK reads; an exception would be a message that could not be parsed."""

Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]
]

Ready: TypeAlias = Callable[[int], Awaitable[None]]
"""Waits until a file descriptor can be read, or written."""

READ_BYTES = 65_536

WRITE_BYTES = 4_096
"""What a pipe that reports itself writable takes without blocking (POSIX `PIPE_BUF` on Linux)."""

LONGEST_LINE = 1_048_576
"""Bytes of one message that we keep; longer ones are refused unread."""

LAST_WORDS = 1.0
"""Seconds that the client has, once we are done, to take what is still to be written."""

UNREADABLE = JSONRPCError(
    jsonrpc="2.0",
    id=None,
    error=ErrorData(code=PARSE_ERROR, message="That line is not one JSON-RPC message."),
)


@asynccontextmanager
async def open_pipe(incoming: int, outgoing: int) -> AsyncIterator[Streams]:
    """Give the two streams of messages over a pair of open file descriptors, which stay open.

    The stream of messages ends when `incoming` does, or when `outgoing` has no reader any more.
    On the way out what was already written to the stream of answers still leaves.
    """
    to_server, from_client = anyio.create_memory_object_stream[Incoming](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        reading = anyio.CancelScope()

        async def read() -> None:
            with reading:
                async with to_server, to_client.clone() as complaints:
                    await _read(incoming, to_server, complaints)

        async def write() -> None:
            async with from_server:
                await _write(outgoing, from_server)
            reading.cancel()

        tasks.start_soon(read)
        tasks.start_soon(write)
        try:
            yield from_client, to_client
        finally:
            reading.cancel()
            tasks.cancel_scope.deadline = anyio.current_time() + LAST_WORDS
            to_client.close()
            from_client.close()


async def _read(
    fd: int,
    messages: MemoryObjectSendStream[Incoming],
    complaints: MemoryObjectSendStream[SessionMessage],
) -> None:
    async for line in _lines(fd):
        message = _parse(line)
        try:
            if message is None:
                await complaints.send(SessionMessage(UNREADABLE))
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


async def _write(fd: int, messages: MemoryObjectReceiveStream[SessionMessage]) -> None:
    """Write messages until there are no more of them or nobody reads them."""
    async for message in messages:
        frame = message.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
        rest = memoryview(frame.encode())
        try:
            while rest:
                await _ready(anyio.wait_writable, fd)
                rest = rest[os.write(fd, rest[:WRITE_BYTES]) :]
        except BrokenPipeError:
            return


async def _ready(wait: Ready, fd: int) -> None:
    """Wait until a descriptor is ready; a plain file always is, and cannot be waited for."""
    try:
        await wait(fd)
    except PermissionError:
        await anyio.lowlevel.checkpoint()
