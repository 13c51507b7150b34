"""Where logins are kept: in the system keyring, or by the owner's choice in files of the home.

Several machines may share one in the database of their ledger (`database.py`).

Each backend has one login. `<home>/credentials/<backend>.json` says where it is: it is the login
itself, or the words that the keyring has it. So nothing asks a keyring that holds nothing of ours,
and a server that is logged in at no service never imports one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Literal

from xdm_mcp.credentials import notes
from xdm_mcp.credentials.files import read_private, remove, write_private
from xdm_mcp.credentials.record import Record, Unreadable, from_json, to_json
from xdm_mcp.errors import ConfigError, Unavailable

Place = Literal["keyring", "file", "database"]

IN_KEYRING = json.dumps({"kept": "keyring"})
"""What the file of a login says whose secrets are in the keyring."""


SHARED = ("postgresql://", "postgres://")
"""How the address of a ledger begins in whose database logins may be kept."""


class Store:
    """The logins of one home. Touches nothing before it is asked."""

    def __init__(self, home: Path) -> None:
        """Keep logins for the home `home`."""
        self.folder = home / "credentials"

    def file_of(self, backend: str) -> Path:
        """Return the file that is, or stands for, the login at a backend."""
        return self.folder / f"{backend}.json"

    def lock_of(self, backend: str) -> Path:
        """Return the lock under which the login at a backend is changed."""
        return self.folder / f"{backend}.lock"

    def place_of(self, backend: str) -> Place | None:
        """Return where the login at a backend is kept, None where there is none. Raises
        ConfigError as `load` does."""
        text = read_private(self.file_of(backend))
        if text is None:
            return None
        return "keyring" if text == IN_KEYRING else "file"

    def whereabouts(self, backend: str) -> str:
        """Return where the login at a backend is kept, for people."""
        kept = self.place_of(backend)
        named = {"keyring": "the system keyring", "database": "the database of the ledger"}
        return named.get(kept or "", str(self.file_of(backend)))

    def check(self, place: Place) -> None:
        """Raise ConfigError where no login can be kept in `place`."""
        if place == "keyring":
            check_keyring()
        elif place == "database":
            raise ConfigError(
                "Only a ledger in PostgreSQL has a database for logins: set XDM_LEDGER_URL to it,"
                " or choose another --store."
            )

    def load(self, backend: str) -> Record | None:
        """Return the login at a backend, None where there is none.

        Raises ConfigError where others could read it or it is damaged, Unavailable where the
        keyring or the database does not answer.
        """
        text = self._text(backend)
        if text is None:
            return None
        try:
            record = from_json(text)
        except Unreadable:
            record = None
        if record is None or record.backend != backend:
            raise ConfigError(f"The stored login is damaged: {again(backend)}.")
        return record

    def save(self, record: Record, place: Place | None = None) -> None:
        """Keep a login in place of an older one; it is safe when this returns.

        Without `place` it stays where it is. Raises ConfigError and Unavailable; the older one is
        then still there.
        """
        file, before = self.file_of(record.backend), self.place_of(record.backend)
        if (place or before) == "keyring":
            _Keyring(self.folder).set(record.backend, to_json(record))
            write_private(file, IN_KEYRING)
        else:
            write_private(file, to_json(record))
            if before == "keyring":
                _Keyring(self.folder).delete(record.backend)

    @property
    def variables(self) -> Mapping[str, str]:
        """What a child of ours must find in its environment to open this very store."""
        return {}

    def note(self, record: Record, now: datetime) -> None:
        """Note that the renewal of this login begins; it is safe when this returns."""
        notes.write_down(self.file_of(record.backend), record, now)

    def wipe_note(self, backend: str) -> None:
        """Take the note away."""
        notes.wipe(self.file_of(backend))

    def cut_off_at(self, record: Record) -> datetime | None:
        """Return when a renewal of this very login began whose end nobody knows, None if none."""
        return notes.cut_off_at(self.file_of(record.backend), record)

    def alone(self, backend: str) -> AbstractContextManager[None]:
        """Hold the login at a backend among all machines that share it, while entered. Within one
        machine the lock of `lock_of` does."""
        return nullcontext()

    def _text(self, backend: str) -> str | None:
        text = read_private(self.file_of(backend))
        if text != IN_KEYRING:
            return text
        text = _Keyring(self.folder).get(backend)
        if text is None:
            raise ConfigError(f"The system keyring lost the login: {again(backend)}.")
        return text

    def delete(self, backend: str) -> None:
        """Forget the login at a backend. Raises Unavailable where the keyring does not answer."""
        try:
            kept = read_private(self.file_of(backend))
        except ConfigError:  # others could read it: all the more reason to remove it
            kept = None
        if kept == IN_KEYRING:
            _Keyring(self.folder).delete(backend)
        remove(self.file_of(backend))


def open_store(home: Path, ledger_url: str) -> Store:
    """Return the logins of a home, with those in the database of its ledger if it has one. Touches
    nothing."""
    if not ledger_url.startswith(SHARED):
        return Store(home)
    try:
        from xdm_mcp.credentials.database import DatabaseStore
    except ImportError:  # the ledger says how to get the driver
        return Store(home)
    return DatabaseStore(home, ledger_url)


def again(backend: str) -> str:
    """Return what a person does to log in again, as the end of a sentence."""
    return f"run `xdm-mcp login --backend {backend}`"


def check_keyring() -> None:
    """Raise ConfigError where this machine has no keyring that can keep secrets."""
    import keyring
    from keyring.backends import fail, null

    if isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring):
        raise ConfigError(NO_KEYRING)


NO_KEYRING = (
    "This machine has no keyring: add `--store file` to keep the login in a file of the home that"
    " only you can read."
)


class _Keyring:
    """The system keyring. One item per home and backend; an item is replaced at one stroke."""

    def __init__(self, folder: Path) -> None:
        self._place = f"xdm-mcp {folder}"

    def get(self, backend: str) -> str | None:
        return self._asked("get_password", backend)

    def set(self, backend: str, text: str) -> None:
        check_keyring()
        self._asked("set_password", backend, text)
        if self.get(backend) != text:
            raise Unavailable("The system keyring did not keep the login: use `--store file`.")

    def delete(self, backend: str) -> None:
        if self.get(backend) is not None:
            self._asked("delete_password", backend)

    def _asked(self, verb: str, backend: str, *text: str) -> str | None:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError

        try:
            answer: str | None = getattr(keyring, verb)(self._place, backend, *text)
        except NoKeyringError:
            says = NO_KEYRING
        except (KeyringError, OSError) as error:
            says = f"The system keyring refused ({type(error).__name__}): unlock it and try again."
        else:
            return answer
        raise Unavailable(says)
