"""The sandbox is the real backend over a world in the program's home."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.wires import NOW
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import ManualClock, SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import AskAgain
from xdm_mcp.models.sends import SendState, Target
from xdm_mcp.sandbox import SANDBOX_TOKEN, SANDBOX_URL
from xdm_mcp.sandbox.events import FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app, serve
from xdm_mcp.sandbox.x_api_v2.vocabulary import VocabularyName
from xdm_mcp.sections import SandboxSettings

IRIS = "2200000011"


async def test_it_works_without_any_setting(tmp_path: Path) -> None:
    """Choosing it is enough: it reads and sends, and its world is kept in the home."""
    backend = open_backend(Settings(home=tmp_path), ManualClock(NOW))
    assert (backend.name, backend.origin) == ("sandbox", SANDBOX_URL)
    with anyio.fail_after(5):
        assert (await backend.me()).handle == "you"
        assert (await backend.send(Target((IRIS,)), "Hello.", None)).state is SendState.SENT
    assert (tmp_path / "sandbox" / "world.jsonl").exists()


async def test_two_backends_of_one_home_see_one_world(tmp_path: Path) -> None:
    """So the server, the command line and the demo speak of the same messages."""
    one, other = (open_backend(Settings(home=tmp_path), ManualClock(NOW)) for _ in range(2))
    with anyio.fail_after(5):
        await one.send(Target((IRIS,)), "Seen by both.", None)
        await one.close()
        (newest,) = (await other.messages(limit=1, with_user=IRIS)).messages
    assert newest.text == "Seen by both."


async def test_the_owner_chooses_the_story(tmp_path: Path) -> None:
    """Another story, another world."""
    settings = Settings(home=tmp_path, sandbox=SandboxSettings(story="empty"))
    with anyio.fail_after(5):
        page = await open_backend(settings, ManualClock(NOW)).messages(limit=10)
    assert page.messages == ()


async def test_the_official_backend_talks_to_a_sandbox_over_http(tmp_path: Path) -> None:
    """Over real sockets the same holds, a connection that breaks included."""
    journal = MemoryJournal(SystemClock())
    bound: list[int] = []
    ready = anyio.Event()

    def note(_: str, port: int) -> None:
        bound.append(port)
        ready.set()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            start = partial(serve, "127.0.0.1", 0, journal, SystemClock(), on_bound=note)
            tasks.start_soon(start)
            await ready.wait()
            settings = Settings(
                home=tmp_path,
                backend="x-api-v2",
                base_url=f"http://127.0.0.1:{bound[0]}",
                x_access_token=SecretStr(SANDBOX_TOKEN),
            )
            backend = open_backend(settings, SystemClock())
            assert (await backend.me()).handle == "you"
            assert (await backend.send(Target((IRIS,)), "One.", None)).state is SendState.SENT
            fault = Fault("next", "drop_after", method="POST")
            await journal.act(lambda hold: hold.record(FaultSet(fault)))
            lost = await backend.send(Target((IRIS,)), "Two.", None)
            assert (lost.state, lost.code) == (SendState.UNKNOWN, "no_answer")
            page = await backend.messages(limit=2, with_user=IRIS)
            assert [message.text for message in page.messages] == ["Two.", "One."]
            await backend.close()
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(("vocabulary", "requests"), [("a", 1), ("both", 1), ("b", 2)])
async def test_each_vocabulary_of_x_is_understood(
    vocabulary: VocabularyName, requests: int
) -> None:
    """The same messages under the words of before August 2026, of after, and of both; one more
    request, which the caller makes, where X takes the new ones alone."""
    clock = ManualClock(NOW)
    seen: list[httpx2.Request] = []
    app = build_app(MemoryJournal(clock), clock, vocabulary=vocabulary)
    inner = httpx2.ASGITransport(app=app)

    class Seeing(httpx2.AsyncBaseTransport):
        """Keeps what passes."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            """Keep a request and pass it on."""
            seen.append(request)
            return await inner.handle_async_request(request)

    backend = XApiV2Backend(SANDBOX_URL, SecretStr(SANDBOX_TOKEN), clock, transport=Seeing())
    if requests > 1:
        with pytest.raises(AskAgain):
            await backend.messages(limit=5, with_user=IRIS)
    page = await backend.messages(limit=5, with_user=IRIS)
    assert len(seen) == requests
    assert len(page.messages) == 5
    assert all(message.sender_id and message.text for message in page.messages)
    await backend.messages(limit=5, with_user=IRIS)
    assert len(seen) == requests + 1
