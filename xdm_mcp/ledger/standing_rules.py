"""Standing rules in the ledger: made and withdrawn by people, counted where sends are reserved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.clock import from_ms, rfc3339, to_ms
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.models.quota import WINDOW_MARGIN
from xdm_mcp.models.sends import Assurance, Target
from xdm_mcp.models.standing_rules import RULES_AT_MOST, RuleUse, StandingRule, Terms

SPAN = (timedelta(hours=24) + WINDOW_MARGIN) // timedelta(milliseconds=1)
"""The length (ms) of the window in which a rule counts, as much longer than a day as every window
is: X stamps a message later than we do."""

SELECT = (
    "SELECT id, account_id, user_id, until, per_day, max_length, solicited, links, quiet_hours,"
    " first_contact, assurance, made_by, made_at, withdrawn_by, withdrawn_at FROM standing_rule "
)


class RulesLedger(Protocol):
    """The part of the contract that is about standing rules."""

    async def add_standing_rule(
        self, account_id: str, terms: Terms, assurance: Assurance, by: str, now: datetime
    ) -> StandingRule:
        """Make a standing rule that holds from now on; only a person asks for this, no tool.

        What it let pass is counted by the transaction that reserves. Raises BadInput for terms that
        cannot be, for an assurance below `person`, and where as many rules hold as may.
        """
        ...

    async def withdraw_standing_rule(
        self, account_id: str, rule_id: str, by: str, now: datetime
    ) -> StandingRule:
        """End a standing rule at once, for sends too that it let pass and that have not left: their
        `dispatch` returns None and they fail (code `rule_ended`, `not_sent`). Raises NotFound where
        no rule of the account with that id was left to withdraw.
        """
        ...

    async def standing_rules(self, account_id: str, now: datetime) -> tuple[RuleUse, ...]:
        """Return the rules in force, oldest first, each with what it let pass in 24 hours."""
        ...


def add(
    sql: Sql, account_id: str, terms: Terms, assurance: Assurance, by: str, now: int
) -> StandingRule:
    """See RulesLedger.add_standing_rule."""
    fault = terms.fault(from_ms(now))
    if fault is not None:
        raise BadInput(fault)
    if assurance < Assurance.PERSON:
        raise BadInput("Only a person makes a standing rule, with a factor of their own.")
    if len(of_account(sql, account_id, now)) >= RULES_AT_MOST:
        raise BadInput(f"{RULES_AT_MOST} standing rules are in force; withdraw one first.")
    [[rule_id]] = sql.all(
        "INSERT INTO standing_rule (account_id, user_id, until, per_day, max_length, solicited,"
        " links, quiet_hours, first_contact, assurance, made_by, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        account_id, terms.user_id, to_ms(terms.until), terms.per_day, terms.max_length,
        int(terms.solicited), int(terms.links), int(terms.quiet_hours), int(terms.first_contact),
        int(assurance), by, now,
    )  # fmt: skip
    append(sql, now, account_id, "standing_rule_made", {
        "by": by, "rule": str(rule_id), "assurance": assurance.name.lower(), "user": terms.user_id,
        "until": rfc3339(terms.until), "per_day": terms.per_day, "max_length": terms.max_length,
        "solicited": terms.solicited, "links": terms.links, "quiet_hours": terms.quiet_hours,
        "first_contact": terms.first_contact,
    })  # fmt: skip
    return load(sql, int(rule_id))


def withdraw(sql: Sql, account_id: str, rule_id: str, by: str, now: int) -> StandingRule:
    """See RulesLedger.withdraw_standing_rule."""
    # Ids of PostgreSQL end at 2^63; what is no id of ours is not looked for.
    number = int(rule_id) if rule_id.isascii() and rule_id.isdigit() and len(rule_id) < 19 else 0
    changed = sql.run(
        "UPDATE standing_rule SET withdrawn_by = ?, withdrawn_at = ?"
        " WHERE id = ? AND account_id = ? AND withdrawn_at IS NULL",
        by, now, number, account_id,
    )  # fmt: skip
    if not changed:
        raise NotFound("No standing rule in force has that id; list them to see which have.")
    append(sql, now, account_id, "standing_rule_withdrawn", {"by": by, "rule": rule_id})
    return load(sql, number)


def of_account(sql: Sql, account_id: str, now: int) -> tuple[RuleUse, ...]:
    """See RulesLedger.standing_rules."""
    rows = sql.all(
        f"{SELECT} WHERE account_id = ? AND withdrawn_at IS NULL AND until > ? ORDER BY id",
        account_id, now,
    )  # fmt: skip
    return tuple(_use(sql, row, now) for row in rows)


def concerning(sql: Sql, account_id: str, target: Target, now: int) -> tuple[RuleUse, ...]:
    """Return the rules in force that may cover a send to `target`: none but for one person."""
    if target.conversation_id is not None or len(target.user_ids) != 1:
        return ()
    rows = sql.all(
        f"{SELECT} WHERE account_id = ? AND withdrawn_at IS NULL AND until > ?"
        " AND (user_id = ? OR user_id IS NULL) ORDER BY id",
        account_id, now, target.user_ids[0],
    )  # fmt: skip
    return tuple(_use(sql, row, now) for row in rows)


def in_force(sql: Sql, rule_id: str, now: int) -> bool:
    """Whether a rule still holds at this moment."""
    return load(sql, int(rule_id)).holds(from_ms(now))


def stamp(sql: Sql, account_id: str, slot: int) -> int:
    """Return the moment (ms) by which a send with the slot `slot` counts for the rule that let it
    pass.

    It never lies before that of an earlier send of the account, but for those that never left: a
    clock that steps back and forth again widens no day of a rule, as stamps of windows never fall.
    """
    row = sql.one(
        "SELECT slot_at FROM entry WHERE account_id = ? AND booked_day IS NOT NULL"
        " AND not_sent = 0 ORDER BY slot_at DESC LIMIT 1",
        account_id,
    )
    return slot if row is None else max(slot, int(row[0]))


def load(sql: Sql, rule_id: int) -> StandingRule:
    """Return a rule, in force or not. Raises NotFound."""
    row = sql.one(f"{SELECT} WHERE id = ?", rule_id)
    if row is None:
        raise NotFound("There is no standing rule with that id.")
    return _rule(row)


def _use(sql: Sql, row: Row, now: int) -> RuleUse:
    rule = _rule(row)
    [[used]] = sql.all(
        "SELECT count(*) FROM entry WHERE standing_rule = ? AND slot_at > ?"
        " AND state IN ('reserved', 'in_flight', 'sent', 'unknown')",
        int(rule.id), now - SPAN,
    )  # fmt: skip
    return RuleUse(rule, int(used))


def _rule(row: Row) -> StandingRule:
    number, account_id, user_id, until, per_day, length, *flags = row
    solicited, links, quiet_hours, first_contact, assurance, by, at, gone_by, gone_at = flags
    terms = Terms(
        user_id=user_id,
        until=from_ms(until),
        per_day=per_day,
        max_length=length,
        solicited=bool(solicited),
        links=bool(links),
        quiet_hours=bool(quiet_hours),
        first_contact=bool(first_contact),
    )
    return StandingRule(
        id=str(number),
        account_id=account_id,
        terms=terms,
        assurance=Assurance(assurance),
        made_by=by,
        made_at=from_ms(at),
        withdrawn_by=gone_by,
        withdrawn_at=moment(gone_at),
    )
