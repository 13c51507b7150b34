"""The pretend X with its authorization server, listening on a free port of the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from xdm_mcp.clock import SystemClock
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.store import Store
from xdm_mcp.sandbox.droppable import DroppableProtocol
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.oauth.authority import CONFIDENTIAL_CLIENT, PUBLIC_CLIENT, Authority
from xdm_mcp.sandbox.serve import bind, build_app

OWNER = "2200000001"
BACKEND = "x-api-v2"
CALLBACK = "http://127.0.0.1:8739/callback"


@dataclass(frozen=True)
class Served:
    """A running server: where it is, and what its authorization server remembers."""

    url: str
    authority: Authority
    browser: httpx2.Client

    def forget(self) -> None:
        """Begin anew, with nothing issued and no fault set."""
        self.authority.reset()
        self.browser.delete(f"{self.url}/_sandbox/faults").raise_for_status()

    def fault(self, **fault: Any) -> None:
        """Have a request go wrong."""
        self.browser.post(f"{self.url}/_sandbox/faults", json=fault).raise_for_status()

    def grant(self, client: oauth.Client | None = None) -> oauth.Grant:
        """Log in by the way of the consent page, as a browser that agrees at once."""
        client = client or oauth.Client(PUBLIC_CLIENT)
        attempt = oauth.begin(client, CALLBACK, self.url)
        came = self.browser.get(attempt.url).headers["location"]
        code = oauth.code_in(attempt, came)
        return oauth.exchange(attempt, code, client, self.url, datetime.now(UTC))

    def record(self, **changes: Any) -> Record:
        """Return a new login as the owner of the pretend X."""
        client = oauth.Client(PUBLIC_CLIENT)
        grant = self.grant(client)
        fields = {
            "backend": BACKEND,
            "origin": self.url,
            "account_id": OWNER,
            "handle": "you",
            "secrets": dict(grant.secrets),
            "client_id": client.id,
            "scopes": grant.scopes,
            "renew_at": grant.renew_at,
            "expires_at": grant.expires_at,
        }
        return Record(**(fields | changes))

    def logged_in(self, home: Path, *, expired: bool = False) -> Record:
        """Store a new login in a home, its access token ended if `expired`."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        record = self.record(**({"renew_at": past, "expires_at": past} if expired else {}))
        Store(home).save(record, "file")
        if expired:
            self.authority.expire()
        return record

    @property
    def renewals(self) -> int:
        """How many renewals the authorization server granted."""
        return self.authority.counts["refresh_token"]


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Leave signals to the tests."""


@contextmanager
def serving() -> Iterator[Served]:
    """Serve a new world in a thread."""
    clock = SystemClock()
    authority = Authority(clock)
    app = build_app(MemoryJournal(clock), clock, authority=authority)
    with bind("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            app,
            http=DroppableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
            access_log=False,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            host, port = listening.getsockname()[:2]
            with httpx2.Client(verify=False, trust_env=False) as browser:
                yield Served(f"http://{host}:{port}", authority, browser)
        finally:
            server.should_exit = True
            thread.join(10)


__all__ = ["BACKEND", "CALLBACK", "CONFIDENTIAL_CLIENT", "OWNER", "PUBLIC_CLIENT", "Served"]
