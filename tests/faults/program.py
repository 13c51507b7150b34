"""The program under attack: the real app over the real ledger and the real adapter, with edges."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from tests.faults.edges import EdgedDatabase, EdgedTransport, Edges
from xdm_mcp.app import App
from xdm_mcp.backends.auth import Credential
from xdm_mcp.backends.base import Backend, Capabilities
from xdm_mcp.backends.http import Wire
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import Clock
from xdm_mcp.config import load
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.sandbox import SANDBOX_TOKEN

SEND_COSTS, READ_COSTS = 1, 10_000
"""Micro-dollars for a send here and for one thing read, so that a sum of money tells how many of
each are in it."""


class EdgedWire(Wire):
    """The wire of a backend, with edges on its own connections."""

    def __init__(self, origin: str, clock: Clock, edges: Edges, patience: float | None) -> None:
        """Talk to `origin` with the sandbox's token."""
        super().__init__(origin, Credential(SecretStr(SANDBOX_TOKEN)), clock)
        self._edges = edges
        self._patience = patience

    def _open(self) -> httpx2.AsyncClient:
        client = super()._open()
        client._transport = EdgedTransport(client._transport, self._edges, self._patience)
        return client


class EdgedBackend(XApiV2Backend):
    """The backend for X API v2, with edges on the wire and a price of its own for sends."""

    def __init__(self, origin: str, clock: Clock, edges: Edges, patience: float | None) -> None:
        """Talk to the sandbox at `origin`."""
        super().__init__(origin, SecretStr(SANDBOX_TOKEN), clock)
        self._line.wire = EdgedWire(origin, clock, edges, patience)

    @property
    def capabilities(self) -> Capabilities:
        """See Backend.capabilities."""
        told = super().capabilities
        return replace(told, prices=replace(told.prices, send=SEND_COSTS))


class Program(App):
    """One process of the program."""

    def __init__(
        self,
        home: Path,
        clock: Clock,
        origin: str,
        *,
        approvals: bool,
        edges: Edges | None = None,
        patience: float | None = None,
    ) -> None:
        """Keep everything in `home`, talk to the sandbox at `origin`, and ask a person for each
        send if there are `approvals`."""
        guard = {
            "confirmation": {"mode": "always" if approvals else "never"},
            "taint": {"enabled": False},  # it reads and then sends
        }
        settings = load(
            home=home, env={}, backend="x-api-v2", base_url=origin,
            x_access_token=SANDBOX_TOKEN, guard=guard,
        )  # fmt: skip
        super().__init__(settings, clock)
        self._edges = edges or Edges()
        self._patience = patience

    @cached_property
    def ledger(self) -> Ledger:
        """The durable memory."""
        return SqlLedger(
            EdgedDatabase(SqliteDatabase(self.settings.home / "ledger.db"), self._edges)
        )

    @cached_property
    def backend(self) -> Backend:
        """The service on the wire."""
        origin = self.settings.base_url or ""
        return EdgedBackend(origin, self.clock, self._edges, self._patience)


def told(model: Any) -> dict[str, Any]:
    """Return a result of ours as plain JSON."""
    plain: dict[str, Any] = model.model_dump(mode="json")
    return plain
