"""The books: money by UTC day, reads booked before they are made, and halts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdm_mcp.clock import from_ms, rfc3339, to_ms
from xdm_mcp.errors import OverBudget, RateLimited
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.ledger.windows import Due, charge, windows
from xdm_mcp.models.quota import Budget, Limit, Spend, usd
from xdm_mcp.models.sends import Halt

DAY = 24 * 60 * 60 * 1000
"""A UTC day in ms."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A read whose worst price is booked; settle it with what it really cost."""

    id: int
    cost: int


def book(sql: Sql, account_id: str, day: int, cost: int, automatic: int = 0) -> None:
    """Add money (micro-dollars) and sends that asked nobody to a day's page; negative figures give
    back."""
    sql.run(
        "INSERT INTO daily (account_id, day, spent, automatic) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, day) DO UPDATE SET spent = daily.spent + excluded.spent,"
        " automatic = daily.automatic + excluded.automatic",
        account_id, day, cost, automatic,
    )  # fmt: skip


def spend(sql: Sql, account_id: str, now: int) -> Spend:
    """Return the money booked today and in all. What is to leave on a later day counts today
    too."""
    [[today, total]] = sql.all(
        "SELECT coalesce(sum(CASE WHEN day >= ? THEN spent ELSE 0 END), 0), coalesce(sum(spent), 0)"
        " FROM daily WHERE account_id = ?",
        now // DAY, account_id,
    )  # fmt: skip
    return Spend(int(today), int(total))


def book_read(
    sql: Sql, account_id: str, cost: int, budget: Budget, limits: Sequence[Limit], now: int
) -> Booking:
    """See Ledger.book_read."""
    full = [window for window in windows(sql, limits, now) if window.remaining <= 0]
    if full:
        ends = [window.free_at for window in full if window.free_at is not None]
        retry_at = max(ends) if len(ends) == len(full) else None
        when = f"; try again at {rfc3339(retry_at)}" if retry_at else ""
        raise RateLimited(f"Reading is used up for now ({full[0].limit.name}){when}.", retry_at)
    if cost > 0 and not budget.allows(spend(sql, account_id, now), cost):
        raise OverBudget(
            f"A read of ${usd(cost)} would pass the owner's budget; ask the owner to raise it."
        )
    charge(sql, {limit.scope: Due() for limit in limits}, now)
    day = now // DAY
    book(sql, account_id, day, cost)
    [[booking_id]] = sql.all(
        "INSERT INTO booking (account_id, day, cost) VALUES (?, ?, ?) RETURNING id",
        account_id, day, cost,
    )  # fmt: skip
    return Booking(int(booking_id), cost)


def settle_read(sql: Sql, booking: Booking, cost: int) -> None:
    """See Ledger.settle_read. A booking is settled once: its row goes."""
    for account_id, day, booked in sql.all(
        "DELETE FROM booking WHERE id = ? RETURNING account_id, day, cost", booking.id
    ):
        book(sql, account_id, day, cost - booked)


def halt(sql: Sql, account_id: str, new: Halt) -> None:
    """See Ledger.halt. Of two halts with one code the wider and the longer one holds."""
    for row in _rows(sql, account_id, to_ms(new.since)):
        if row[0] == new.code:
            new = _both(_halt(row), new)
    sql.run(
        "INSERT INTO halt (account_id, code, says, since, scope, until) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, code) DO UPDATE SET says = excluded.says,"
        " since = excluded.since, scope = excluded.scope, until = excluded.until",
        account_id, new.code, new.says, to_ms(new.since), new.scope,
        to_ms(new.until) if new.until else None,
    )  # fmt: skip
    append(sql, to_ms(new.since), account_id, "halted", {"code": new.code, "scope": new.scope})


def halts(sql: Sql, account_id: str, now: int) -> tuple[Halt, ...]:
    """See Ledger.halts. The oldest comes first."""
    return tuple(_halt(row) for row in _rows(sql, account_id, now))


def clear_halt(sql: Sql, account_id: str, code: str | None, by: str, now: int) -> int:
    """See Ledger.clear_halt."""
    cleared = sql.all(
        "DELETE FROM halt WHERE account_id = ? AND code = coalesce(?, code) RETURNING code",
        account_id, code,
    )  # fmt: skip
    for (its_code,) in sorted(cleared):
        append(sql, now, account_id, "halt_cleared", {"code": its_code, "by": by})
    return len(cleared)


def stops(halt: Halt, *, first_contact: bool, cost: int) -> bool:
    """Whether a halt in force concerns such a send; a scope that we do not know concerns all."""
    return {"first_contacts": first_contact, "spending": cost > 0}.get(halt.scope, True)


def _rows(sql: Sql, account_id: str, now: int) -> list[Row]:
    return sql.all(
        "SELECT code, says, since, scope, until FROM halt"
        " WHERE account_id = ? AND (until IS NULL OR until > ?) ORDER BY since, code",
        account_id, now,
    )  # fmt: skip


def _halt(row: Row) -> Halt:
    code, says, since, scope, until = row
    return Halt(code, says, from_ms(since), scope, moment(until))


def _both(old: Halt, new: Halt) -> Halt:
    ends = [halt.until for halt in (old, new) if halt.until is not None]
    return replace(
        new,
        since=min(old.since, new.since),
        scope=old.scope if old.scope == new.scope else "account",
        until=max(ends) if len(ends) == 2 else None,
    )
