"""Held sends made by hand, and their views, for tests that need no ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from xdm_mcp.approvals.view import HeldView, view_of
from xdm_mcp.models.messages import Message
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import (
    Assurance,
    Attachment,
    Draft,
    Entry,
    Hold,
    SendState,
    Target,
    approval_digest,
)
from xdm_mcp.models.verdicts import Facts, PeerFacts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ME, AMARA = "1000", "2000"
"""The account, and the one it writes to."""

REASONS = (("first_contact", "The recipient never wrote to you."), ("links", "It has a link."))


def held_entry(
    text: str,
    target: Target | None = None,
    image: Attachment | None = None,
    least: Assurance = Assurance.PERSON,
    handle: str | None = "amara",
) -> Entry:
    """Return a held send of `text`, by default to one person."""
    draft = Draft(
        account_id=ME,
        backend="x-api-v2",
        origin="https://api.x.com",
        target=target or Target(user_ids=(AMARA,)),
        text=text,
        cost=15_000,
        attachment=image,
        handle=handle,
    )
    expires_at = NOW + timedelta(minutes=15)
    hold = Hold(
        approval_id="4f1c" * 8,
        digest=approval_digest(draft, "nonce", expires_at, REASONS),
        reasons=REASONS,
        least=least,
        expires_at=expires_at,
        nonce="nonce",
    )
    return Entry(
        id=1,
        draft_key=draft.key,
        request=draft.request,
        account_id=draft.account_id,
        backend=draft.backend,
        origin=draft.origin,
        target=draft.target,
        handle=draft.handle,
        text=text,
        content=draft.content,
        match="m",
        attachment=image,
        cost=draft.cost,
        state=SendState.HELD,
        created_at=NOW,
        fence=0,
        hold=hold,
    )


def seen(
    entry: Entry,
    *,
    last_inbound_at: datetime | None = None,
    said: Sequence[Message] = (),
    **changes: Any,
) -> HeldView:
    """Return the view of an entry, of which these fields were changed after it was held."""
    entry = replace(entry, **changes)
    window = Window(Limit(f"{ME}/messages", 500, timedelta(days=1)), 1, 499, None, None)
    facts = Facts(
        account_id=entry.account_id,
        peers=(PeerFacts(f"user:{AMARA}", AMARA, last_inbound_at=last_inbound_at),),
        windows=(window,),
    )
    return view_of(entry, facts, {ME: "me"}, said, NOW)


def view(text: str, target: Target | None = None, image: Attachment | None = None) -> HeldView:
    """Return the view of a held send of `text`."""
    return seen(held_entry(text, target, image))
