"""Pages of messages and users: opaque tokens that stay true while new messages arrive."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from xdm_mcp.sandbox.threads import Message, Threads

Direction = Literal["older", "newer"]

_FORM = struct.Struct(">BQI")
_TAIL = "ZZZZ"


class BadToken(ValueError):
    """A token that was not given for this list."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a page begins: next to a message, in a direction."""

    direction: Direction
    message_id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first, and the tokens of the pages on either side."""

    messages: Sequence[Message]
    next_token: str | None
    previous_token: str | None


def to_token(anchor: Anchor, of: str) -> str:
    """Return a token of 25 characters for `anchor` in the list `of`."""
    newer = int(anchor.direction == "newer")
    packed = _FORM.pack(newer, anchor.message_id, _seal(anchor.message_id, newer, of))
    return base64.b32hexencode(packed).decode().rstrip("=") + _TAIL


def from_token(token: str, of: str) -> Anchor:
    """Return where a token of the list `of` points. Raises BadToken."""
    try:
        text = token.removesuffix(_TAIL)
        packed = base64.b32hexdecode(text + "=" * (-len(text) % 8))
        newer, message_id, seal = _FORM.unpack(packed)
    except (ValueError, struct.error) as error:
        raise BadToken from error
    if seal != _seal(message_id, newer, of):
        raise BadToken
    return Anchor("newer" if newer else "older", message_id)


def turn(
    threads: Threads,
    conversation_id: str | None,
    shown: Callable[[Message], bool],
    size: int,
    anchor: Anchor | None,
    of: str,
) -> Page:
    """Return the page of `size` at `anchor`, the newest where None, of the messages `shown`."""

    def older(before: int | None) -> Iterator[Message]:
        return filter(shown, threads.older(before, conversation_id))

    def newer(after: int) -> Iterator[Message]:
        return filter(shown, threads.newer(after, conversation_id))

    if anchor is not None and anchor.direction == "newer":
        messages = list(islice(newer(anchor.message_id), size))[::-1]
    else:
        messages = list(islice(older(anchor.message_id if anchor else None), size))
    if not messages:
        return Page((), None, None)
    first, last = int(messages[0].id), int(messages[-1].id)
    more_after = next(older(last), None) is not None
    more_before = next(newer(first), None) is not None
    return Page(
        messages,
        to_token(Anchor("older", last), of) if more_after else None,
        to_token(Anchor("newer", first), of) if more_before else None,
    )


def _seal(message_id: int, newer: int, of: str) -> int:
    return zlib.crc32(f"{of}/{newer}/{message_id}".encode())
