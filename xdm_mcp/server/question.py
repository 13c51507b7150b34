"""What the client's own dialog says of a held send: all of it, in plain text, never cut.

It is drawn from the same view as the page and the terminal, and names the digest that an answer
approves. A client shows it as it likes, so no word of it is markup, and no line is so long that a
client would wrap it: what it wrapped would begin a line that passes for one of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from xdm_mcp.approvals.view import HeldView, Recipient
from xdm_mcp.clock import rfc3339
from xdm_mcp.models.people import full_name
from xdm_mcp.models.quota import usd
from xdm_mcp.spelling import gutter

OPEN_THE_PAGE = (
    "A direct message waits for your decision. Open the approval page to see all of it and to "
    "approve or refuse it there; opening it approves nothing."
)
"""What accompanies the page's address. It says nothing of the message or of its recipient."""

WIDTH = 72
"""How wide a line of the dialog is at most, in cells: a digest with its name fits."""

AGAIN = "┆ "
"""Before each further part of a line that was folded."""


def question(view: HeldView) -> str:
    """Return the words of the dialog about one held send.

    Each line of the message stands behind `│ `. What follows a fold stands behind `┆ `, in the
    message and in our own lines, which may carry somebody's words too.
    """
    message = (mark + part for mark, part in gutter(text(view), WIDTH - len(AGAIN)))
    above = (part for line in before(view) for part in _narrow(line))
    below = (part for line in after(view) for part in _narrow(line))
    return "\n".join([*above, *message, *below])


def text(view: HeldView) -> str:
    """Return the message as a person must see it; LF is the only control character in it."""
    return "".join(piece.shown for piece in view.pieces)


def before(view: HeldView) -> Iterator[str]:
    """Yield what is said before the message, one line each: who, to whom, how long."""
    yield "Send this direct message on X?"
    yield f"From: {full_name(view.account_handle, view.account_id)}"
    yield from _whom(view)
    yield f"Text, {view.characters} characters, exactly as it would be sent:"


def after(view: HeldView) -> Iterator[str]:
    """Yield what is said after the message, one line each: links, image, reasons, price, digest."""
    for link in view.links:
        yield f"Link: {link.url} leads to {link.host}"
    if view.attachment is not None:
        image = view.attachment
        yield f"Image: {image.name}, {image.media_type}, {image.size} bytes, sha256 {image.sha256}"
    for rule, says in view.reasons:
        yield f"Asked because ({rule}): {says}"
    yield f"Cost: {usd(view.cost)} USD over {view.backend} at {view.origin}"
    for window in view.windows:
        yield f"Left of {window.limit.name}: {window.remaining} of {window.limit.limit}"
    yield f"Undecided it expires at {rfc3339(view.expires_at)}, unsent."
    yield f"Digest: {view.digest}"


def _narrow(line: str) -> list[str]:
    """Return a line of ours, folded where it is too wide: between words if it can be, and nothing
    of it lost. A character that is not ASCII may be two cells wide."""
    room = WIDTH if line.isascii() else WIDTH // 2
    return wrap(line, room, subsequent_indent=AGAIN, drop_whitespace=False, break_on_hyphens=False)


def _whom(view: HeldView) -> Iterator[str]:
    if view.form == "conversation":
        yield f"To: the group conversation {view.conversation_id}"
    elif view.form == "new_group":
        yield f"To: a new group of {len(view.recipients)} people"
    for person in view.recipients:
        yield f"To: {full_name(person.handle, person.user_id)}; {_acquaintance(person)}"


def _acquaintance(person: Recipient) -> str:
    if person.last_wrote_at is None:
        return "as far as we know they never wrote to this account"
    return f"they last wrote to this account at {rfc3339(person.last_wrote_at)}"
