"""What a person sees of a held send: all of it, never cut, made from the very row that would be
sent.

Every word in a view is harmless to draw: what is invisible, turns the reading direction or steers a
terminal, and each blank that could carry a message of its own, is spelled out (`⟦U+202E⟧`) and
marked as such. Nothing is left out, so the exact text can be read back from its pieces (`exact`).
The digest is computed here from what is shown; where the row no longer says what its digest names
it is None, and nothing can be approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from xdm_mcp.links import links
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.quota import Window
from xdm_mcp.models.sends import Assurance, Attachment, Entry, Hold, SendState, approval_digest
from xdm_mcp.models.verdicts import Facts
from xdm_mcp.outbox.drafts import draft_of
from xdm_mcp.outbox.sending import WAITING
from xdm_mcp.sanitizer import clean
from xdm_mcp.spelling import Piece, one_line, pieces_of

LAST_WORDS = 6
"""How many of a conversation's last messages are shown beside a held send."""

Heard = Callable[[str], Sequence[Message]]
"""Returns the messages of a conversation that this process has read, newest first, by its id; never
asks the network."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person who would get it.

    `user_id` is what the send goes to; `handle` is a stranger's word, in one line, None where we
    know none. `first_contact` means that as far as we know they never wrote to this account;
    `last_wrote_at` is when they last did.
    """

    user_id: str
    handle: str | None
    first_contact: bool
    last_wrote_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as it is written, in one line, and the host that it really leads to, in ASCII."""

    url: str
    host: str


@dataclass(frozen=True, slots=True)
class ShownImage:
    """The attached image: its file name in one line, media type, size in bytes, digest."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Said:
    """One of the conversation's last messages: a stranger's words (or our own), cleaned."""

    message_id: str
    ours: bool
    at: datetime
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """A message of another conversation of which a send carries a piece, where this process has
    read it: for the person alone, never for a model."""

    conversation_id: str
    said: Said


@dataclass(frozen=True, slots=True)
class HeldView:
    """One held or approved send, and all that a person should know of it, harmless to draw.

    `form` says what `recipients` are: one person, the people of a new group, or none, for an
    existing group that only `conversation_id` names. `pieces` are the exact text, `characters` its
    length in code points. `cost` is in micro-dollars. `windows` is what the account may still send.
    `last_messages` are what this process has read of the conversation, oldest first; `carried` is
    what it has read elsewhere and would go out here. `digest` is
    what an approval must name, None where the row was altered after it was held. `now` is when all
    this was so; all times are aware UTC.
    """

    approval_id: str
    state: SendState
    account_id: str
    account_handle: str | None
    backend: str
    origin: str
    form: Literal["person", "conversation", "new_group"]
    recipients: tuple[Recipient, ...]
    conversation_id: str | None
    conversation_last_wrote_at: datetime | None
    pieces: tuple[Piece, ...]
    characters: int
    links: tuple[ShownLink, ...]
    attachment: ShownImage | None
    reasons: tuple[tuple[str, str], ...]
    least: Assurance
    cost: int
    windows: tuple[Window, ...]
    last_messages: tuple[Said, ...]
    carried: tuple[Carried, ...]
    created_at: datetime
    expires_at: datetime
    retry_at: datetime | None
    now: datetime
    digest: str | None

    @property
    def waits(self) -> bool:
        """Whether it still waits, for a person or after one approved; else its text is gone."""
        return self.state in WAITING

    @property
    def altered(self) -> bool:
        """Whether it waits and its row is no longer what was held: it can only be rejected."""
        return self.waits and self.digest is None

    @property
    def expired(self) -> bool:
        """Whether it is too late to decide."""
        return self.expires_at <= self.now


def view_of(
    entry: Entry,
    facts: Facts,
    handles: dict[str, str],
    said: Sequence[Message],
    now: datetime,
    carried: Sequence[Message] = (),
) -> HeldView:
    """Return the view of an entry that was held, from what the ledger knows of it.

    `handles` maps numeric ids to handles, `said` are messages of the conversation, newest first,
    `carried` those of others of which it carries pieces. Pure. Raises ValueError for an entry that
    was never held.
    """
    hold = entry.hold
    if hold is None:
        raise ValueError(f"entry {entry.id} waits for nobody")
    target, text, image = entry.target, entry.text or "", entry.attachment
    wrote = {peer.user_id or peer.peer: peer.last_inbound_at for peer in facts.peers}
    return HeldView(
        approval_id=hold.approval_id,
        state=entry.state,
        account_id=entry.account_id,
        account_handle=_handle(handles.get(entry.account_id)),
        backend=entry.backend,
        origin=one_line(entry.origin),
        form=_form(entry),
        recipients=tuple(
            Recipient(
                user_id=user_id,
                handle=_handle(handles.get(user_id) or _asked_for(entry)),
                first_contact=wrote.get(user_id) is None,
                last_wrote_at=wrote.get(user_id),
            )
            for user_id in target.user_ids
        ),
        conversation_id=target.conversation_id,
        conversation_last_wrote_at=wrote.get(target.peer),
        pieces=pieces_of(text),
        characters=len(text),
        links=tuple(ShownLink(one_line(link.url), one_line(link.host)) for link in links(text)),
        attachment=_image(image) if image else None,
        reasons=tuple((rule, one_line(says)) for rule, says in hold.reasons),
        least=hold.least,
        cost=entry.cost,
        windows=facts.windows,
        last_messages=tuple(_said(message, entry) for message in reversed(said[:LAST_WORDS])),
        carried=tuple(Carried(m.conversation_id, _said(m, entry)) for m in carried),
        created_at=entry.created_at,
        expires_at=hold.expires_at,
        retry_at=entry.retry_at,
        now=now,
        digest=_digest(entry, hold),
    )


def conversation_of(entry: Entry) -> str | None:
    """Return the id of the conversation that an entry belongs to, None where it opens a new
    group."""
    if entry.target.conversation_id is not None:
        return entry.target.conversation_id
    if len(entry.target.user_ids) == 1:
        return pair_id(entry.account_id, entry.target.user_ids[0])
    return None


def _digest(entry: Entry, hold: Hold) -> str | None:
    """Return the digest of what is shown, None where the row's own names something else."""
    if entry.text is None:  # settled: there is nothing left to approve
        return None
    shown = approval_digest(draft_of(entry), hold.nonce, hold.expires_at, hold.reasons)
    return shown if shown == hold.digest else None


def _form(entry: Entry) -> Literal["person", "conversation", "new_group"]:
    if entry.target.conversation_id is not None:
        return "conversation"
    return "new_group" if entry.target.is_new_group else "person"


def _asked_for(entry: Entry) -> str | None:
    """Return the handle that the caller asked for, which only names the one recipient of one."""
    return entry.handle if len(entry.target.user_ids) == 1 else None


def _handle(handle: str | None) -> str | None:
    return one_line(handle) if handle else None


def _image(image: Attachment) -> ShownImage:
    return ShownImage(one_line(image.name), image.media_type, image.size, image.sha256)


def _said(message: Message, entry: Entry) -> Said:
    return Said(
        message_id=message.id,
        ours=message.sender_id == entry.account_id,
        at=message.created_at,
        pieces=pieces_of(clean(message.text or "").text),
    )
