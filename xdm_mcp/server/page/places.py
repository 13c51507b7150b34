"""Which pages run for a home: so that a person's command finds them and makes a ticket.

Each running page keeps a file that only the owner reads, and a lock that ends with its process. A
file whose lock is free was left by a crash, and goes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from xdm_mcp.errors import ConfigError

FOLDER = "pages"


@dataclass(frozen=True, slots=True)
class Place:
    """One running page: its address, the digest of its ledger's URL, and its tickets' secret."""

    address: str
    ledger: str
    secret: bytes = field(repr=False)


@contextmanager
def announced(home: Path, name: str, place: Place) -> Iterator[None]:
    """Let commands of the owner find the page while entered. Raises ConfigError where the home
    cannot be written."""
    file = _folder(home) / f"{name}.json"
    with FileLock(file.with_suffix(".lock"), mode=0o600):
        file.unlink(missing_ok=True)
        _write(file, place)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
            file.with_suffix(".lock").unlink(missing_ok=True)


def running(home: Path, ledger_url: str | None = None) -> list[Place]:
    """Return the pages that run for `home` now, the newest first; with `ledger_url`, of this ledger
    alone."""
    files = sorted((home / FOLDER).glob("*.json"), key=_age, reverse=True)
    places = [place for file in files if _is_held(file) and (place := _read(file)) is not None]
    wanted = ledger_of(ledger_url) if ledger_url is not None else None
    return [place for place in places if wanted in (None, place.ledger)]


def ledger_of(url: str) -> str:
    """Return what names a ledger in the files of pages: a digest, for a URL may hold a secret."""
    return sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _folder(home: Path) -> Path:
    folder = home / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise ConfigError(
            f"The folder {folder} cannot be written; make it writable or set approvals.page = off."
        )
    return folder


def _write(file: Path, place: Place) -> None:
    said = {"address": place.address, "ledger": place.ledger, "secret": place.secret.hex()}
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(handle, "w", encoding="utf-8") as out:
        json.dump(said, out)


def _read(file: Path) -> Place | None:
    try:
        said = json.loads(file.read_text("utf-8"))
        return Place(said["address"], said["ledger"], bytes.fromhex(said["secret"]))
    except (OSError, ValueError, KeyError, TypeError):  # it ended, or is just being written
        return None


def _is_held(file: Path) -> bool:
    """Whether the page of a file still runs; what a crash left is removed."""
    try:
        with FileLock(file.with_suffix(".lock"), mode=0o600, timeout=0):
            file.unlink(missing_ok=True)
            return False
    except Timeout:
        return True


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
