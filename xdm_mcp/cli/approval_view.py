"""What a person sees of a held send: all of it, never cut, made from the very entry that would be
sent.

The digest that an approval names is the one computed here from what is shown. If the row no longer
says what its digest names, the view says so and `digest` is None, so that nothing can be approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.cli.opening import sends_here
from xdm_mcp.cli.paint import gutter, moment, plain, room_of, show, span
from xdm_mcp.clock import rfc3339
from xdm_mcp.models.quota import Window, usd
from xdm_mcp.models.sends import Entry, Hold, SendState, approval_digest
from xdm_mcp.models.verdicts import PeerFacts
from xdm_mcp.outbox.drafts import draft_of
from xdm_mcp.sanitizer import links, visible

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One held or approved send and what a person should know of it.

    `handles` maps numeric ids to the handles that we know; `peers` is what the ledger knows of the
    recipients; `windows` is what the account may still send; `now` is when all this was so.
    """

    entry: Entry
    hold: Hold
    handles: dict[str, str]
    peers: tuple[PeerFacts, ...]
    windows: tuple[Window, ...]
    now: datetime

    @property
    def digest(self) -> str | None:
        """The digest of what is shown, None where the row's own digest names something else."""
        draft = draft_of(self.entry)
        shown = approval_digest(draft, self.hold.nonce, self.hold.expires_at, self.hold.reasons)
        return shown if shown == self.hold.digest else None


async def look(app: App, entry: Entry) -> ApprovalView:
    """Gather what belongs to a waiting entry; asks the ledger alone, never the network."""
    if entry.hold is None:
        raise ValueError(f"entry {entry.id} waits for nobody")
    draft, now = draft_of(entry), app.clock.now()
    known = {
        user_id: await app.ledger.known_user(user_id)
        for user_id in (entry.account_id, *entry.target.user_ids)
    }
    documented = app.backend.capabilities.limits if sends_here(app, entry) else ()
    limits = app.policy.limits(entry.account_id, documented)
    facts = await app.ledger.facts(draft, limits, now)
    return ApprovalView(
        entry=entry,
        hold=entry.hold,
        handles={k: v.user.handle for k, v in known.items() if v and v.user.handle},
        peers=facts.peers,
        windows=facts.windows,
        now=now,
    )


def as_json(view: ApprovalView) -> dict[str, object]:
    """Return the view as plain values, every field always there."""
    entry, hold = view.entry, view.hold
    text = entry.text or ""
    attachment = entry.attachment
    return {
        "approval_id": hold.approval_id,
        "state": entry.state.value,
        "account_id": entry.account_id,
        "account_handle": view.handles.get(entry.account_id),
        "backend": entry.backend,
        "origin": entry.origin,
        "recipients": [_recipient_json(view, user_id) for user_id in entry.target.user_ids],
        "conversation_id": entry.target.conversation_id,
        "text": text,
        "text_visible": visible(text),
        "links": [{"url": link.url, "host": link.host} for link in links(text)],
        "attachment": None
        if attachment is None
        else {"name": attachment.name, "sha256": attachment.sha256, "size": attachment.size},
        "reasons": [{"rule": rule, "says": says} for rule, says in hold.reasons],
        "least_assurance": hold.least.name.lower(),
        "cost_usd": usd(entry.cost),
        "created_at": rfc3339(entry.created_at),
        "expires_at": rfc3339(hold.expires_at),
        "retry_at": rfc3339(entry.retry_at) if entry.retry_at else None,
        "digest": hold.digest,
        "intact": view.digest is not None,
    }


def draw(console: Console, view: ApprovalView) -> None:
    """Print the whole view."""
    from rich.text import Text

    entry, hold = view.entry, view.hold
    console.print(Text(f"{entry.state.value.upper()} {hold.approval_id}", style="bold yellow"))
    show(console, "from", _name(view, entry.account_id))
    show(console, "over", f"{entry.backend} at {plain(entry.origin)}")
    _draw_recipients(console, view)
    _draw_text(console, view)
    for number, (rule, says) in enumerate(hold.reasons):
        show(console, "" if number else "held by", f"{rule}: {plain(says)}")
    show(console, "cost", f"{usd(entry.cost)} USD")
    for number, window in enumerate(view.windows):
        left = f"{window.limit.name}: {window.remaining} of {window.limit.limit}"
        show(console, "" if number else "quota left", left)
    show(console, "expires", _expiry(view))
    show(console, "digest", hold.digest)
    if view.digest is None:
        altered = "This row was altered after it was held. It cannot be approved; reject it."
        show(console, "WARNING", altered, "bold red")
    elif entry.state is SendState.HELD:
        show(console, "approve", f"xdm-mcp approvals approve {hold.approval_id}")
        show(console, "reject", f"xdm-mcp approvals reject {hold.approval_id}")


def _draw_recipients(console: Console, view: ApprovalView) -> None:
    target = view.entry.target
    if target.conversation_id is not None:
        show(console, "to", f"the group conversation {target.conversation_id}", "bold")
    elif target.is_new_group:
        show(console, "to", f"a new group of {len(target.user_ids)} people", "bold")
    for number, user_id in enumerate(target.user_ids):
        label = "" if number or target.is_new_group else "to"
        show(console, label, _name(view, user_id), "bold")
        show(console, "", _acquaintance(_peer(view, user_id), view.now))


def _draw_text(console: Console, view: ApprovalView) -> None:
    text = view.entry.text or ""
    show(console, "text", f"{len(text)} characters, exactly as they would be sent:")
    for line in gutter(text, room_of(console)):
        console.print(line)
    for number, link in enumerate(links(text)):
        shown = f"{plain(link.url)} leads to {plain(link.host)}"
        show(console, "" if number else "links", shown, "yellow")
    image = view.entry.attachment
    if image is not None:
        shown = f"{plain(image.name)}, {image.media_type}, {image.size} bytes"
        show(console, "attachment", f"{shown}, sha256 {image.sha256}")


def _name(view: ApprovalView, user_id: str) -> str:
    handle = view.handles.get(user_id)
    if handle is None and view.entry.target.user_ids == (user_id,):
        handle = view.entry.handle
    return f"@{plain(handle)}, numeric id {user_id}" if handle else f"numeric id {user_id}"


def _peer(view: ApprovalView, user_id: str) -> PeerFacts | None:
    return next((peer for peer in view.peers if peer.user_id == user_id), None)


def _acquaintance(peer: PeerFacts | None, now: datetime) -> str:
    if peer is None or peer.last_inbound_at is None:
        return "first contact: as far as we know they never wrote to this account"
    at = peer.last_inbound_at
    return f"last wrote to this account {span(now - at)} ago ({moment(at)})"


def _expiry(view: ApprovalView) -> str:
    at = view.hold.expires_at
    if at <= view.now:
        return f"expired {span(view.now - at)} ago ({moment(at)})"
    return f"in {span(at - view.now)} ({moment(at)})"


def _recipient_json(view: ApprovalView, user_id: str) -> dict[str, object]:
    peer = _peer(view, user_id)
    last = peer.last_inbound_at if peer else None
    handle = view.handles.get(user_id) or (
        view.entry.handle if view.entry.target.user_ids == (user_id,) else None
    )
    return {
        "user_id": user_id,
        "handle": handle,
        "first_contact": last is None,
        "last_wrote_at": rfc3339(last) if last else None,
    }
