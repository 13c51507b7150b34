"""Files that only we can read: written whole or not at all, and refused where others could look."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from xdm_mcp.errors import ConfigError

LARGEST = 1_000_000
"""How many bytes of a file are read."""


def read_private(path: Path, remedy: str = "log in again") -> str | None:
    """Return the text of a file of ours, None where there is none.

    Raises ConfigError for a link, somebody else's file, or one that others may read or write; it
    ends with `remedy`, what the owner does then.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); {remedy}.") from None
    with open(file, "rb") as opened:
        _refuse_shared(path, os.fstat(opened.fileno()), remedy)
        return opened.read(LARGEST).decode("utf-8", "replace")


def write_private(path: Path, text: str) -> None:
    """Replace a file (0600) at one stroke; it is on the disk when this returns.

    Makes the folder (0700). Raises ConfigError where the folder is not ours alone or cannot be
    written; the old file is then as it was.
    """
    folder = path.parent
    new = folder / f".{path.name}.{secrets.token_hex(8)}"
    try:
        make_folder(folder)
        _refuse_shared(folder, folder.lstat())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with open(os.open(new, flags, 0o600), "wb") as opened:
                opened.write(text.encode())
                opened.flush()
                os.fsync(opened.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        _sync(folder)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}); nothing was changed: make room, or give"
            " the program the right to write there."
        ) from None


def make_folder(folder: Path) -> None:
    """Make a folder and the one that it is in, ours alone, where they are missing."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def remove(path: Path) -> None:
    """Remove a file if it is there, for good when this returns."""
    with suppress(FileNotFoundError):
        path.unlink()
        _sync(path.parent)


def shared(state: os.stat_result) -> bool:
    """Whether somebody else owns a file or folder, or may do anything with it."""
    return state.st_uid != os.geteuid() or bool(stat.S_IMODE(state.st_mode) & 0o077)


def _refuse_shared(path: Path, state: os.stat_result, remedy: str = "log in again") -> None:
    if stat.S_ISLNK(state.st_mode):
        raise ConfigError(f"{path} is a link; put a folder of your own in its place.")
    if state.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user; remove it and {remedy}.")
    if shared(state):
        mode = "700" if stat.S_ISDIR(state.st_mode) else "600"
        raise ConfigError(
            f"{path} is open to other users: run `chmod {mode} {path}`; if they may have read it,"
            f" {remedy}."
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
