"""Whatever happens to sends, in whatever order: the ledger says what an oracle says, and no promise
breaks.

Quotas are drawn as well as steps: a limit of six would never show that somebody counts to seven.
Long lives are

    pytest -m faults tests/faults/test_lives.py
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.ledger.desk import REFUSED, Desk, draft, own
from tests.faults.lives import Lives
from tests.faults.mutants import DECIDING
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase
from xdm_mcp.models.sends import SendState

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def live(examples: int, steps: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Let `examples` ledgers live for at most `steps` steps each."""
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=CHECKS,
        phases=phases,
    )
    run_state_machine_as_test(Lives, settings=how)


def test_random_lives_of_sends_break_no_promise() -> None:
    """Forty ledgers: drafts, holds, approvals, claims, endings of every kind, crashes, clocks."""
    live(40, 40)


async def test_a_message_proves_the_send_that_is_open_not_the_one_refused_before() -> None:
    """Found by a random life: what X refused was called sent by the message of the next try."""
    desk = Desk(SqlLedger(SqliteDatabase(MEMORY)))
    refused = await desk.send(draft(), REFUSED)
    desk.later(seconds=3)
    again = await desk.flying(draft())

    await desk.record(own(desk.now, again.text or ""))

    rows = {row.id: row.state for row in await desk.ledger.recent()}
    assert rows == {refused.id: SendState.FAILED, again.id: SendState.SENT}
    await desk.ledger.close()


@pytest.mark.faults
def test_many_long_lives_of_sends_break_no_promise() -> None:
    """A thousand ledgers, and lives twice as long."""
    live(1_000, 80)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    DECIDING,
    ids=[f"{module.__name__.rpartition('.')[2]}.{name}" for module, name, _ in DECIDING],
)
def test_a_ledger_that_decides_wrongly_is_caught(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, wrong: object
) -> None:
    """No line that decides can change without a random life that notices."""
    monkeypatch.setattr(module, name, wrong)

    with pytest.raises((AssertionError, ExceptionGroup)):
        live(400, 50, [Phase.generate])
