"""Where logins are kept: in the system keyring, or by the owner's choice in files of the home.

Each backend has one login. `<home>/credentials/<backend>.json` says where it is: it is the login
itself, or the words that the keyring has it. So nothing asks a keyring that holds nothing of ours,
and a server that is logged in at no service never imports one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from xdm_mcp.credentials.files import read_private, remove, write_private
from xdm_mcp.credentials.record import Record, Unreadable, from_json, to_json
from xdm_mcp.errors import ConfigError, Unavailable

Place = Literal["keyring", "file"]

IN_KEYRING = json.dumps({"kept": "keyring"})
"""What the file of a login says whose secrets are in the keyring."""


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

    def load(self, backend: str) -> Record | None:
        """Return the login at a backend, None where there is none.

        Raises ConfigError where others could read it or it is damaged, Unavailable where the
        keyring does not answer.
        """
        text = read_private(self.file_of(backend))
        if text == IN_KEYRING:
            text = _Keyring(self.folder).get(backend)
            if text is None:
                raise ConfigError(f"The system keyring lost the login: {again(backend)}.")
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

    def delete(self, backend: str) -> None:
        """Forget the login at a backend. Raises Unavailable where the keyring does not answer."""
        try:
            kept = read_private(self.file_of(backend))
        except ConfigError:  # others could read it: all the more reason to remove it
            kept = None
        if kept == IN_KEYRING:
            _Keyring(self.folder).delete(backend)
        remove(self.file_of(backend))


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
