"""Learning from messages that were read: who wrote last, who asked us to stop, what proves an open
send, what was sent elsewhere. Text is stored only where the owner keeps messages, else marks of it
alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from xdm_mcp.clock import to_ms
from xdm_mcp.digests import match_digest, without_picture
from xdm_mcp.ledger import kept_rows
from xdm_mcp.ledger.elsewhere import is_elsewhere, sent_elsewhere
from xdm_mcp.ledger.entries import find
from xdm_mcp.ledger.marks import mark
from xdm_mcp.ledger.peers import ON_ITS_WAY, load_peer, newer, opt_out, save_peer
from xdm_mcp.ledger.rows import Stored
from xdm_mcp.ledger.settling import FOUND, prove
from xdm_mcp.ledger.snowflakes import time_of
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.messages import Message, one_to_one
from xdm_mcp.models.sends import Receipt, SendState, Target

OptedOut = Callable[[str], bool]
"""Whether a text asks us to stop."""

TOLERANCE = 60_000
"""How far (ms) X's clock and ours may differ where a message is matched with an attempt."""


def record(
    sql: Sql,
    account_id: str,
    messages: Sequence[Message],
    opted_out: OptedOut,
    now: int,
    *,
    marked_for: timedelta,
    keep: int | None = None,
) -> int:
    """See Ledger.record; `keep` in ms."""
    if keep is not None:
        kept_rows.keep(sql, account_id, messages, now - keep)
    said = [message for message in messages if message.kind == "message" and message.sender_id]
    said.sort(key=lambda message: int(message.id))
    news = sum(_learn(sql, account_id, message, opted_out, now) for message in said)
    mark(sql, account_id, said, marked_for, now)
    return news


def _learn(sql: Sql, account_id: str, message: Message, opted_out: OptedOut, now: int) -> bool:
    other = one_to_one(message.conversation_id, account_id)
    key = Target((other,)).peer if other else Target(conversation_id=message.conversation_id).peer
    if message.sender_id == account_id:
        news = _own(sql, account_id, key, message, now)
    else:
        news = _inbound(sql, account_id, key, message, opted_out, now, other)
    thread = load_peer(sql, account_id, key)
    if newer(message.id, thread.newest_id):
        save_peer(sql, replace(thread, newest_id=message.id))
    return news


def _inbound(
    sql: Sql,
    account_id: str,
    key: str,
    message: Message,
    opted_out: OptedOut,
    now: int,
    partner: str | None,
) -> bool:
    """`partner` is who the conversation is with, where it is with one person."""
    at = min(to_ms(message.created_at), now)
    if message.sender_id and message.text is not None and opted_out(message.text):
        # In a group too it is this one person who asked.
        opt_out(sql, account_id, message.sender_id, message.id, at)
    if partner not in {None, message.sender_id}:
        return False  # whoever it is, it is not the partner who wrote to us
    thread = load_peer(sql, account_id, key)
    if not newer(message.id, thread.inbound_id):
        return False
    save_peer(sql, replace(thread, inbound_id=message.id, inbound_at=at))
    return True


def _own(sql: Sql, account_id: str, key: str, message: Message, now: int) -> bool:
    if _is_known(sql, account_id, message.id):
        return False
    for stored in _candidates(sql, account_id, key, message):
        if proves(message, stored):
            receipt = Receipt(message.id, message.conversation_id)
            says = "X accepted it: the message was found in the conversation."
            prove(sql, stored, receipt, now, code=FOUND, says=says)
            return True
    match = _digests(message)[-1]
    sent_elsewhere(sql, account_id, key, message.id, match, sent_at(message), now)
    return True


def proves(message: Message, stored: Stored) -> bool:
    """Whether an own message with the words of a send is that very send, by its id and its time.

    The same words typed long after the attempt are not it, whatever is known of that, nor are they
    without the picture that they were to go with. A refused send that exists after all was wrongly
    called refused.
    """
    entry, at = stored.entry, sent_at(message)
    since = to_ms(entry.dispatched_at) if entry.dispatched_at else stored.turn
    until = since + ON_ITS_WAY
    if entry.state is SendState.FAILED and entry.settled_at is not None:
        until = min(until, to_ms(entry.settled_at))
    in_time = since - TOLERANCE <= at <= until + TOLERANCE
    whole = entry.attachment is None or message.has_attachment
    return in_time and whole and newer(message.id, stored.high_water) and not entry.not_sent


def sent_at(message: Message) -> int:
    """Return when (ms) X accepted a message: its id says so, and knows it better than a date to the
    second."""
    at = time_of(int(message.id))
    return to_ms(message.created_at) if at is None else at


def _is_known(sql: Sql, account_id: str, message_id: str) -> bool:
    own = sql.one(
        "SELECT 1 FROM entry WHERE account_id = ? AND message_id = ?", account_id, message_id
    )
    return own is not None or is_elsewhere(sql, account_id, message_id)


def _candidates(sql: Sql, account_id: str, key: str, message: Message) -> list[Stored]:
    """Return the sends of these words to this recipient that nothing proves yet, the oldest first,
    but those that X refused last."""
    members = tuple(user_id for user_id in message.participant_ids if user_id != account_id)
    # A group that we opened had no id when its entry was written.
    keys = [key, Target(members).peer] if len(members) > 1 else [key]
    whole, words = _digests(message)
    return [
        stored
        for peer in keys
        for digest in dict.fromkeys((whole, words))
        for stored in find(
            sql,
            "WHERE account_id = ? AND peer = ? AND match_digest = ? AND message_id IS NULL"
            " AND state IN ('reserved', 'in_flight', 'unknown', 'failed', 'sent')"
            " ORDER BY CASE state WHEN 'failed' THEN 1 ELSE 0 END, slot_at",
            account_id, peer, digest,
        )
        if digest == whole or stored.entry.attachment is not None
    ]  # fmt: skip


def _digests(message: Message) -> tuple[str, str]:
    """Return the digest of a message's text, and that of its words without X's link to a
    picture."""
    text = message.text or ""
    whole = match_digest(text)
    return whole, match_digest(without_picture(text)) if message.has_attachment else whole
