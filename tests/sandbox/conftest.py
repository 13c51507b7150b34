"""A sandbox in process, at a fixed time, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox import SANDBOX_TOKEN, SANDBOX_URL
from xdm_mcp.sandbox.asgi import Sandbox
from xdm_mcp.sandbox.journal import Journal, MemoryJournal
from xdm_mcp.sandbox.serve import build_app

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

ME = "2200000001"
IRIS = "2200000011"
THEO = "1500000012"
ASHA = "2200000013"
BRAM = "2200000014"
DEAL = "2200000016"
MIRA = "2200000017"
COLE = "2200000018"
ZIP = "2200000019"
JUNE = "2200000020"
SOL = "2200000021"
GRIT = "2200000022"
LENA = "2200000023"


def client_of(app: Sandbox, token: str | None = SANDBOX_TOKEN) -> httpx2.AsyncClient:
    """Return a client that reaches `app` in process."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url=SANDBOX_URL, headers=headers)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at `START`."""
    return ManualClock(START)


@pytest.fixture
def journal(clock: ManualClock) -> MemoryJournal:
    """A journal in memory with the default story."""
    return MemoryJournal(clock)


@pytest.fixture
def connect(journal: Journal, clock: ManualClock) -> Callable[..., httpx2.AsyncClient]:
    """Make a client over a new application on the same journal."""

    def made(token: str | None = SANDBOX_TOKEN, **options: Any) -> httpx2.AsyncClient:
        return client_of(build_app(journal, clock, **options), token)

    return made


@pytest.fixture
def x(connect: Callable[..., httpx2.AsyncClient]) -> httpx2.AsyncClient:
    """The owner's client."""
    return connect()


def to(person_id: str) -> str:
    """Return the path for sending to a person."""
    return f"/2/dm_conversations/with/{person_id}/messages"


async def sent(client: httpx2.AsyncClient, person_id: str, text: str = "Hello.") -> str:
    """Send a text and return the id of the event."""
    answer = await client.post(to(person_id), json={"text": text})
    assert answer.status_code == 201, answer.text
    event_id = answer.json()["data"]["dm_event_id"]
    assert isinstance(event_id, str)
    return event_id


async def deliveries(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    """Return what was really delivered."""
    answer = await client.get("/_sandbox/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found
