"""Users as the backends told of them, by id and by handle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.models.people import USER_ID, KnownUser, User


@dataclass(frozen=True, slots=True)
class Standing:
    """What a backend last told of a person and us, and when."""

    blocked: bool
    suspended: bool
    can_dm: bool | None
    at: datetime | None


def remember(sql: Sql, users: Iterable[User], now: int) -> None:
    """Keep what was told at `now` (ms). What an answer leaves out stays as it was; older news
    changes nothing."""
    for user in users:
        speaks = user.can_dm is not None or bool(user.connection) or user.suspended
        sql.run(
            "INSERT INTO person (id, handle, name, can_dm, basis, connection, suspended,"
            " standing_at, checked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET handle = coalesce(excluded.handle, person.handle),"
            " name = coalesce(excluded.name, person.name), checked_at = excluded.checked_at"
            " WHERE excluded.checked_at >= person.checked_at",
            user.id, user.handle, user.name, None, "unknown", "", 0, None, now,
        )  # fmt: skip
        if speaks:
            sql.run(
                "UPDATE person SET can_dm = ?, basis = ?, connection = ?, suspended = ?,"
                " standing_at = ? WHERE id = ? AND coalesce(standing_at, 0) <= ?",
                user.can_dm, user.can_dm_basis, " ".join(sorted(user.connection)),
                user.suspended, now, user.id, now,
            )  # fmt: skip
        if user.handle is not None:
            _own_handle(sql, user.handle.lower(), user.id, now)


def known(sql: Sql, whos: Sequence[str]) -> tuple[KnownUser | None, ...]:
    """Return the remembered users of numeric ids, or of handles in any case, in their order.

    A handle may consist of digits alone: bare digits are an id and nothing else, or a message to
    somebody's number would reach the stranger who chose that number as a handle. With its @ it is
    the handle. What is known of a handle is as old as when it was last told whose it is.
    """
    handles = {who: who.removeprefix("@").lower() for who in whos if not USER_ID.match(who)}
    owners = {row[0]: row[1:] for row in _among(sql, HANDLES, set(handles.values()))}
    ids = {*(who for who in whos if USER_ID.match(who)), *(row[0] for row in owners.values())}
    people = {row[0]: _person(row) for row in _among(sql, PEOPLE, ids)}

    def found(who: str) -> KnownUser | None:
        if who not in handles:
            return people.get(who)
        user_id, at = owners.get(handles[who], ("", 0))
        user = people.get(user_id)
        return user and replace(user, checked_at=min(user.checked_at, from_ms(at)))

    return tuple(map(found, whos))


def standing_of(row: Row) -> Standing:
    """Return what the columns connection, suspended, can_dm and standing_at of a person say."""
    connection, suspended, can_dm, at = row
    blocked = "blocking" in connection.split()
    return Standing(blocked, bool(suspended), _truth(can_dm), moment(at))


def _own_handle(sql: Sql, handle: str, user_id: str, now: int) -> None:
    """Let a handle lead to whoever had it last, an abandoned one to nobody, and name its former
    owner by it no more."""
    sql.run(
        "DELETE FROM handle WHERE user_id = ? AND handle <> ? AND at <= ?", user_id, handle, now
    )
    sql.run(
        "UPDATE person SET handle = NULL WHERE checked_at <= ? AND lower(handle) = ?"
        " AND id IN (SELECT user_id FROM handle WHERE handle = ? AND user_id <> ? AND at <= ?)",
        now, handle, handle, user_id, now,
    )  # fmt: skip
    sql.run(
        "INSERT INTO handle (handle, user_id, at) VALUES (?, ?, ?)"
        " ON CONFLICT (handle) DO UPDATE SET user_id = excluded.user_id, at = excluded.at"
        " WHERE excluded.at >= handle.at",
        handle, user_id, now,
    )  # fmt: skip


HANDLES = "SELECT handle, user_id, at FROM handle WHERE handle"
PEOPLE = (
    "SELECT id, handle, name, can_dm, basis, connection, suspended, checked_at FROM person WHERE id"
)


def _among(sql: Sql, select: str, values: Collection[str]) -> list[Row]:
    marks = ", ".join("?" * len(values))
    return sql.all(f"{select} IN ({marks})", *sorted(values)) if values else []


def _person(row: Row) -> KnownUser:
    number, handle, name, can_dm, basis, connection, suspended, checked_at = row
    user = User(
        id=number,
        handle=handle,
        name=name,
        can_dm=_truth(can_dm),
        can_dm_basis=basis,
        connection=frozenset(connection.split()),
        suspended=bool(suspended),
    )
    return KnownUser(user, from_ms(checked_at))


def _truth(stored: int | None) -> bool | None:
    return None if stored is None else bool(stored)
