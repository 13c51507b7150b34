"""What an agent pays to have us at hand, and to read a page, in tokens (o200k_base).

The page is twenty messages between two people over three days, as X API v2 returns them
(docs.x.com, DM events, 2026-08) and as `list_dms` answers. A host shows a model the text of the
answer or its structure, so each must hold the bar by itself.

    python benchmarks/tokens.py

Exits 1 where a bar is not held.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from rs_bpe import openai

from xdm_mcp.clock import rfc3339
from xdm_mcp.inbox.showing import message_row, person
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.results import InboxPage
from xdm_mcp.server.build import INSTRUCTIONS
from xdm_mcp.server.packing import structured
from xdm_mcp.server.prompts import templates
from xdm_mcp.server.render import text
from xdm_mcp.server.resources import RESOURCES, TEMPLATES
from xdm_mcp.server.tools import OFFERS

US = User("1234567890", "corner_shop", "Corner Shop")
THEM = User("9876543210", "theo_m", "Theo Moreau")
"""Ids of the older, short kind: with longer ones X's page grows faster than ours."""
NEWEST = datetime(2026, 10, 14, 9, 31, 42, tzinfo=UTC)
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
"""The time from which snowflake ids count."""

WORDS = (
    "Hi! Is the blue one still available?",
    "Yes, it is. Pickup or shipping?",
    "Shipping please, to Lyon. What would that cost?",
    "About 14 euros with tracking, 4 to 6 days.",
    "OK that works for me 👍",
    "Great. I can send it on Thursday if the payment is in by Wednesday evening.",
    "Do you take bank transfer?",
    "Yes, I will send you the details once you confirm the address.",
    "12 rue des Lilas, 69003 Lyon. The name on the door is Moreau.",
    "Thanks! The listing says 2024 model, is that the one with the new hinge?",
    "Good question, let me look at the serial number.",
    "It is the second half of 2024, so yes, the new hinge.",
    "Perfect.",
    "Could you also add the charger? I lost mine and they are expensive here.",
    "I have a spare one, no extra charge.",
    "You are too kind, thank you so much!!",
    "Transfer is done, you should see it tomorrow morning.",
    "Got it, thanks. Packing it tonight.",
    "Tracking number to follow.",
    "Merci beaucoup, bonne soirée !",
)

TOKENIZER = openai.o200k_base()


def count(value: object) -> int:
    """Return the tokens of a text, or of a value as compact JSON."""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(TOKENIZER.encode(value))


def messages() -> list[Message]:
    """Return the page, newest first: bursts of talk with a night or an afternoon between them."""
    page, at = [], NEWEST
    for number, words in enumerate(reversed(WORDS)):
        snowflake = (int((at - EPOCH).total_seconds() * 1000) << 22) + 4096 * number
        sender = US if number % 2 else THEM
        page.append(Message(str(snowflake), pair_id(US.id, THEM.id), sender.id, at, words))
        at -= timedelta(hours=9) if number % 5 == 4 else timedelta(minutes=3, seconds=41)
    return page


def as_x_returns(page: list[Message]) -> dict[str, Any]:
    """Return the page as the body of `GET /2/dm_conversations/…/dm_events` with these fields."""
    return {
        "data": [
            {
                "id": message.id,
                "event_type": "MessageCreate",
                "text": message.text,
                "created_at": message.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "dm_conversation_id": message.conversation_id,
                "sender_id": message.sender_id,
            }
            for message in page
        ],
        "includes": {
            "users": [{"id": u.id, "name": u.name, "username": u.handle} for u in (THEM, US)]
        },
        "meta": {"result_count": len(page), "next_token": "18LAA5FFPEKJA52G0G00ZZZZ"},
    }


def as_we_answer(page: list[Message]) -> InboxPage:
    """Return the page as the inbox gives it to the server: not the last one, so without notes."""
    return InboxPage(
        account_id=US.id,
        conversation_id=page[0].conversation_id,
        people=[person(THEM)],
        messages=[message_row(message, with_conversation=False) for message in page],
        next_cursor="c1.18LAA5FFPEKJA52G0G00ZZZZ",
        coverage="legacy_unencrypted_only",
        as_of=rfc3339(NEWEST + timedelta(minutes=2)),
    )


def listing(*, with_output: bool) -> list[dict[str, Any]]:
    """Return what `tools/list` tells a model: names, descriptions and schemas."""
    kept = {"name", "description", "input_schema"} | ({"output_schema"} if with_output else set())
    return [
        offer.listed.model_dump(mode="json", by_alias=True, exclude_none=True, include=kept)
        for offer in OFFERS.values()
    ]


def everything() -> list[dict[str, Any]]:
    """Return all that a host may show a model before its first call: tools with their output
    schemas, prompts, resources and their templates."""
    prompts = [template.listed() for template in templates().values()]
    others = [
        one.model_dump(mode="json", by_alias=True, exclude_none=True)
        for one in (*prompts, *RESOURCES, *TEMPLATES)
    ]
    return [*listing(with_output=True), *others]


def main() -> int:
    """Print every figure beside its bar; return 1 where one is above it."""
    page = messages()
    raw, ours = count(as_x_returns(page)), as_we_answer(page)
    figures = [
        ("tools: names, descriptions, input schemas", count(listing(with_output=False)), 1_300),
        ("tools: with output schemas", count(listing(with_output=True)), 3_000),
        ("tools, prompts, resources and templates", count(everything()), 3_000),
        ("server instructions", count(INSTRUCTIONS), 120),
        ("20 messages as text", count(text(ours)), int(raw * 0.45)),
        ("20 messages as structure", count(structured(ours)), int(raw * 0.45)),
    ]
    print(f"20 messages as X returns them: {raw} tokens")
    for name, tokens, bar in figures:
        share = f"{tokens / raw:>7.0%}" if "messages" in name else ""
        print(f"{name:<44}{tokens:>7} of {bar:>6}{share}{'' if tokens <= bar else '  ABOVE'}")
    return int(any(tokens > bar for _, tokens, bar in figures))


if __name__ == "__main__":
    sys.exit(main())
