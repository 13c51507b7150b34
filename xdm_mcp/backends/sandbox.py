"""The pretend X behind the very backend that talks to the real one, without leaving the process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import Clock
from xdm_mcp.errors import ConfigError

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.config import Settings

SANDBOX = "xdm_mcp.sandbox"
"""Reached by name: backends and the sandbox know each other only through HTTP."""


def open_sandbox(
    settings: Settings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> XApiV2Backend:
    """Return the backend over the world in the program's home.

    Nothing is read or written before the first call. Raises ConfigError where a base URL is set or
    there is no such story.
    """
    if settings.base_url is not None:
        raise ConfigError(
            "XDM_BASE_URL is for the backend x-api-v2: unset it, or set XDM_BACKEND=x-api-v2."
        )
    sandbox = import_module(SANDBOX)
    inside = cast("httpx2.AsyncBaseTransport", _Inside(_journal(settings, clock), clock))
    return XApiV2Backend(
        sandbox.SANDBOX_URL,
        SecretStr(sandbox.SANDBOX_TOKEN),
        clock,
        transport=transport or inside,
        name="sandbox",
    )


def _journal(settings: Settings, clock: Clock) -> Any:
    path = settings.home / "sandbox" / "world.jsonl"
    make = import_module(f"{SANDBOX}.journal_file").FileJournal
    try:
        return make(path, clock, story=settings.sandbox.story)
    except ValueError as error:
        raise ConfigError(str(error)) from None


class _Inside:
    """Hands requests to the sandbox's application, which is built for the first one.

    What the application raises comes through: so it plays a connection that breaks.
    """

    def __init__(self, journal: Any, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._transport: httpx2.ASGITransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, as httpx2's transports do."""
        self._transport = self._transport or self._build()
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Let go of the application."""
        self._transport = None

    async def __aenter__(self) -> _Inside:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _build(self) -> httpx2.ASGITransport:
        import httpx2

        app = import_module(f"{SANDBOX}.serve").build_app(self._journal, self._clock)
        return httpx2.ASGITransport(app=app)
