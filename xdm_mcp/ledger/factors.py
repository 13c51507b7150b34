"""What the ledger keeps of an owner's factors, the same for every process that shares it.

A try at the PIN is counted before it is judged, in one transaction: however many processes guess at
once, all of them together have `FREE_TRIES`, and a process that dies in between has used its own.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Database, Row, Sql
from xdm_mcp.models.factors import Ceremony, Passkey, PinTry, WrongPins

FREE_TRIES = 5
"""How many wrong tries at the PIN in a row lock it."""

FIRST_LOCK = timedelta(minutes=1)
"""How long the first lock is; each further wrong try doubles it."""

LONGEST_LOCK = timedelta(hours=24)
"""How long a lock is at most."""

FORGOTTEN = timedelta(hours=24)
"""When wrong tries that locked nothing are forgotten, counted from the last of them."""

WRONG_PINS = """CREATE INDEX audit_wrong_pin ON audit (at)
    WHERE event IN ('pin_wrong', 'pin_locked')"""
"""Finds wrong PINs however many records came after them; no other record touches it."""


class FactorLedger(Protocol):
    """The part of the contract that is about an owner's factors."""

    async def has_pin(self) -> bool:
        """Return whether a PIN is set."""
        ...

    async def set_pin(self, verifier: str, by: str, now: datetime) -> bool:
        """Set the first PIN's verifier; False, and nothing changed, where there is a PIN."""
        ...

    async def change_pin(self, verifier: str, by: str, now: datetime) -> bool:
        """Replace the PIN's verifier and forget wrong tries and lock; False where there is no
        PIN."""
        ...

    async def try_pin(self, now: datetime, keep: int = 0) -> PinTry | None:
        """Count one try and return what it is judged by; None where no PIN is set.

        The fifth wrong try in a row locks for a minute, each further one for twice as long, a day
        at most. Fewer are forgotten when the last is `FORGOTTEN` ago. A try that would leave fewer
        than `keep` is neither granted nor counted.
        """
        ...

    async def pin_was_right(self, verifier: str) -> bool:
        """Forget wrong tries and lock; False where the PIN is another by now."""
        ...

    async def pin_was_wrong(self, tried: PinTry, where: str, now: datetime) -> None:
        """Append a wrong try to the audit chain: `pin_wrong`, or `pin_locked` where it locked.

        What a lock refuses leaves nothing, so a flood of tries leaves one record for each lock.
        """
        ...

    async def wrong_pins(self, since: datetime) -> WrongPins | None:
        """Return the wrong tries since a moment, None for none, whatever else was recorded."""
        ...

    async def passkeys(self) -> tuple[Passkey, ...]:
        """Return every passkey, the oldest first."""
        ...

    async def add_passkey(self, passkey: Passkey, by: str, *, first: bool = False) -> bool:
        """Keep a new passkey; False where one with its id is known, and with `first` where there is
        any."""
        ...

    async def use_passkey(self, passkey: Passkey, sign_count: int, now: datetime) -> bool:
        """Note a use, by compare-and-swap on the count; False where the passkey is gone or was used
        meanwhile."""
        ...

    async def remove_passkey(self, passkey_id: str, by: str, now: datetime) -> bool:
        """Forget a passkey; False where there is none."""
        ...

    async def begin_ceremony(self, ceremony: Ceremony, now: datetime) -> None:
        """Keep a ceremony until it is taken or expires."""
        ...

    async def take_ceremony(self, ceremony_id: str, now: datetime) -> Ceremony | None:
        """Return a ceremony that has not expired and forget it, once among all processes."""
        ...


class SqlFactors:
    """See FactorLedger."""

    _database: Database

    async def has_pin(self) -> bool:
        """See FactorLedger.has_pin."""
        return await self._database.read(lambda sql: _pin(sql) is not None)

    async def set_pin(self, verifier: str, by: str, now: datetime) -> bool:
        """See FactorLedger.set_pin."""
        at = to_ms(now)
        return await self._database.write(lambda sql: set_pin(sql, verifier, by, at))

    async def change_pin(self, verifier: str, by: str, now: datetime) -> bool:
        """See FactorLedger.change_pin."""
        at = to_ms(now)
        return await self._database.write(lambda sql: change_pin(sql, verifier, by, at))

    async def try_pin(self, now: datetime, keep: int = 0) -> PinTry | None:
        """See FactorLedger.try_pin."""
        return await self._database.write(lambda sql: try_pin(sql, to_ms(now), keep))

    async def pin_was_right(self, verifier: str) -> bool:
        """See FactorLedger.pin_was_right."""
        right = "UPDATE pin SET wrong = 0, locked_until = 0 WHERE verifier = ?"
        return await self._database.write(lambda sql: sql.run(right, verifier) == 1)

    async def pin_was_wrong(self, tried: PinTry, where: str, now: datetime) -> None:
        """See FactorLedger.pin_was_wrong."""
        event = "pin_locked" if tried.locked_until else "pin_wrong"
        await self._database.write(lambda sql: _told(sql, to_ms(now), event, where))

    async def wrong_pins(self, since: datetime) -> WrongPins | None:
        """See FactorLedger.wrong_pins."""
        return await self._database.read(lambda sql: wrong_pins(sql, to_ms(since)))

    async def passkeys(self) -> tuple[Passkey, ...]:
        """See FactorLedger.passkeys."""
        return await self._database.read(passkeys)

    async def add_passkey(self, passkey: Passkey, by: str, *, first: bool = False) -> bool:
        """See FactorLedger.add_passkey."""
        return await self._database.write(lambda sql: add_passkey(sql, passkey, by, first))

    async def use_passkey(self, passkey: Passkey, sign_count: int, now: datetime) -> bool:
        """See FactorLedger.use_passkey."""
        used = "UPDATE passkey SET sign_count = ?, used_at = ? WHERE id = ? AND sign_count = ?"
        return await self._database.write(
            lambda sql: sql.run(used, sign_count, to_ms(now), passkey.id, passkey.sign_count) == 1
        )

    async def remove_passkey(self, passkey_id: str, by: str, now: datetime) -> bool:
        """See FactorLedger.remove_passkey."""
        at = to_ms(now)
        return await self._database.write(lambda sql: remove_passkey(sql, passkey_id, by, at))

    async def begin_ceremony(self, ceremony: Ceremony, now: datetime) -> None:
        """See FactorLedger.begin_ceremony."""
        await self._database.write(lambda sql: begin_ceremony(sql, ceremony, to_ms(now)))

    async def take_ceremony(self, ceremony_id: str, now: datetime) -> Ceremony | None:
        """See FactorLedger.take_ceremony."""
        return await self._database.write(lambda sql: take_ceremony(sql, ceremony_id, to_ms(now)))


def lock_after(wrong: int) -> timedelta:
    """Return for how long the `wrong`-th wrong try in a row locks."""
    if wrong < FREE_TRIES:
        return timedelta()
    doublings = min(wrong - FREE_TRIES, 20)  # past any doubt longer than the longest
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def set_pin(sql: Sql, verifier: str, by: str, now: int) -> bool:
    """See FactorLedger.set_pin."""
    new = sql.run(
        "INSERT INTO pin (owner, verifier, set_at, wrong, locked_until)"
        " VALUES ('owner', ?, ?, 0, 0) ON CONFLICT (owner) DO NOTHING",
        verifier, now,
    )  # fmt: skip
    if new:
        _told(sql, now, "pin_set", by)
    return bool(new)


def change_pin(sql: Sql, verifier: str, by: str, now: int) -> bool:
    """See FactorLedger.change_pin."""
    changed = sql.run(
        "UPDATE pin SET verifier = ?, set_at = ?, wrong = 0, locked_until = 0", verifier, now
    )
    if changed:
        _told(sql, now, "pin_changed", by)
    return bool(changed)


def try_pin(sql: Sql, now: int, keep: int) -> PinTry | None:
    """See FactorLedger.try_pin.

    While nothing is locked, `locked_until` is the moment of the last wrong try.
    """
    row = _pin(sql)
    if row is None:
        return None
    verifier, wrong, locked_until = row
    if wrong >= FREE_TRIES and now < locked_until:
        return PinTry(None, 0, from_ms(locked_until))
    if wrong < FREE_TRIES and now - locked_until >= _ms(FORGOTTEN):
        wrong = 0
    left = max(FREE_TRIES - wrong - 1, 0)
    if left < keep:
        return PinTry(None, left, None)
    lock = lock_after(wrong + 1)
    sql.run("UPDATE pin SET wrong = ?, locked_until = ?", wrong + 1, now + _ms(lock))
    return PinTry(verifier, left, from_ms(now + _ms(lock)) if lock else None)


def wrong_pins(sql: Sql, since: int) -> WrongPins | None:
    """See FactorLedger.wrong_pins."""
    rows = sql.all(
        "SELECT at, what FROM audit WHERE event IN ('pin_wrong', 'pin_locked') AND at >= ?"
        " ORDER BY at, seq",
        since,
    )
    if not rows:
        return None
    (first, _), (last, what) = rows[0], rows[-1]
    return WrongPins(len(rows), from_ms(first), from_ms(last), json.loads(what)["by"])


def passkeys(sql: Sql) -> tuple[Passkey, ...]:
    """See FactorLedger.passkeys."""
    rows = sql.all(
        "SELECT id, name, public_key, sign_count, added_at, used_at FROM passkey"
        " ORDER BY added_at, id"
    )
    return tuple(
        Passkey(key, name, public, count, from_ms(added), moment(used))
        for key, name, public, count, added, used in rows
    )


def add_passkey(sql: Sql, passkey: Passkey, by: str, first: bool) -> bool:
    """See FactorLedger.add_passkey."""
    if first and passkeys(sql):
        return False
    at = to_ms(passkey.added_at)
    added = sql.run(
        "INSERT INTO passkey (id, name, public_key, sign_count, added_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        passkey.id, passkey.name, passkey.public_key, passkey.sign_count, at,
    )  # fmt: skip
    if added:
        _told(sql, at, "passkey_added", by, passkey.id)
    return bool(added)


def remove_passkey(sql: Sql, passkey_id: str, by: str, now: int) -> bool:
    """See FactorLedger.remove_passkey."""
    gone = sql.run("DELETE FROM passkey WHERE id = ?", passkey_id)
    if gone:
        _told(sql, now, "passkey_removed", by, passkey_id)
    return bool(gone)


def begin_ceremony(sql: Sql, ceremony: Ceremony, now: int) -> None:
    """See FactorLedger.begin_ceremony."""
    sql.run("DELETE FROM ceremony WHERE expires_at <= ?", now)
    sql.run(
        "INSERT INTO ceremony (id, kind, about, origin, nonce, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ceremony.id, ceremony.kind, ceremony.about, ceremony.origin, ceremony.nonce,
        to_ms(ceremony.expires_at),
    )  # fmt: skip


def take_ceremony(sql: Sql, ceremony_id: str, now: int) -> Ceremony | None:
    """See FactorLedger.take_ceremony."""
    rows = sql.all(
        "DELETE FROM ceremony WHERE id = ? RETURNING id, kind, about, origin, nonce, expires_at",
        ceremony_id,
    )
    for held, kind, about, origin, nonce, expires_at in rows:
        if now < expires_at:
            return Ceremony(held, kind, about, origin, nonce, from_ms(expires_at))
    return None


def _pin(sql: Sql) -> Row | None:
    return sql.one("SELECT verifier, wrong, locked_until FROM pin")


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)


def _told(sql: Sql, at: int, event: str, by: str, passkey_id: str | None = None) -> None:
    """Append an act of the owner that concerns no single account to the audit chain."""
    what = {"by": by} if passkey_id is None else {"by": by, "passkey": passkey_id}
    append(sql, at, "", event, what)
