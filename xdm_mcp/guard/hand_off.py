"""What is refused over the API and may still be sent by the owner's own hand, in X itself."""

from __future__ import annotations

from urllib.parse import quote

from xdm_mcp.models.sends import Draft

COMPOSE = "https://x.com/messages/compose"
"""X's page that opens a message already written (X's web intents for messages, 2026-08)."""

LONGEST = 4_000
"""Longest address in characters: beyond it browsers and chats begin to cut, and text must be
whole."""


def compose_url(draft: Draft) -> str | None:
    """Return the address at which the owner finds exactly this text addressed to exactly this
    person.

    None for groups, for images, which an address cannot carry, for recipients nobody looked up,
    and for texts that make the address longer than `LONGEST`.
    """
    target = draft.target
    alone = target.conversation_id is None and len(target.user_ids) == 1
    if not alone or draft.attachment is not None or int(target.user_ids[0]) == 0:
        return None
    text = quote(draft.text, safe="")
    url = f"{COMPOSE}?recipient_id={target.user_ids[0]}&text={text}"
    return url if len(url) <= LONGEST else None
