"""Forgetting, at the owner's word: a mark first, which holds at once and for ever, then erasing in
small batches, which any process of the account carries on."""

from __future__ import annotations

from dataclasses import replace

from xdm_mcp.ledger import mark_rows, taints
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.entries import change, find, note
from xdm_mcp.ledger.fulltext import DROPPED, EVERYTHING, UNSCRUBBED
from xdm_mcp.ledger.rows import hold_text
from xdm_mcp.ledger.settling import give_back
from xdm_mcp.ledger.snowflakes import first_at
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.models.messages import one_to_one
from xdm_mcp.models.sends import FORGOTTEN, SendState, Target


def forget(sql: Sql, account_id: str, conversation_id: str, by: str, now: int) -> int:
    """Mark a conversation, or `EVERYTHING`, as forgotten up to now, and erase what else is known of
    its words. Return how many sends that had not left it ended."""
    sql.run(
        "INSERT INTO forgotten (account_id, conversation_id, newest_id, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, conversation_id) DO UPDATE"
        " SET newest_id = excluded.newest_id, at = excluded.at",
        account_id, conversation_id, _newest(sql, account_id, now),
        max(now, forgotten_at(sql, account_id) + 1),
    )  # fmt: skip
    leave_trace(sql, account_id)
    if conversation_id == EVERYTHING:
        sql.full_text.drop_all(sql, account_id)
    ended = _erase_beside(sql, account_id, conversation_id, by, now)
    what = {"conversation": conversation_id or "all", "by": by}
    append(sql, now, account_id, "forgotten", what)
    return ended


def drop_everything(sql: Sql, account_id: str, now: int) -> None:
    """Begin to erase everything kept, for that the owner no longer keeps messages. It is no act of
    a person, drafts stay, and once all is erased messages may be kept again."""
    sql.full_text.drop_all(sql, account_id)
    sql.run(
        "INSERT INTO forgotten (account_id, conversation_id, newest_id, at) VALUES (?, ?, ?, 0)"
        " ON CONFLICT (account_id, conversation_id) DO UPDATE SET newest_id = excluded.newest_id",
        account_id, DROPPED, _newest(sql, account_id, now),
    )  # fmt: skip


def forgotten_at(sql: Sql, account_id: str) -> int:
    """Return when (ms) the owner last had something forgotten, later with each time; 0 for
    never."""
    [[at]] = sql.all("SELECT max(at) FROM forgotten WHERE account_id = ?", account_id)
    return int(at or 0)


def leave_trace(sql: Sql, account_id: str) -> None:
    """Note that files may hold a trace of what was erased just now."""
    sql.run(
        "INSERT INTO forgotten (account_id, conversation_id, newest_id, at) VALUES (?, ?, 1, 0)"
        " ON CONFLICT (account_id, conversation_id)"
        " DO UPDATE SET newest_id = forgotten.newest_id + 1",
        account_id, UNSCRUBBED,
    )  # fmt: skip


def traces(sql: Sql) -> list[Row]:
    """Return the accounts of which a trace may lie in the files, each with its number."""
    return sql.all(
        "SELECT account_id, newest_id FROM forgotten WHERE conversation_id = ?", UNSCRUBBED
    )


def end_traces(sql: Sql, gone: list[Row]) -> None:
    """Note that those traces are gone, but where something was erased meanwhile."""
    for account_id, number in gone:
        sql.run(
            "DELETE FROM forgotten WHERE account_id = ? AND conversation_id = ? AND newest_id = ?",
            account_id, UNSCRUBBED, number,
        )  # fmt: skip


def _newest(sql: Sql, account_id: str, now: int) -> int:
    """Return an id that no message there is exceeds, whatever our clock says."""
    [[kept]] = sql.all("SELECT max(id) FROM kept WHERE account_id = ?", account_id)
    [[told]] = sql.all("SELECT max(newest_id) FROM forgotten WHERE account_id = ?", account_id)
    return max(first_at(now), kept or 0, told or 0)


def _erase_beside(sql: Sql, account_id: str, conversation_id: str, by: str, now: int) -> int:
    """Erase what the ledger knows of a conversation's words beside kept messages: marks of them, a
    digest of what was sent to it elsewhere, drafts to it, the name that its person goes by.
    Whatever else comes to hold words goes here.

    Return how many sends that had not left it ended.
    """
    other = one_to_one(conversation_id, account_id)
    which = None if conversation_id == EVERYTHING else conversation_id
    mark_rows.forget(sql, account_id, which)
    taints.forget(sql, account_id, which)
    if conversation_id == EVERYTHING:
        ended = _end_drafts(sql, "account_id = ?", (account_id,), by, now)
        sql.run("UPDATE external SET match_digest = NULL WHERE account_id = ?", account_id)
        sql.run(
            "UPDATE person SET name = NULL WHERE id IN"
            " (SELECT substr(peer, 6) FROM peer WHERE account_id = ? AND peer LIKE 'user:%')",
            account_id,
        )
        return ended
    target = Target((other,)) if other else Target(conversation_id=conversation_id)
    ended = _end_drafts(sql, "account_id = ? AND peer = ?", (account_id, target.peer), by, now)
    sql.run(
        "UPDATE external SET match_digest = NULL WHERE account_id = ? AND peer = ?",
        account_id, target.peer,
    )  # fmt: skip
    if other is not None:
        sql.run("UPDATE person SET name = NULL WHERE id = ?", other)
    else:  # the send that opened the group names its people, not the group
        _blank_reasons(sql, "account_id = ? AND thread_id = ?", (account_id, conversation_id))
    return ended


def _end_drafts(sql: Sql, there: str, values: tuple[Value, ...], by: str, now: int) -> int:
    """End what waits for a person or for its slot, and return how many; of what may have been sent
    the digest is enough.

    Who lets a send leave has its text at hand, so that of one in flight goes now: erased later it
    would leave a trace behind the one that is gone over.
    """
    drafts = find(sql, f"WHERE {there} AND state IN ('held', 'approved')", *values)
    for stored in drafts:
        hold = stored.entry.hold
        note(sql, stored, now, "rejected", by=by)
        change(
            sql, stored, state=SendState.REJECTED, code="rejected", settled_at=now, retry_at=None,
            says=FORGOTTEN,
            hold=hold_text(replace(hold, rejected_by=by)) if hold else None,
        )  # fmt: skip
    reserved = find(sql, f"WHERE {there} AND state = 'reserved'", *values)
    for stored in reserved:
        give_back(sql, stored, everything=True)
        note(sql, stored, now, "failed", code="forgotten", not_sent=True, by=by)
        change(
            sql, stored, state=SendState.FAILED, code="forgotten", not_sent=1, settled_at=now,
            says="The owner had the conversation forgotten before it could leave.",
            fence=stored.entry.fence + 1,
        )  # fmt: skip
    sql.run(
        f"UPDATE entry SET text = NULL WHERE {there} AND state IN ('in_flight', 'unknown')",  # noqa: S608 - our own words
        *values,
    )
    _blank_reasons(sql, there, values)
    return len(drafts) + len(reserved)


def _blank_reasons(sql: Sql, there: str, values: tuple[Value, ...]) -> None:
    """Erase what the question about a send said of links, for that names their hosts: they are
    words of its text. By now it asks nobody any more."""
    for stored in find(sql, f"WHERE {there} AND hold LIKE '%\"links\"%'", *values):
        hold = stored.entry.hold
        if hold is not None:
            reasons = tuple(
                (rule, FORGOTTEN if rule == "links" else says) for rule, says in hold.reasons
            )
            change(sql, stored, hold=hold_text(replace(hold, reasons=reasons)))
