"""What the page tells a person to set, for each backend, works over the pretend services."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, START
from xdm_mcp.backends.base import Backend
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.models.sends import SendState, Target
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
SERVICES = sorted(set(BACKENDS) - {"sandbox"})


def variables(name: str) -> dict[str, str]:
    """Return the variables that the page names for a backend."""
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | `XDM_")]
    words = [shlex.split(each)[0] for each in re.findall(r"`(XDM_[^`]+)`", row)]
    return dict(word.split("=", 1) for word in words)


def opened(name: str, app: httpx2.AsyncBaseTransport, home: Path, clock: ManualClock) -> Backend:
    """Return a backend as a person sets it, over the pretend services of one world."""
    env = {"XDM_BACKEND": name, "XDM_BASE_URL": "http://127.0.0.1:8766", **variables(name)}
    return open_backend(load(home, env), clock, app)


@pytest.mark.parametrize("name", SERVICES)
async def test_the_settings_of_the_page_speak_for_the_owner(name: str, tmp_path: Path) -> None:
    """Who we are, one send, and its message in the thread."""
    clock = ManualClock(START)
    app = httpx2.ASGITransport(app=build_app(MemoryJournal(clock), clock))
    backend = opened(name, app, tmp_path, clock)
    assert (await backend.me()).handle == "you"
    outcome = await backend.send(Target((IRIS,)), "Hello.", None)
    assert outcome.state is SendState.SENT
    assert outcome.receipt is not None
    page = await backend.messages(limit=1, with_user=IRIS)
    assert page.messages[0].id == outcome.receipt.message_id


async def test_what_one_service_is_told_all_see(tmp_path: Path) -> None:
    """One world: each sends, and each reads the messages of all in the same order."""
    clock = ManualClock(START)
    app = httpx2.ASGITransport(app=build_app(MemoryJournal(clock), clock))
    backends = [opened(name, app, tmp_path, clock) for name in SERVICES]
    for backend in backends:
        await backend.me()
        outcome = await backend.send(Target((IRIS,)), f"By {backend.name}.", None)
        assert outcome.state is SendState.SENT
    told = [
        [message.text for message in (await each.messages(limit=5, with_user=IRIS)).messages]
        for each in backends
    ]
    assert told[0][: len(SERVICES)] == [f"By {name}." for name in reversed(SERVICES)]
    assert all(texts == told[0] for texts in told)


@pytest.mark.parametrize("callback", ["http://[", "http://127.0.0.1/callback?\u20ac", "x:"])
async def test_a_callback_that_is_no_address_is_refused_as_x_does(
    clock: ManualClock, journal: MemoryJournal, callback: str
) -> None:
    """403 with X's number, and nobody is sent anywhere."""
    transport = httpx2.ASGITransport(app=build_app(journal, clock))
    asked = {"client_id": "sandbox-client", "redirect_uri": callback}
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        answer = await http.get("/i/oauth2/authorize", params=asked)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 415)
