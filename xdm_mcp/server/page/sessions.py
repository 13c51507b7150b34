"""Who has the page open: sessions that live in this process alone, and their forms' tokens.

A session reads; it approves nothing. A token binds one form to one session, one verb, one subject
and the digest that was shown, and is spent by its first use, whatever comes of it.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LASTS = timedelta(hours=12)
"""How long a browser stays in, counted from its ticket."""

MOST = 8
"""Browsers at once; one more ends the oldest."""


@dataclass(slots=True)
class Session:
    """One browser that a ticket let in."""

    key: str
    until: datetime
    secret: bytes = field(repr=False)
    _spent: set[str] = field(default_factory=set, repr=False)

    def token(self, verb: str, subject: str = "", digest: str = "") -> str:
        """Return a fresh token for one form."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{self._seal(nonce, verb, subject, digest)}"

    def spend(self, token: str, verb: str, subject: str = "", digest: str = "") -> bool:
        """Whether the token was made for exactly this form and is used for the first time."""
        nonce, _, seal = token.partition(".")
        expected = self._seal(nonce, verb, subject, digest)
        if not hmac.compare_digest(seal.encode(), expected.encode()) or nonce in self._spent:
            return False
        self._spent.add(nonce)
        return True

    def _seal(self, *parts: str) -> str:
        said = "\x00".join(("form/1", *parts)).encode("utf-8", "replace")
        return hmac.new(self.secret, said, "sha256").hexdigest()


class Sessions:
    """The browsers that are in."""

    def __init__(self) -> None:
        """Let nobody in yet."""
        self._open: OrderedDict[str, Session] = OrderedDict()

    def __iter__(self) -> Iterator[Session]:
        """Return the sessions, the oldest first."""
        return iter(self._open.values())

    def open(self, now: datetime) -> Session:
        """Let one more browser in; where that is one too many, the oldest goes."""
        session = Session(secrets.token_urlsafe(32), now + LASTS, secrets.token_bytes(32))
        self._open[session.key] = session
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return session

    def find(self, key: str | None, now: datetime) -> Session | None:
        """Return the session of a cookie, None for a stranger's or an old one."""
        session = self._open.get(key or "")
        if session is None or session.until <= now:
            return None
        return session

    def close(self, session: Session) -> None:
        """End a session; its cookie opens nothing any more."""
        self._open.pop(session.key, None)
