"""The ledger's files are private, ours, and on a local disk; anything else is refused in one
sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import files
from xdm_mcp.ledger.files import filesystem
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.people import User

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANNA = User("7", "anna")

Open = Callable[[Path], SqlLedger]


@pytest.fixture
async def open_at() -> AsyncIterator[Open]:
    """Open ledgers that are closed at the end of the test."""
    opened: list[SqlLedger] = []

    def open_one(path: Path) -> SqlLedger:
        opened.append(SqlLedger(SqliteDatabase(path)))
        return opened[-1]

    yield open_one
    for ledger in opened:
        await ledger.close()


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    """Return the permission bits of everything in a folder."""
    return {path.name: mode(path) for path in folder.iterdir()}


async def test_a_ledger_that_was_only_made_has_touched_no_file(
    tmp_path: Path, open_at: Open
) -> None:
    """Constructing and closing one leaves the disk as it was."""
    ledger = open_at(tmp_path / "home" / "ledger.db")
    await ledger.close()

    assert modes(tmp_path) == {}
    assert ledger.place == str(tmp_path / "home" / "ledger.db")


async def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path, open_at: Open) -> None:
    """0700 and 0600, side files too, whatever the process lets others do by default."""
    before = os.umask(0)
    try:
        await open_at(tmp_path / "home" / "ledger.db").remember_users([ANNA], NOW)
    finally:
        os.umask(before)

    assert mode(tmp_path / "home") == 0o700
    assert modes(tmp_path / "home") == {
        "ledger.db": 0o600,
        "ledger.db-wal": 0o600,
        "ledger.db-shm": 0o600,
        "ledger.db-turn": 0o600,
    }


async def test_rights_that_others_got_are_taken_away(tmp_path: Path, open_at: Open) -> None:
    """A file that was copied with wider rights is private again once it was opened."""
    path = tmp_path / "ledger.db"
    first = open_at(path)
    await first.remember_users([ANNA], NOW)
    await first.close()
    path.chmod(0o644)

    await open_at(path).remember_users([ANNA], NOW)

    assert set(modes(tmp_path).values()) == {0o600}


async def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, open_at: Open) -> None:
    """Who may write the folder may replace the ledger."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(LedgerUnavailable, match="chmod 700"):
        await open_at(folder / "ledger.db").recent()

    assert modes(folder) == {}


async def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path, open_at: Open) -> None:
    """A file stands where a folder should be."""
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerUnavailable, match="set `ledger_url`"):
        await open_at(tmp_path / "file" / "ledger.db").recent()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_we_may_not_write_is_refused(tmp_path: Path, open_at: Open) -> None:
    """Nothing is half opened: without the folder there are no side files."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)

    with pytest.raises(LedgerUnavailable, match="may write"):
        await open_at(folder / "ledger.db").recent()


async def test_a_folder_without_rights_is_refused(
    tmp_path: Path, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system says that we may not write, the sentence says what to do."""
    monkeypatch.setattr(files.os, "access", lambda path, rights: False)

    with pytest.raises(LedgerUnavailable, match="give the program the right"):
        await open_at(tmp_path / "ledger.db").recent()


async def test_a_network_disk_is_refused(
    tmp_path: Path, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared memory does not reach other machines."""
    monkeypatch.setattr(files, "_mounts", lambda: f"server:/home {tmp_path} nfs4 rw 0 0\n")

    with pytest.raises(LedgerUnavailable, match="network file system"):
        await open_at(tmp_path / "ledger.db").recent()


def test_the_file_system_of_the_deepest_mount_counts() -> None:
    """The longest mount point above the folder decides, of equal ones the latest."""
    mounts = (
        "rootfs / rootfs rw 0 0\n"
        "/dev/vda / ext4 rw 0 0\n"
        "server:/x /home cifs rw 0 0\n"
        "/dev/vdb /home/me/my\\040disk xfs rw 0 0\n"
        "broken\n"
    )

    assert filesystem(Path("/etc"), mounts) == "ext4"
    assert filesystem(Path("/home/me"), mounts) == "cifs"
    assert filesystem(Path("/homely"), mounts) == "ext4"
    assert filesystem(Path("/home/me/my disk/x"), mounts) == "xfs"
    assert filesystem(Path("/etc"), "") is None


async def test_a_file_that_is_no_ledger_is_refused_and_left_alone(
    tmp_path: Path, open_at: Open
) -> None:
    """Neither text nor another program's database is touched."""
    text, foreign = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("Dear diary, " * 100)
    with apsw.Connection(str(foreign)) as connection:
        connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    before = foreign.read_bytes()

    for path in (text, foreign):
        with pytest.raises(LedgerUnavailable, match="not a ledger"):
            await open_at(path).recent()

    assert text.read_text() == "Dear diary, " * 100
    assert foreign.read_bytes() == before


async def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path, open_at: Open) -> None:
    """An old program does not guess what a newer one wrote."""
    path = tmp_path / "ledger.db"
    first = open_at(path)
    await first.remember_users([ANNA], NOW)
    await first.close()
    with apsw.Connection(str(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(LedgerUnavailable, match="newer version"):
        await open_at(path).recent()


async def test_a_damaged_ledger_is_refused(tmp_path: Path, open_at: Open) -> None:
    """A file cut to pieces sends nothing."""
    path = tmp_path / "ledger.db"
    first = open_at(path)
    await first.remember_users([ANNA], NOW)
    await first.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    with pytest.raises(LedgerUnavailable, match=r"damaged|cannot be read"):
        await open_at(path).known_user("7")
