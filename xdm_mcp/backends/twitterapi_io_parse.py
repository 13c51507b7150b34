"""From twitterapi.io's objects to our values: pure functions (agent skill of the service, 2026-04).

It says what went wrong in a body with `"status": "error"` under HTTP 200, so a success is only what
says so. The account that cookies belong to is told by the cookies alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import unquote

from pydantic import SecretStr

from xdm_mcp.backends.loose import id_in, items_in, moment_in, pick, text_in, truth_in, users_in
from xdm_mcp.backends.strict_json import parse
from xdm_mcp.backends.vendor_outcomes import said_no
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.quota import MICRO
from xdm_mcp.models.sends import Receipt

CREDIT = MICRO // 100_000
"""Micro-dollars in one credit: 100,000 credits are one US dollar (pricing page, 2026-04)."""

RELATIONS: Mapping[str, str] = {"following": "following", "followed_by": "followed_by"}

_TWID = re.compile(r"u=([0-9]{1,19})\Z")


def account_in(cookies: SecretStr) -> str | None:
    """Return the id of the account that log-in cookies belong to, None where they tell none.

    They are a JSON object in base64; X's own cookie `twid` is `u=` and the id, perhaps quoted.
    """
    coded = cookies.get_secret_value()
    try:
        jar = parse(base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_"))
    except (binascii.Error, ValueError):
        return None
    twid = _TWID.match(unquote(text_in(jar, "twid") or "").strip('"'))
    return twid[1] if twid else None


def confirmed(content: object) -> bool:
    """Whether a body says `"status": "success"` and nothing against it."""
    return isinstance(content, dict) and content.get("status") == "success" and not said_no(content)


def declined(content: object) -> bool:
    """Whether a body plainly says `"status": "error"`, which the service does under HTTP 200."""
    return isinstance(content, dict) and content.get("status") == "error"


def receipt_in(content: object) -> Receipt | None:
    """Return the proof that a send was accepted: success, and the id of a message."""
    message_id = id_in(content, "message_id") if confirmed(content) else None
    return Receipt(message_id) if message_id else None


def history_in(content: object, account_id: str, user_id: str) -> tuple[Message, ...] | None:
    """Return the messages between the account and a user, newest first; None where there is no
    list, or where all of it is unusable or between other people."""
    if not confirmed(content) or not isinstance(pick(content, "messages"), list):
        return None
    items = items_in(content, "messages")
    messages = {m.id: m for m in (message_in(each, account_id, user_id) for each in items) if m}
    if items and not messages:
        return None
    return tuple(sorted(messages.values(), key=lambda m: int(m.id), reverse=True))


def message_in(item: object, account_id: str, user_id: str) -> Message | None:
    """Return the message that an object tells of; None without an id or between other people."""
    message_id, sender = id_in(item, "id"), id_in(item, "sender_id")
    ends = {sender, id_in(item, "recipient_id")} - {None}
    if message_id is None or not ends <= {account_id, user_id}:
        return None
    return Message(
        id=message_id,
        conversation_id=pair_id(account_id, user_id),
        sender_id=sender,
        created_at=moment_in(item, message_id, "time", "createdAt"),
        text=text_in(item, "text"),
        has_attachment=bool(pick(item, "media")),
    )


def profiles_in(content: object) -> tuple[User, ...] | None:
    """Return the users of a look-up of one or of several; None where it does not say so."""
    if not confirmed(content):
        return None
    one, several = pick(content, "data"), pick(content, "users")
    if isinstance(one, dict):
        return users_in([one])
    return users_in(several) if isinstance(several, list) else None


def relation_in(content: object) -> frozenset[str] | None:
    """Return how two people stand to each other in X's words, None where nothing is told."""
    told = pick(content, "data")
    known = {word: truth_in(told, name) for name, word in RELATIONS.items()}
    if not confirmed(content) or all(value is None for value in known.values()):
        return None
    return frozenset(word for word, so in known.items() if so)


def balance_in(content: object) -> int | None:
    """Return what is left in micro-dollars: bought credits and given ones; None for neither."""
    if said_no(content):
        return None
    parts = [pick(content, "recharge_credits"), pick(content, "total_bonus_credits")]
    known = [part for part in parts if isinstance(part, int) and not isinstance(part, bool)]
    return sum(known) * CREDIT if known and abs(sum(known)) < 10**15 else None
