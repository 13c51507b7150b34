"""How a held send is drawn on a terminal, and written as JSON: every word of it, never cut."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from xdm_mcp.approvals.view import HeldView, Recipient, Said
from xdm_mcp.cli.paint import gutter, room_of, show
from xdm_mcp.clock import moment, rfc3339, span
from xdm_mcp.models.people import full_name
from xdm_mcp.models.quota import usd
from xdm_mcp.models.sends import SendState
from xdm_mcp.spelling import Piece, exact

if TYPE_CHECKING:
    from rich.console import Console


def as_json(view: HeldView) -> dict[str, object]:
    """Return the view as plain values, every field always there."""
    image = view.attachment
    return {
        "approval_id": view.approval_id,
        "state": view.state.value,
        "account_id": view.account_id,
        "account_handle": view.account_handle,
        "backend": view.backend,
        "origin": view.origin,
        "recipients": [_recipient_json(recipient) for recipient in view.recipients],
        "conversation_id": view.conversation_id,
        "text": exact(view.pieces),
        "text_visible": _shown(view.pieces),
        "links": [{"url": link.url, "host": link.host} for link in view.links],
        "attachment": None
        if image is None
        else {"name": image.name, "sha256": image.sha256, "size": image.size},
        "reasons": [{"rule": rule, "says": says} for rule, says in view.reasons],
        "least_assurance": view.least.name.lower(),
        "cost_usd": usd(view.cost),
        "last_messages": [_said_json(said) for said in view.last_messages],
        "carried": [
            {"conversation_id": piece.conversation_id, **_said_json(piece.said)}
            for piece in view.carried
        ],
        "created_at": rfc3339(view.created_at),
        "expires_at": rfc3339(view.expires_at),
        "retry_at": rfc3339(view.retry_at) if view.retry_at else None,
        "digest": view.digest,
        "intact": view.digest is not None,
    }


def draw(console: Console, view: HeldView) -> None:
    """Print the whole view."""
    from rich.text import Text

    console.print(Text(f"{view.state.value.upper()} {view.approval_id}", style="bold yellow"))
    show(console, "from", full_name(view.account_handle, view.account_id))
    show(console, "over", f"{view.backend} at {view.origin}")
    _draw_recipients(console, view)
    _draw_talk(console, view)
    _draw_text(console, view)
    for number, (rule, says) in enumerate(view.reasons):
        show(console, "" if number else "held by", f"{rule}: {says}")
    _draw_carried(console, view)
    show(console, "needs", f"an approval of the kind `{view.least.name.lower()}` or surer")
    show(console, "cost", f"{usd(view.cost)} USD")
    for number, window in enumerate(view.windows):
        left = f"{window.limit.name}: {window.remaining} of {window.limit.limit}"
        show(console, "" if number else "quota left", left)
    show(console, "expires", _expiry(view))
    _draw_end(console, view)


def _draw_end(console: Console, view: HeldView) -> None:
    if view.digest is None:
        show(console, "digest", "none")
        altered = "This row was altered after it was held. It cannot be approved; reject it."
        show(console, "WARNING", altered, "bold red")
        return
    show(console, "digest", view.digest)
    if view.state is SendState.HELD:
        show(console, "approve", f"xdm-mcp approvals approve {view.approval_id}")
        show(console, "reject", f"xdm-mcp approvals reject {view.approval_id}")


def _draw_recipients(console: Console, view: HeldView) -> None:
    if view.conversation_id is not None:
        show(console, "to", f"the group conversation {view.conversation_id}", "bold")
        show(console, "", _acquaintance(view.conversation_last_wrote_at, view.now))
    elif view.form == "new_group":
        show(console, "to", f"a new group of {len(view.recipients)} people", "bold")
    for recipient in view.recipients:
        label = "to" if view.form == "person" else ""
        show(console, label, full_name(recipient.handle, recipient.user_id), "bold")
        show(console, "", _acquaintance(recipient.last_wrote_at, view.now))


def _draw_talk(console: Console, view: HeldView) -> None:
    for number, said in enumerate(view.last_messages):
        who = "you" if said.ours else "they"
        head = f"{who}, {span(view.now - said.at)} ago:"
        show(console, "" if number else "before", head, "dim")
        for line in gutter(exact(said.pieces), room_of(console)):
            console.print(line)


def _draw_carried(console: Console, view: HeldView) -> None:
    for piece in view.carried:
        who = "you" if piece.said.ours else "they"
        ago = span(view.now - piece.said.at)
        head = f"{who} in the conversation {piece.conversation_id}, {ago} ago:"
        show(console, "carries of", head, "yellow")
        for line in gutter(exact(piece.said.pieces), room_of(console)):
            console.print(line)


def _draw_text(console: Console, view: HeldView) -> None:
    show(console, "text", f"{view.characters} characters, exactly as they would be sent:")
    for line in gutter(exact(view.pieces), room_of(console)):
        console.print(line)
    for number, link in enumerate(view.links):
        show(console, "" if number else "links", f"{link.url} leads to {link.host}", "yellow")
    image = view.attachment
    if image is not None:
        shown = f"{image.name}, {image.media_type}, {image.size} bytes"
        show(console, "attachment", f"{shown}, sha256 {image.sha256}")


def _acquaintance(last_wrote_at: datetime | None, now: datetime) -> str:
    if last_wrote_at is None:
        return "first contact: as far as we know they never wrote to this account"
    return f"last wrote to this account {span(now - last_wrote_at)} ago ({moment(last_wrote_at)})"


def _expiry(view: HeldView) -> str:
    at = view.expires_at
    if view.expired:
        return f"expired {span(view.now - at)} ago ({moment(at)})"
    return f"in {span(at - view.now)} ({moment(at)})"


def _shown(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.shown for piece in pieces)


def _recipient_json(recipient: Recipient) -> dict[str, object]:
    last = recipient.last_wrote_at
    return {
        "user_id": recipient.user_id,
        "handle": recipient.handle,
        "first_contact": recipient.first_contact,
        "last_wrote_at": rfc3339(last) if last else None,
    }


def _said_json(said: Said) -> dict[str, object]:
    return {"ours": said.ours, "at": rfc3339(said.at), "text": _shown(said.pieces)}
