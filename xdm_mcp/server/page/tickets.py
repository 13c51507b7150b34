"""One-time tickets: how the owner's browser gets in without an address that is a key.

A ticket is made where only the owner's files are readable, and lets one browser in once, for two
minutes. It lets nobody approve: every decision asks for the factor of a person again.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

VALID = timedelta(minutes=2)
"""How long a ticket waits to be used."""


def mint(secret: bytes, now: datetime) -> str:
    """Return a fresh ticket for the page whose secret this is; it is safe in a URL's path."""
    until = int((now + VALID).timestamp())
    ticket = f"{until}.{secrets.token_hex(16)}"
    return f"{ticket}.{_seal(secret, ticket)}"


class Tickets:
    """The tickets of one running page: each opens once."""

    def __init__(self, secret: bytes) -> None:
        """Know tickets by `secret`; none is used yet."""
        self._secret = secret
        self._used: dict[str, int] = {}

    def redeem(self, ticket: str, now: datetime) -> bool:
        """Whether the ticket is ours, in time and unused; from now on it is used."""
        until = self._expiry(ticket)
        moment = int(now.timestamp())
        self._used = {used: end for used, end in self._used.items() if end > moment}
        if until is None or until <= moment or ticket in self._used:
            return False
        self._used[ticket] = until
        return True

    def _expiry(self, ticket: str) -> int | None:
        head, _, seal = ticket.rpartition(".")
        if not hmac.compare_digest(seal.encode(), _seal(self._secret, head).encode()):
            return None
        return int(head.partition(".")[0])


def _seal(secret: bytes, ticket: str) -> str:
    return hmac.new(secret, f"ticket/1 {ticket}".encode("utf-8", "replace"), "sha256").hexdigest()


def new_secret() -> bytes:
    """Return a secret for one run of a page: when it ends, its tickets end with it."""
    return secrets.token_bytes(32)
