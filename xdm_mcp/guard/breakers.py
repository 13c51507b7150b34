"""Circuit breakers: when a run of bad outcomes stops the account until a person has looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from xdm_mcp.models.sends import Halt, SendState

CLOSED = "recipient_closed"
"""The code of a send that a recipient's settings refused."""

LOOK_BACK = 10
"""How many of the latest sends count for closed recipients."""

CLOSED_AT_MOST = 3
"""This many closed recipients among them are the sign of a bad list."""

UNKNOWN_AT_MOST = 2
"""This many sends of unknown outcome in a row are the sign of trouble on the wire."""


class Attempt(Protocol):
    """One attempt to send, as the ledger remembers it."""

    @property
    def state(self) -> str:
        """How it ended: a `SendState`."""
        ...

    @property
    def code(self) -> str | None:
        """The normalised class of the outcome."""
        ...

    @property
    def first_contact(self) -> bool:
        """Whether it went to somebody who never wrote to us."""
        ...


def trip(attempts: Sequence[Attempt], now: datetime) -> Halt | None:
    """Return the halt that the latest attempts call for, newest first, or None.

    Only the newest attempt trips: what a person saw and cleared does not halt again by itself. The
    halts have no end; a person clears them.
    """
    if not attempts:
        return None
    if attempts[0].state == SendState.UNKNOWN:
        return _unknown(attempts, now)
    if attempts[0].code == CLOSED:
        return _closed(attempts, now)
    return None


def _unknown(attempts: Sequence[Attempt], now: datetime) -> Halt | None:
    row = attempts[:UNKNOWN_AT_MOST]
    if len(row) < UNKNOWN_AT_MOST or any(item.state != SendState.UNKNOWN for item in row):
        return None
    says = f"{UNKNOWN_AT_MOST} sends in a row ended with an unknown outcome."
    return Halt("unknown_outcomes", says, since=now)


def _closed(attempts: Sequence[Attempt], now: datetime) -> Halt | None:
    closed = sum(item.code == CLOSED for item in attempts[:LOOK_BACK])
    if closed < CLOSED_AT_MOST:
        return None
    says = f"{closed} of the last {LOOK_BACK} sends met recipients who are closed to you."
    return Halt("closed_recipients", says, since=now, scope="first_contacts")
