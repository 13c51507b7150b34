"""Hostile answers to every backend on real sockets and in bounded time and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta

import anyio
import pytest
from pydantic import SecretStr

from tests.backends.hostile import DIALECTS, HOME, TARGET
from tests.backends.test_http_sockets import OK, SocketStream, Talk, listening
from tests.backends.wires import NOW
from tests.contract.backends.arena import CREDENTIALS
from xdm_mcp.backends.auth import Credential
from xdm_mcp.backends.http import NoAnswer, Wire
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.models.sends import Outcome, SendState

DEADLINE = 0.6
"""Seconds that a call may take in these tests."""

LATE = 0.5
"""Seconds by which no deadline may be missed."""

GROWTH = 64 * 1024
"""Kilobytes by which memory may grow."""

every_backend = pytest.mark.parametrize("name", sorted(set(BACKENDS) - {"sandbox"}))


async def sent(name: str, answers: Sequence[bytes]) -> list[Outcome]:
    """Return the outcomes of sends over real sockets to a server that gives these answers in turn,
    each on a connection of its own that it then closes."""
    left = list(answers)

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(left.pop(0))

    async with listening(talk) as port:
        place = {**CREDENTIALS[name], "base_url": f"http://127.0.0.1:{port}"}
        backend = open_backend(Settings(home=HOME, backend=name, **place), ManualClock(NOW))
        try:
            with anyio.fail_after(60):
                return [await backend.send(TARGET, "Hello.", None) for _ in answers]
        finally:
            await backend.close()


def whole(body: bytes) -> bytes:
    """Return an answer with all of its head."""
    return OK + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


@every_backend
async def test_the_same_answer_counts_over_sockets(name: str) -> None:
    """Or else nothing below would mean anything."""
    (outcome,) = await sent(name, [whole(DIALECTS[name].good)])
    assert outcome.state is SendState.SENT


@every_backend
async def test_a_connection_that_ends_at_any_byte_never_counts_as_sent(name: str) -> None:
    """In the status line, the head or the body."""
    answer = whole(DIALECTS[name].good)
    outcomes = await sent(name, [answer[:length] for length in range(len(answer))])
    assert len(outcomes) == len(answer)
    assert {(each.state, each.not_sent) for each in outcomes} == {(SendState.UNKNOWN, False)}


async def drip_head(stream: SocketStream) -> None:
    """Send a head that never ends."""
    await stream.receive()
    for letter in OK * 100:
        await stream.send(bytes([letter]))
        await anyio.sleep(0.05)


async def drip_body(stream: SocketStream) -> None:
    """Send a body that never ends."""
    await stream.receive()
    await stream.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(1_000):
        await stream.send(b"1\r\n \r\n")
        await anyio.sleep(0.05)


async def say_nothing(stream: SocketStream) -> None:
    """Take the request and stay silent."""
    await stream.receive()
    await anyio.sleep_forever()


async def promise(stream: SocketStream) -> None:
    """Send a head that promises a body, and stay silent."""
    await stream.receive()
    await stream.send(OK + b"Content-Length: 2\r\n\r\n")
    await anyio.sleep_forever()


@pytest.mark.parametrize("talk", [drip_head, drip_body, say_nothing, promise])
@pytest.mark.parametrize("kind", ["read", "read by POST", "write"])
async def test_no_deadline_is_missed_by_half_a_second(talk: Talk, kind: str) -> None:
    """Whoever drips or stays silent: all tries of a read together, and the one of a write. What the
    machine itself was late with is measured meanwhile, and forgiven."""
    late = 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            before = anyio.current_time()
            await anyio.sleep(0.01)
            late = max(late, anyio.current_time() - before - 0.01)

    async with listening(talk) as port, anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        wire = Wire(
            f"http://127.0.0.1:{port}",
            Credential(SecretStr("made-up")),
            ManualClock(NOW),
            deadline=timedelta(seconds=DEADLINE),
        )
        body = b"{}" if kind == "read by POST" else None
        call = wire.write("/x", content=b"{}") if kind == "write" else wire.read("/x", body=body)
        began = anyio.current_time()
        with pytest.raises(NoAnswer):
            await call
        took = anyio.current_time() - began
        await wire.close()
        tasks.cancel_scope.cancel()
    assert took <= DEADLINE + LATE + late


MEASURE = """
import resource, asyncio
from tests.backends.hostile import BODIES, DIALECTS, JSON, reads, sent
from tests.backends.wires import raw
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
async def all_of_them():
    for name, dialect in DIALECTS.items():
        await sent(name, raw(200, dialect.good, **JSON))
        await reads(name, raw(200, b"{}", **JSON))
    before = peak()
    for name in DIALECTS:
        for body in BODIES[name].values():
            await sent(name, raw(200, body, **JSON))
            await reads(name, raw(200, body, **JSON))
    print(peak() - before)
asyncio.run(all_of_them())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
def test_memory_grows_by_less_than_64_mib() -> None:
    """Through every hostile body, each to every backend, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(ran.stdout) < GROWTH
