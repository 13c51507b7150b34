"""Rolling windows in constant time: charges are numbered, and a window is judged by the rank of one
of them.

Each charge takes the next number of its scope, and stamps never fall within a scope. So of the
charges inside a window all but the excused ones count, the first of them is found by halving, in
twenty looks among a million, and the window of N is free exactly when the N-th newest charge that
counts lies outside.
A charge that is excused keeps its number.

Windows are judged at the present moment and charges are stamped with their slot, which is never
earlier: a clock that stepped back sees the later charges still inside, so windows freeze and never
widen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.rows import Charge, charges_of
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.models.quota import WINDOW_MARGIN, Limit, ServerWindow, Window

REFUSED, NEVER_LEFT, CREDIT = 1, 2, 4
"""Why a charge may not count, as bits: X definitely refused it, no byte of it left, a reply credit
paid for it."""


def span(limit: Limit) -> int:
    """Return for how long (ms) a charge counts in the windows of `limit`: the margin included."""
    return _in_ms(limit.per, WINDOW_MARGIN)


@lru_cache(maxsize=64)
def _in_ms(per: timedelta, margin: timedelta) -> int:
    return (per + margin) // timedelta(milliseconds=1)


def windows(sql: Sql, limits: Sequence[Limit], now: int) -> tuple[Window, ...]:
    """Return how each limit stands, X's own word included where it is the stricter."""
    if not limits:
        return ()
    asked: list[Value] = []
    for limit in limits:
        since, honoured = now - span(limit), _honoured(limit)
        asked += since, since, since, honoured, honoured, now, limit.scope
    stands = {row[0]: row[1:] for row in sql.all(_probe(len(limits)), *asked)}
    return tuple(_window(sql, limit, stands.get(at), now) for at, limit in enumerate(limits))


class Due(NamedTuple):
    """What a send charges to one scope: how often, and the excuse, or 0."""

    times: int = 1
    excuse: int = 0


def charge(sql: Sql, scopes: Mapping[str, Due], at: int) -> tuple[Charge, ...]:
    """Charge each scope what is due, at the slot `at` (ms); return the charges."""
    if not scopes:
        return ()
    names = sorted(scopes)
    marks = ", ".join(["(?, ?, ?)"] * len(names))
    numbered = sql.all(
        f"INSERT INTO scope (name, seq, last_at) VALUES {marks}"  # noqa: S608 - our own marks
        " ON CONFLICT (name) DO UPDATE SET seq = scope.seq + excluded.seq, last_at ="
        " CASE WHEN excluded.last_at > scope.last_at THEN excluded.last_at ELSE scope.last_at END"
        " RETURNING name, id, seq, last_at",
        *(value for name in names for value in (name, scopes[name].times, at)),
    )
    rows = [
        (int(scope_id), number, last_at, scopes[name].excuse)
        for name, scope_id, seq, last_at in sorted(numbered)
        for number in range(int(seq) - scopes[name].times + 1, int(seq) + 1)
    ]
    sql.run(
        "INSERT INTO charge (scope_id, seq, at, excuse) VALUES "  # noqa: S608 - our own marks
        + ", ".join(["(?, ?, ?, ?)"] * len(rows)),
        *(value for row in rows for value in row),
    )
    return tuple(row[:2] for row in rows)


def excuse(sql: Sql, charges: Iterable[Charge], why: int) -> None:
    """Let charges not count for the limits that honour the reason `why`."""
    for scope_id, seq in charges:
        sql.run(
            "UPDATE charge SET excuse = excuse | ? WHERE scope_id = ? AND seq = ?",
            why, scope_id, seq,
        )  # fmt: skip


def count_again(sql: Sql, charges: Iterable[Charge]) -> None:
    """Take back what was excused after a send that X accepted after all."""
    for scope_id, seq in charges:
        sql.run(
            "UPDATE charge SET excuse = excuse & ? WHERE scope_id = ? AND seq = ?",
            CREDIT, scope_id, seq,
        )  # fmt: skip


def block(sql: Sql, account_id: str, until: int) -> None:
    """Let nothing leave the account before `until` (ms): no window of its sends has room. Reads go
    on, by X's limits and by the owner's own bound: who asks us to stop meanwhile is heard."""
    prefix = f"{account_id}/"
    _scope_id(sql, f"{account_id}/requests")  # the one that is asked, whatever the limits are
    sql.run(
        "UPDATE scope SET blocked_until = ? WHERE blocked_until < ?"
        " AND substr(name, 1, ?) = ? AND substr(name, 1, ?) NOT IN (?, ?)",
        until, until, len(prefix), prefix, len(prefix) + 6, prefix + "reads/", prefix + "inbox.",
    )  # fmt: skip


def blocked_until(sql: Sql, account_id: str) -> int:
    """Return until when (ms) nothing may leave the account, perhaps a moment in the past."""
    row = sql.one("SELECT blocked_until FROM scope WHERE name = ?", f"{account_id}/requests")
    return 0 if row is None else int(row[0])


def observe(sql: Sql, said: Iterable[ServerWindow], now: int) -> None:
    """Keep what headers said, less what sends that are still open may take of it."""
    for server in said:
        scope_id, resets_at = _scope_id(sql, server.scope), to_ms(server.resets_at)
        left = server.remaining - _on_their_way(sql, scope_id)
        for before, until in _server_said(sql, scope_id, now, server.limit):
            if resets_at < until:  # an older answer that arrives late
                left, resets_at = before, until
            elif resets_at == until:
                left = min(left, before)
        sql.run(
            "INSERT INTO server_window (scope_id, size, remaining, resets_at, seen_seq)"
            " SELECT id, ?, ?, ?, seq FROM scope WHERE id = ?"
            " ON CONFLICT (scope_id, size) DO UPDATE SET remaining = excluded.remaining,"
            " resets_at = excluded.resets_at, seen_seq = excluded.seen_seq",
            server.limit, left, resets_at, scope_id,
        )  # fmt: skip


def _window(sql: Sql, limit: Limit, scope: Row | None, now: int) -> Window:
    if scope is None:
        return Window(limit, 0, max(0, limit.limit), None, None)
    scope_id, seq, blocked_until, first, excused, newest, told = scope
    used = seq + 1 - first - excused
    window = _counted(sql, limit, used, scope_id, seq, newest, now)
    for left, until in _server_said(sql, scope_id, now) if told else ():
        window = lowered(window, left, until)
    return lowered(window, 0, blocked_until) if blocked_until > now else window


@cache
def _probe(windows: int) -> str:
    """Return the statement that asks of so many windows at once; each answers with its place."""
    return " UNION ALL ".join(PROBE.format(place=place) for place in range(windows))


PROBE = """
SELECT {place}, id, seq, blocked_until,
    (WITH RECURSIVE halved (low, high) AS (
        SELECT CAST(0 AS BIGINT), scope.seq
        UNION ALL SELECT
            CASE WHEN charge.at <= ? THEN charge.seq ELSE low END,
            CASE WHEN charge.at <= ? THEN high ELSE (low + high + 1) / 2 - 1 END
        FROM halved LEFT JOIN charge
            ON charge.scope_id = scope.id AND charge.seq = (low + high + 1) / 2
        WHERE low < high
    ) SELECT low + 1 FROM halved WHERE low = high),
    (SELECT count(*) FROM charge WHERE scope_id = scope.id AND at > ? AND excuse > 0
        AND excuse & ? <> 0),
    (SELECT at FROM charge WHERE scope_id = scope.id AND excuse & ? = 0 ORDER BY charge.seq DESC
        LIMIT 1),
    EXISTS (SELECT 1 FROM server_window WHERE scope_id = scope.id AND resets_at > ?)
FROM scope WHERE name = ?
"""
"""A whole window: the scope, the first charge inside (one past the last if there is none), how many
of those inside do not count, the newest that counts, and whether headers said something that still
holds."""


def _counted(
    sql: Sql, limit: Limit, used: int, scope_id: int, seq: int, newest: int, now: int
) -> Window:
    if used == 0:
        return Window(limit, 0, max(0, limit.limit), None, None)
    remaining = max(0, limit.limit - used)
    free_at = None if remaining else _free_at(sql, limit, scope_id, seq, now)
    return Window(limit, used, remaining, from_ms(newest + span(limit)), free_at)


def _free_at(sql: Sql, limit: Limit, scope_id: int, seq: int, now: int) -> datetime | None:
    """When the window has room again: the rank probe, asked anew until it says free, which makes it
    exact.

    A limit of zero never has room, which is None.
    """
    at = now
    while limit.limit > 0:
        since = at - span(limit)
        rank = limit.limit + _excused(sql, scope_id, since, _honoured(limit))
        row = sql.one(
            "SELECT at FROM charge WHERE scope_id = ? AND seq = ?", scope_id, seq + 1 - rank
        )
        if row is None or row[0] <= since:
            return from_ms(at)
        at = row[0] + span(limit)
    return None


def _honoured(limit: Limit) -> int:
    """Return the reasons for which a charge does not count against `limit`."""
    refused = REFUSED if limit.counts == "messages" else 0
    return NEVER_LEFT | refused | (CREDIT if limit.reply_exempt else 0)


def _excused(sql: Sql, scope_id: int, since: int, honoured: int) -> int:
    [[count]] = sql.all(
        "SELECT count(*) FROM charge"
        " WHERE scope_id = ? AND at > ? AND excuse > 0 AND excuse & ? <> 0",
        scope_id, since, honoured,
    )  # fmt: skip
    return int(count)


def lowered(window: Window, left: int, until: int) -> Window:
    """Return the window with at most `left` remaining until the moment `until` (ms): never more
    than it had."""
    left, reset = max(0, left), from_ms(until)
    never = window.limit.limit <= 0
    if never or left > window.remaining or left == window.remaining > 0:
        return window
    free_at = None if left else max(window.free_at or reset, reset)
    if free_at is not None and free_at == window.free_at:
        return window
    return replace(
        window,
        used=max(window.used, window.limit.limit - left),
        remaining=left,
        free_at=free_at,
        resets_at=max(window.resets_at or reset, reset),
        source="server",
    )


def _server_said(
    sql: Sql, scope_id: int, now: int, size: int | None = None
) -> list[tuple[int, int]]:
    """Return (left now, until) of what headers said of a scope and still holds."""
    return [
        (remaining - _reached_since(sql, scope_id, seen_seq), resets_at)
        for known, remaining, resets_at, seen_seq in sql.all(
            "SELECT size, remaining, resets_at, seen_seq FROM server_window"
            " WHERE scope_id = ? AND resets_at > ?",
            scope_id, now,
        )
        if size is None or size == known
    ]  # fmt: skip


def _reached_since(sql: Sql, scope_id: int, seq: int) -> int:
    [[count]] = sql.all(
        "SELECT count(*) FROM charge WHERE scope_id = ? AND seq > ? AND excuse & ? = 0",
        scope_id, seq, NEVER_LEFT,
    )  # fmt: skip
    return int(count)


def _on_their_way(sql: Sql, scope_id: int) -> int:
    """Count the charges of a scope whose requests an answer may not have counted yet."""
    rows = sql.all(
        "SELECT charges FROM entry WHERE settled_at IS NULL AND state IN ('reserved', 'in_flight')"
    )
    return sum(scope == scope_id for (text,) in rows for scope, _ in charges_of(text))


def _scope_id(sql: Sql, name: str) -> int:
    sql.run(
        "INSERT INTO scope (name, seq, last_at) VALUES (?, 0, 0) ON CONFLICT (name) DO NOTHING",
        name,
    )
    [[scope_id]] = sql.all("SELECT id FROM scope WHERE name = ?", name)
    return int(scope_id)
