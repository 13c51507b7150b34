"""Logins are kept privately, replaced at one stroke, and refused where others could look."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from tests.credentials.test_record import RECORD, SECRET
from xdm_mcp.credentials import files
from xdm_mcp.credentials.store import Store, check_keyring
from xdm_mcp.errors import ConfigError, Unavailable

BACKEND = RECORD.backend


class MemoryKeyring(KeyringBackend):
    """A keyring of one test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        """Begin with nothing, unlocked."""
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept."""
        if self.locked:
            raise KeyringLocked(f"{SECRET} is locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.get_password(service, username)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def ring() -> object:
    """Put a keyring of its own in the place of the machine's."""
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.mark.parametrize("place", ["file", "keyring"])
def test_a_login_is_kept_and_forgotten(home: Path, ring: MemoryKeyring, place: str) -> None:
    """It is there after a new start, and nothing of it after it was deleted."""
    assert Store(home).load(BACKEND) is None
    Store(home).save(RECORD, place)  # type: ignore[arg-type]
    assert Store(home).load(BACKEND) == RECORD
    assert Store(home).place_of(BACKEND) == place
    Store(home).delete(BACKEND)
    assert Store(home).load(BACKEND) is None
    assert ring.kept == {}


def test_files_are_ours_alone(home: Path) -> None:
    """0600 in a 0700 folder, whatever the umask, and no other file is left."""
    before = os.umask(0)
    try:
        Store(home).save(RECORD, "file")
        Store(home).save(replace(RECORD, handle="other"), "file")
    finally:
        os.umask(before)
    file = Store(home).file_of(BACKEND)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_the_keyring_alone_has_the_secrets(home: Path, ring: MemoryKeyring) -> None:
    """The file beside it holds none."""
    Store(home).save(RECORD, "keyring")
    assert SECRET not in Store(home).file_of(BACKEND).read_text()
    assert SECRET in "".join(ring.kept.values())


def test_a_login_moves_from_the_keyring_to_a_file(home: Path, ring: MemoryKeyring) -> None:
    """Nothing of it stays behind."""
    Store(home).save(RECORD, "keyring")
    Store(home).save(RECORD, "file")
    assert ring.kept == {}
    assert Store(home).load(BACKEND) == RECORD


def test_a_renewed_login_stays_where_it_was(home: Path, ring: MemoryKeyring) -> None:
    """Without a place the old one is used."""
    Store(home).save(RECORD, "keyring")
    Store(home).save(replace(RECORD, handle="new"))
    assert Store(home).place_of(BACKEND) == "keyring"
    assert len(ring.kept) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_may_open_is_refused(home: Path, mode: int) -> None:
    """Group or world rights of any kind are named with the command that takes them away."""
    Store(home).save(RECORD, "file")
    Store(home).file_of(BACKEND).chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        Store(home).load(BACKEND)
    Store(home).delete(BACKEND)
    assert Store(home).load(BACKEND) is None


def test_a_folder_that_others_may_open_is_not_written_to(home: Path) -> None:
    """No secret goes where others could exchange it."""
    Store(home).folder.mkdir(parents=True)
    Store(home).folder.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        Store(home).save(RECORD, "file")


def test_links_are_not_followed(home: Path, tmp_path: Path) -> None:
    """A link in place of the file or the folder is refused."""
    Store(home).save(RECORD, "file")
    file = Store(home).file_of(BACKEND)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(ConfigError):
        Store(home).load(BACKEND)
    other = tmp_path / "other"
    other.mkdir()
    (other / "credentials").symlink_to(home / "credentials")
    with pytest.raises(ConfigError, match="link"):
        Store(other).save(RECORD, "file")


def test_somebody_elses_file_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another owner is refused, whatever the rights are."""
    Store(home).save(RECORD, "file")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigError, match="another user"):
        Store(home).load(BACKEND)


@pytest.mark.parametrize("verb", ["fsync", "open"])
def test_a_failed_write_leaves_the_old_login(
    home: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """A full disk changes nothing and leaves nothing behind."""
    Store(home).save(RECORD, "file")
    real = getattr(os, verb)

    def full(*given: object, **named: object) -> object:
        if verb == "fsync" or (isinstance(given[1], int) and given[1] & os.O_CREAT):
            raise OSError(28, "No space left on device")
        return real(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(files.os, verb, full)
        with pytest.raises(ConfigError, match="No space left"):
            Store(home).save(replace(RECORD, handle="new"), "file")
    assert Store(home).load(BACKEND) == RECORD
    assert len(list(Store(home).folder.iterdir())) == 1


def test_a_damaged_login_names_the_next_step(home: Path) -> None:
    """The sentence says how to log in again and shows nothing of the file."""
    Store(home).save(RECORD, "file")
    Store(home).file_of(BACKEND).write_text(f'{{"secret": "{SECRET}"')
    with pytest.raises(ConfigError, match="xdm-mcp login --backend x-api-v2") as raised:
        Store(home).load(BACKEND)
    assert SECRET not in str(raised.value)


def test_a_login_of_another_backend_is_refused(home: Path) -> None:
    """A file that was copied to another name is not used."""
    Store(home).save(RECORD, "file")
    Store(home).file_of(BACKEND).rename(Store(home).file_of("getxapi"))
    with pytest.raises(ConfigError, match="damaged"):
        Store(home).load("getxapi")


def test_without_a_keyring_the_file_is_named(home: Path) -> None:
    """One sentence that says `--store file`."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(ConfigError, match="--store file"):
            check_keyring()
        with pytest.raises(ConfigError, match="--store file"):
            Store(home).save(RECORD, "keyring")
    finally:
        keyring.set_keyring(before)


def test_a_locked_keyring_is_told_in_our_words(home: Path, ring: MemoryKeyring) -> None:
    """The keyring's own words go no further."""
    Store(home).save(RECORD, "keyring")
    ring.locked = True
    with pytest.raises(Unavailable, match="unlock") as raised:
        Store(home).load(BACKEND)
    assert SECRET not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_keyring_that_lost_a_login_is_told(home: Path, ring: MemoryKeyring) -> None:
    """The person logs in again."""
    Store(home).save(RECORD, "keyring")
    ring.kept.clear()
    with pytest.raises(ConfigError, match="lost the login"):
        Store(home).load(BACKEND)
