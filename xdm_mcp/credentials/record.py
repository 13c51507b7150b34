"""One stored login: which account, at which service, with which secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

FORMAT = 1
"""The version of what is written."""

ACCESS, REFRESH, CLIENT = "x_access_token", "x_refresh_token", "x_client_secret"
"""The names of the secrets of OAuth 2.0. Those of other backends are named as their settings."""


class Unreadable(ValueError):
    """What is stored is no login of this version."""


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """A login and its secrets, by name. Its repr shows no secret, and it cannot be pickled.

    `origin` is where the secrets may go and nowhere else; `account_id` and `handle` are whom the
    service named at the login. For OAuth 2.0: `client_id`, what was granted, when the access token
    is to be renewed and when it ends, and `broken`, which is True once the service refused to renew
    it.
    """

    backend: str
    origin: str
    account_id: str
    handle: str
    secrets: Mapping[str, str]
    client_id: str = ""
    scopes: tuple[str, ...] = ()
    renew_at: datetime | None = None
    expires_at: datetime | None = None
    broken: bool = False

    def __repr__(self) -> str:
        return f"Record({self.backend!r}, {self.account_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a login is never pickled")

    __getstate__ = __reduce__

    @property
    def access(self) -> str:
        """The access token, empty where there is none."""
        return self.secrets.get(ACCESS, "")

    @property
    def refresh(self) -> str:
        """The refresh token, empty where there is none."""
        return self.secrets.get(REFRESH, "")

    @property
    def is_oauth2(self) -> bool:
        """Whether this is a login of OAuth 2.0, whose access token is renewed."""
        return bool(self.client_id)


def mark(secret: str) -> str:
    """Return what may be shown instead of a secret to say whether it is the same one."""
    return hashlib.sha256(secret.encode()).hexdigest()


def to_json(record: Record) -> str:
    """Return a record as it is stored. It holds the secrets."""
    return json.dumps(
        {
            "format": FORMAT,
            "backend": record.backend,
            "origin": record.origin,
            "account_id": record.account_id,
            "handle": record.handle,
            "secrets": dict(record.secrets),
            "client_id": record.client_id,
            "scopes": list(record.scopes),
            "renew_at": _written(record.renew_at),
            "expires_at": _written(record.expires_at),
            "broken": record.broken,
        }
    )


def from_json(text: str) -> Record:
    """Return a stored record. Raises Unreadable, which shows nothing of the text."""
    try:
        kept = json.loads(text)
        if kept.pop("format") != FORMAT:
            raise ValueError
        times = {name: _read(kept.pop(name)) for name in ("renew_at", "expires_at")}
        record = Record(**{**kept, **times, "scopes": tuple(kept["scopes"])})
        words = [*record.secrets, *record.secrets.values(), record.origin, record.backend]
        if not all(isinstance(word, str) for word in words):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    else:
        return record
    raise Unreadable("not a login of this version")


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _read(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at) if at else None
