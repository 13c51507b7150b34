"""A home of its own for each test, and the ways to act in it as an agent, as a person, and as X."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from xdm_mcp.app import App, open_app
from xdm_mcp.cli import approvals, asking
from xdm_mcp.cli.main import main
from xdm_mcp.cli.world import Delivery, HomeWorld
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import load
from xdm_mcp.models.results import SendResult
from xdm_mcp.models.sends import Halt
from xdm_mcp.sandbox.events import FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold

IRIS = "iris_sandbox"

PIN = "830274"
"""The PIN of every home of these tests that has one."""


class Home:
    """One home: what an agent asks there, what a command says there, and what X received."""

    def __init__(
        self, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Use the home at `path`, which nobody has made yet."""
        self.path = path
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._has_pin = False

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run one command in this process; return its exit code, stdout and stderr."""
        self._capsys.readouterr()
        code = main(list(arguments))
        out, err = self._capsys.readouterr()
        return code, out, err

    def run_typing(self, typed: list[str], *arguments: str) -> tuple[int, str, str]:
        """Run one command at a terminal on which these lines are typed at its questions."""
        answers = iter(typed)
        with self._monkeypatch.context() as patch:
            patch.setattr(asking, "secret", lambda question: next(answers))
            return self.run(*arguments)

    def set_pin(self) -> None:
        """Set the PIN, as its owner once did; a second time changes nothing."""
        if not self._has_pin:
            self.with_app(lambda app: app.desk.pin.set_first(PIN, "test"))
        self._has_pin = True

    def as_owner(self, *arguments: str) -> tuple[int, str, str]:
        """Run one command at a terminal, as an owner who has a PIN and types it."""
        self.set_pin()
        return self.run_typing([PIN], *arguments)

    def approve(self, approval_id: str, *options: str) -> tuple[int, str, str]:
        """Approve a held send at a terminal, as an owner does."""
        return self.as_owner("approvals", "approve", approval_id, *options)

    def with_app(self, work: Callable[[App], Awaitable[Any]]) -> Any:
        """Do something with an app of this home."""

        async def run() -> Any:
            async with open_app(load(home=self.path)) as app:
                return await work(app)

        return anyio.run(run)

    def ask(self, text: str, to: str = IRIS) -> SendResult:
        """Ask to send, as an agent does."""
        result = self.with_app(lambda app: app.outbox.send(text=text, to=to))
        assert isinstance(result, SendResult)
        return result

    def held(self, text: str, to: str = IRIS) -> str:
        """Ask to send and return the approval id of the held send."""
        result = self.ask(text, to)
        assert (result.status, bool(result.approval_id)) == ("held", True)
        return result.approval_id or ""

    def halt(self) -> None:
        """Stop all sends of the account, as X's signals of trouble do."""

        async def work(app: App) -> None:
            account = await app.people.account()
            says = "X locked the account."
            await app.ledger.halt(account.id, Halt("locked", says, datetime.now(UTC)))

        self.with_app(work)

    def delivered(self) -> list[Delivery]:
        """Return what the pretend X received from the account."""
        return anyio.run(self._world().deliveries)

    def break_next_send(self, **fault: Any) -> None:
        """Have the next POST go wrong."""
        trouble = Fault(id="1", method="POST", **fault)

        self.with_world(lambda hold: hold.record(FaultSet(trouble)))

    def with_world(self, work: Callable[[Hold], None]) -> None:
        """Do something to the pretend X."""
        anyio.run(self._world().journal.act, work)

    def _world(self) -> HomeWorld:
        return HomeWorld(load(home=self.path), SystemClock())


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    """Give a home that does not exist yet, with nothing configured but its place."""
    for name in os.environ:
        if name.startswith("XDM_") or name in {"NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(approvals, "SERVER_GETS", 0.1)  # no server runs beside these tests
    return Home(tmp_path / "home", capsys, monkeypatch)
