"""Every test of this folder runs on every engine; a new engine is one more line here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.ledger.desk import Desk
from tests.postgres import emptied_url
from xdm_mcp.ledger.opening import open_ledger

SHARED = ("sqlite", "postgres")
"""Engines that several processes may use at once."""

ALONE = ("memory",)
"""Engines of one process."""


def fresh(engine: str, folder: Path) -> str:
    """Return the address of an empty ledger on an engine."""
    if engine == "postgres":
        return emptied_url()
    return "sqlite:///:memory:" if engine == "memory" else f"sqlite:///{folder}/ledger.db"


@pytest.fixture(params=[*SHARED, *ALONE])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk over a fresh ledger."""
    ledger = open_ledger(fresh(request.param, tmp_path))
    yield Desk(ledger)
    await ledger.close()


@pytest.fixture(params=SHARED)
async def desks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two desks over one ledger, as two processes have them."""
    url = fresh(request.param, tmp_path)
    ledgers = [open_ledger(url) for _ in range(2)]
    yield Desk(ledgers[0]), Desk(ledgers[1], holds=100)
    for ledger in ledgers:
        await ledger.close()
