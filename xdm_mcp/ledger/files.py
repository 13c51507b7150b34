"""The ledger's folder and file: private, ours, and on a disk whose locks work."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from xdm_mcp.errors import LedgerUnavailable

NETWORKED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.")
"""How the names of file systems begin on which SQLite's shared memory does not work
(sqlite.org/wal.html, 2026-08)."""

_creating = threading.Lock()


def prepare(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where they are missing, and take away what
    others may do.

    Raises LedgerUnavailable where this process cannot write, where others could replace the file,
    or on a network file system.
    """
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_unsafe(folder)
        _create(path)
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)
    except OSError as error:
        raise LedgerUnavailable(
            f"The ledger {path} cannot be opened ({error.strerror}); give the program a folder"
            " that it may write, or set `ledger_url` to another place."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK) or not os.access(path, os.R_OK | os.W_OK):
        raise LedgerUnavailable(
            f"The ledger {path} cannot be written; give the program the right to write the file"
            " and its folder."
        )


def _create(path: Path) -> None:
    # Closing a descriptor drops every lock that this process holds on the file, so an existing one
    # is never
    # opened here, and two threads never create it at once.
    with _creating:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _refuse_unsafe(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & 0o022:
        raise LedgerUnavailable(
            f"Others may write to {folder}, where the ledger lives; run `chmod 700 {folder}` or"
            " choose another folder."
        )
    kind = filesystem(folder.resolve(), _mounts())
    if kind is not None and kind.startswith(NETWORKED):
        raise LedgerUnavailable(
            f"The ledger cannot live on {folder}, a network file system ({kind}); set `ledger_url`"
            " to a local disk."
        )


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return ""  # not Linux: there is no cheap way to know


def filesystem(folder: Path, mounts: str) -> str | None:
    """Return the type of the file system that holds `folder`, by a table as in /proc/self/mounts;
    None if it is unknown."""
    best, kind = "", None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        # A later line covers an earlier one at the same place.
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
