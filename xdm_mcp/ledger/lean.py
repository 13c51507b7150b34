"""The table of sends as it lies since its writes were counted: each index is one more page to write
and to sync with every send, so there are no more of them than look-ups need.

An id that most sends never have is in a partial index, which a row without it does not touch. What
is open, for whatever reason, is in one small index, which a send leaves when it is settled. One
index by slot answers for the newest send and for the latest attempts, and carries no row that never
took a slot. The first charge inside a window is found by halving, since numbers and stamps of a
scope rise together, so charges need no index by time.
"""

from __future__ import annotations

from xdm_mcp.ledger.sql import Sql

ENTRY = """
CREATE TABLE entry_lean (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    draft_key TEXT NOT NULL,
    request TEXT NOT NULL,
    backend TEXT NOT NULL,
    origin TEXT NOT NULL,
    peer TEXT NOT NULL,
    user_ids TEXT NOT NULL,
    conversation_id TEXT,
    handle TEXT,
    text TEXT,
    content_digest TEXT NOT NULL,
    match_digest TEXT NOT NULL,
    similar_digest TEXT NOT NULL,
    attachment TEXT,
    cost INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'approved', 'reserved', 'in_flight', 'sent',
        'failed', 'unknown', 'rejected', 'expired')),
    created_at INTEGER NOT NULL,
    slot_at INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    approval_id TEXT,
    hold TEXT,
    not_before INTEGER,
    dispatched_at INTEGER,
    settled_at INTEGER,
    message_id TEXT,
    thread_id TEXT,
    code TEXT,
    says TEXT,
    retry_at INTEGER,
    reads INTEGER NOT NULL DEFAULT 0,
    next_read_at INTEGER,
    owner TEXT,
    lapses_at INTEGER,
    high_water TEXT,
    charges TEXT NOT NULL DEFAULT '',
    first_contact INTEGER NOT NULL,
    automatic INTEGER NOT NULL,
    not_sent INTEGER NOT NULL DEFAULT 0,
    booked_day INTEGER,
    standing_rule INTEGER REFERENCES standing_rule (id)
) STRICT
"""

INDEXES = (
    "CREATE UNIQUE INDEX entry_key ON entry (account_id, draft_key)",
    """CREATE UNIQUE INDEX entry_approval ON entry (approval_id)
        WHERE approval_id IS NOT NULL""",
    """CREATE UNIQUE INDEX entry_message ON entry (account_id, message_id)
        WHERE message_id IS NOT NULL""",
    "CREATE INDEX entry_similar ON entry (account_id, similar_digest, slot_at)",
    "CREATE INDEX entry_peer ON entry (account_id, peer, slot_at, match_digest)",
    """CREATE INDEX entry_slot ON entry (account_id, slot_at)
        WHERE booked_day IS NOT NULL""",
    """CREATE INDEX entry_open ON entry (state, lapses_at, account_id, match_digest)
        WHERE settled_at IS NULL""",
    "CREATE INDEX entry_unread ON entry (next_read_at) WHERE next_read_at IS NOT NULL",
    """CREATE INDEX entry_standing_rule ON entry (standing_rule, slot_at)
        WHERE standing_rule IS NOT NULL""",
)


def slim(sql: Sql) -> None:
    """Make the table of sends anew, with its rows and with these indexes alone; a constraint that
    came with a table goes only with it."""
    sql.run(ENTRY)
    sql.run("INSERT INTO entry_lean SELECT * FROM entry")
    sql.run("DROP TABLE entry")
    sql.run("ALTER TABLE entry_lean RENAME TO entry")
    for statement in INDEXES:
        sql.run(statement)
    sql.run("DROP INDEX charge_at")
