"""Writers take turns at a file, and nobody waits for a turn for ever."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.contract.ledger.desk import Desk, allow, draft
from xdm_mcp.ledger import turns
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.turns import Turns
from xdm_mcp.models.verdicts import Decision, Facts


@contextmanager
def kept_by_another(path: Path) -> Iterator[int]:
    """Hold the turn as another process does, by an open file of its own."""
    file = os.open(f"{path}-turn", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    yield file
    os.close(file)


@contextmanager
def turns_at(path: Path) -> Iterator[Turns]:
    """The turns of one connection, let go of in the end."""
    own = Turns(path)
    yield own
    own.close()


def is_free(path: Path) -> bool:
    """Whether anybody could take the turn now."""
    file = os.open(f"{path}-turn", os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def test_a_turn_is_held_for_its_block_and_then_handed_on(tmp_path: Path) -> None:
    """Also where the block ends in an error."""
    path = tmp_path / "ledger.db"

    with turns_at(path) as own:

        def fail() -> None:
            with own.turn():
                assert not is_free(path)
                raise ZeroDivisionError

        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                fail()
            assert is_free(path)
    assert stat.S_IMODE((tmp_path / "ledger.db-turn").stat().st_mode) == 0o600


def test_whoever_waits_has_the_turn_when_it_is_handed_on(tmp_path: Path) -> None:
    """Each time anew, by the file that stayed open."""
    path, held = tmp_path / "ledger.db", []

    with turns_at(path) as own:

        def wait() -> None:
            with own.turn():
                held.append(is_free(path))

        for _ in range(2):
            waiting = threading.Thread(target=wait)
            with kept_by_another(path):
                waiting.start()
            waiting.join(5)
            assert is_free(path)

    assert held == [False, False]


def test_a_writer_goes_on_when_no_turn_comes_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that stands still holds up nobody."""
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(turns, "PATIENCE", 0.01)

    with turns_at(path) as own, kept_by_another(path), own.turn():
        pass

    assert is_free(path)


def test_a_connection_that_closed_takes_turns_again(tmp_path: Path) -> None:
    """Closing lets go of the file and of nothing else."""
    path = tmp_path / "ledger.db"

    with turns_at(path) as own:
        for _ in range(2):
            with own.turn():
                assert not is_free(path)
            own.close()
            assert is_free(path)


async def test_the_ledger_decides_without_a_turn_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fairness, never safety: what is exclusive is SQLite's own lock."""
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    desk = Desk(open_ledger(f"sqlite:///{path}"))

    with kept_by_another(path):
        await desk.reserved(draft())

    await desk.ledger.close()


def test_a_folder_that_cannot_be_written_means_no_turn(tmp_path: Path) -> None:
    """SQLite says what is wrong with it, in its own words."""
    entered = False

    with turns_at(tmp_path / "missing" / "ledger.db") as own, own.turn():
        entered = True

    assert entered


async def test_each_writing_transaction_takes_a_turn_and_a_reading_one_does_not(
    tmp_path: Path,
) -> None:
    """Readers never wait for writers."""
    path = tmp_path / "ledger.db"
    desk = Desk(open_ledger(f"sqlite:///{path}"))
    await desk.ledger.recent()
    assert f"{path.name}-turn" not in os.listdir(tmp_path)
    free = []

    def judge(facts: Facts, now: datetime) -> Decision:
        free.append(is_free(path))
        return allow(facts, now)

    await desk.reserve(draft(), judge)

    assert free == [False]
    await desk.ledger.close()
