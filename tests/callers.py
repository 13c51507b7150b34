"""How the tests call over HTTP: with one token, which every server of theirs knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from xdm_mcp.clock import Clock
from xdm_mcp.config import Settings
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.callers import Callers
from xdm_mcp.server.http import callers_of

TOKEN = "s3cret-of-an-agent"


def shown(token: str = TOKEN) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"authorization": f"Bearer {token}"}


def everybody(settings: Settings, clock: Clock) -> Callers:
    """Return who may call: whoever shows the tests' token."""
    http = HttpSettings.model_validate({"token": TOKEN})
    return callers_of(settings.model_copy(update={"http": http}), clock, None)


def transport_to(
    address: str, transport: str, token: str = TOKEN, **more: Any
) -> AbstractAsyncContextManager[Any]:
    """Return what a client speaks through to a served address, over http or sse."""
    if transport == "sse":
        return sse_client(f"{address}/sse", headers=shown(token))
    return _streams(f"{address}/mcp", token, **more)


@asynccontextmanager
async def _streams(url: str, token: str, **more: Any) -> AsyncIterator[Any]:
    patience = httpx2.Timeout(30, read=300)
    async with (
        httpx2.AsyncClient(headers=shown(token), trust_env=False, timeout=patience) as client,
        streamable_http_client(url, http_client=client, **more) as streams,
    ):
        yield streams
