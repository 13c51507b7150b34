"""The schema of the embedded ledger, one numbered step after another, forward only."""

from __future__ import annotations

from collections.abc import Callable

from xdm_mcp.digests import canonical
from xdm_mcp.ledger import asking, factors, kept_rows, mark_rows, taints
from xdm_mcp.ledger.audit import seal
from xdm_mcp.ledger.lean import slim
from xdm_mcp.ledger.polling import TABLES as POLLING
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.audit import FIRST

APPLICATION_ID = 0x78646D31
"""Marks a file as ours: `xdm1` in ASCII."""


def migrate(sql: Sql, version: int) -> None:
    """Bring the schema from `version` (0 for an empty file) up to date, within the transaction of
    `sql`."""
    if version == len(MIGRATIONS):
        return
    for step in MIGRATIONS[version:]:
        step(sql)
    sql.run(f"PRAGMA application_id = {APPLICATION_ID}")
    sql.run(f"PRAGMA user_version = {len(MIGRATIONS)}")


def m001_first(sql: Sql) -> None:
    """Make every table. Times are ms since 1970, ids of X decimal text, money micro-dollars."""
    for statement in (ENTRY, *ENTRY_INDEXES, *WINDOWS, *PEOPLE, *BOOKS):
        sql.run(statement)


def m002_audit(sql: Sql) -> None:
    """Make the audit chain; the notes of persons' acts that were kept so far are its beginning."""
    sql.run(AUDIT)
    acts = sql.all(
        "SELECT act.at, entry.account_id, act.entry_id, act.actor, act.deed FROM act"
        " JOIN entry ON entry.id = act.entry_id ORDER BY act.id"
    )
    before = FIRST
    for seq, (at, account_id, entry_id, actor, deed) in enumerate(acts, 1):
        what = canonical({"by": actor, "deed": deed}).decode()
        told = (seq, at, account_id, entry_id, "act", what, before)
        before = seal(*told)
        sql.run("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *told, before)
    sql.run("DROP TABLE act")


def m003_factors(sql: Sql) -> None:
    """Make the tables of an owner's factors: the PIN's verifier, passkeys, open ceremonies."""
    for statement in FACTORS:
        sql.run(statement)


def m004_standing_rules(sql: Sql) -> None:
    """Make the rules that people made beforehand, and let a send name the one that let it pass."""
    for statement in STANDING_RULES:
        sql.run(statement)


def m005_fewer_indexes(sql: Sql) -> None:
    """Each index is one more page to write with every send: keep those that a look-up needs."""
    for name in ("entry_request", "entry_open", "entry_match"):
        sql.run(f"DROP INDEX {name}")
    sql.run("CREATE INDEX entry_match ON entry (account_id, peer, match_digest, slot_at)")


def m006_lean_writes(sql: Sql) -> None:
    """Write few pages with a send: see `ledger/lean.py`."""
    slim(sql)


def m007_kept(sql: Sql) -> None:
    """Make the tables of messages that the owner keeps, and of what was forgotten."""
    kept_rows.make(sql)


def m008_polling(sql: Sql) -> None:
    """Make the tables through which processes share one poller of an inbox."""
    for statement in POLLING:
        sql.run(statement)


def m009_marks(sql: Sql) -> None:
    """Make the marks of what was read, with a key of their own, and what was shown to agents."""
    for statement in (*mark_rows.TABLES, *taints.TABLES):
        sql.run(statement)


def m010_asking(sql: Sql) -> None:
    """Make the table of the keys under which questions travel through clients."""
    for statement in asking.TABLES:
        sql.run(statement)


def m011_given(sql: Sql) -> None:
    """Make the table of the very messages that agents were given."""
    sql.run(taints.GIVEN)


def m012_wrong_pins(sql: Sql) -> None:
    """Let wrong PINs be found behind any number of other records."""
    sql.run(factors.WRONG_PINS)


def m013_typed_words(sql: Sql) -> None:
    """Know what was sent elsewhere by a digest of its words."""
    sql.run("ALTER TABLE external ADD COLUMN match_digest TEXT")


MIGRATIONS: tuple[Callable[[Sql], None], ...] = (
    m001_first,
    m002_audit,
    m003_factors,
    m004_standing_rules,
    m005_fewer_indexes,
    m006_lean_writes,
    m007_kept,
    m008_polling,
    m009_marks,
    m010_asking,
    m011_given,
    m012_wrong_pins,
    m013_typed_words,
)
"""Every step there is; the number of a ledger's version is how many of them it has seen."""

ENTRY = """
CREATE TABLE entry (
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
    approval_id TEXT UNIQUE,
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
    UNIQUE (account_id, draft_key),
    UNIQUE (account_id, message_id)
) STRICT
"""

ENTRY_INDEXES = (
    "CREATE INDEX entry_request ON entry (request, slot_at)",
    "CREATE INDEX entry_similar ON entry (account_id, similar_digest, slot_at)",
    "CREATE INDEX entry_peer ON entry (account_id, peer, slot_at)",
    """CREATE INDEX entry_slot ON entry (account_id, slot_at)
        WHERE state IN ('reserved', 'in_flight', 'sent', 'unknown')""",
    "CREATE INDEX entry_match ON entry (account_id, peer, match_digest)",
    """CREATE INDEX entry_attempt ON entry (account_id, dispatched_at)
        WHERE dispatched_at IS NOT NULL""",
    "CREATE INDEX entry_open ON entry (account_id) WHERE state IN ('reserved', 'in_flight')",
    """CREATE INDEX entry_waiting ON entry (state, account_id)
        WHERE state IN ('held', 'approved')""",
    "CREATE INDEX entry_unread ON entry (next_read_at) WHERE next_read_at IS NOT NULL",
    "CREATE INDEX entry_lapses ON entry (lapses_at) WHERE lapses_at IS NOT NULL",
)

WINDOWS = (
    """CREATE TABLE scope (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        blocked_until INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE charge (
        scope_id INTEGER NOT NULL REFERENCES scope (id),
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        excuse INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (scope_id, seq)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX charge_at ON charge (scope_id, at, seq)",
    "CREATE INDEX charge_excused ON charge (scope_id, at, excuse) WHERE excuse > 0",
    """CREATE TABLE server_window (
        scope_id INTEGER NOT NULL REFERENCES scope (id),
        size INTEGER NOT NULL,
        remaining INTEGER NOT NULL,
        resets_at INTEGER NOT NULL,
        seen_seq INTEGER NOT NULL,
        PRIMARY KEY (scope_id, size)
    ) STRICT, WITHOUT ROWID""",
)

PEOPLE = (
    """CREATE TABLE peer (
        account_id TEXT NOT NULL,
        peer TEXT NOT NULL,
        inbound_id TEXT,
        inbound_at INTEGER,
        newest_id TEXT,
        opted_out_id TEXT,
        opted_out_at INTEGER,
        cleared_id TEXT,
        closed_at INTEGER,
        closed_until INTEGER,
        closed_code TEXT,
        PRIMARY KEY (account_id, peer)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX peer_inbound ON peer (account_id, inbound_at)",
    """CREATE TABLE external (
        account_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        peer TEXT NOT NULL,
        at INTEGER NOT NULL,
        charges TEXT NOT NULL,
        PRIMARY KEY (account_id, message_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX external_peer ON external (account_id, peer, at)",
    """CREATE TABLE person (
        id TEXT PRIMARY KEY,
        handle TEXT,
        name TEXT,
        can_dm INTEGER,
        basis TEXT NOT NULL,
        connection TEXT NOT NULL,
        suspended INTEGER NOT NULL,
        standing_at INTEGER,
        checked_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE handle (
        handle TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX handle_user ON handle (user_id)",
)

BOOKS = (
    """CREATE TABLE daily (
        account_id TEXT NOT NULL,
        day INTEGER NOT NULL,
        spent INTEGER NOT NULL,
        automatic INTEGER NOT NULL,
        PRIMARY KEY (account_id, day)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE booking (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        day INTEGER NOT NULL,
        cost INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE halt (
        account_id TEXT NOT NULL,
        code TEXT NOT NULL,
        says TEXT NOT NULL,
        since INTEGER NOT NULL,
        scope TEXT NOT NULL,
        until INTEGER,
        PRIMARY KEY (account_id, code)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE act (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        entry_id INTEGER NOT NULL REFERENCES entry (id),
        actor TEXT NOT NULL,
        deed TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX act_entry ON act (entry_id)",
)

AUDIT = """
CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    entry_id INTEGER,
    event TEXT NOT NULL,
    what TEXT NOT NULL,
    before TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT
"""

FACTORS = (
    """CREATE TABLE pin (
        owner TEXT PRIMARY KEY CHECK (owner = 'owner'),
        verifier TEXT NOT NULL,
        set_at INTEGER NOT NULL,
        wrong INTEGER NOT NULL,
        locked_until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE passkey (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        public_key TEXT NOT NULL,
        sign_count INTEGER NOT NULL,
        added_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE ceremony (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('add', 'use')),
        about TEXT NOT NULL,
        origin TEXT NOT NULL,
        nonce TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

STANDING_RULES = (
    """CREATE TABLE standing_rule (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        user_id TEXT,
        until INTEGER NOT NULL,
        per_day INTEGER NOT NULL,
        max_length INTEGER NOT NULL,
        solicited INTEGER NOT NULL,
        links INTEGER NOT NULL,
        quiet_hours INTEGER NOT NULL,
        first_contact INTEGER NOT NULL,
        assurance INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at INTEGER
    ) STRICT""",
    """CREATE INDEX standing_rule_in_force ON standing_rule (account_id, user_id)
        WHERE withdrawn_at IS NULL""",
    "ALTER TABLE entry ADD COLUMN standing_rule INTEGER REFERENCES standing_rule (id)",
    """CREATE INDEX entry_standing_rule ON entry (standing_rule, slot_at)
        WHERE standing_rule IS NOT NULL""",
)
