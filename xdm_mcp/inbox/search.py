"""Looking for words: in what the owner keeps on this machine, else in what this process has read.

Both follow one rule (`xdm_mcp.words`), and each answer says what it covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xdm_mcp.backends.base import Capabilities
from xdm_mcp.clock import rfc3339
from xdm_mcp.errors import BadInput
from xdm_mcp.inbox.cursors import read_number, write_cursor
from xdm_mcp.inbox.feed import Feed
from xdm_mcp.ledger.kept import KeptLedger
from xdm_mcp.models.messages import Message
from xdm_mcp.words import Phrase, matches, parse, snippet

UNSEEN = "Encrypted threads and message requests are not in it."


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of a search that is asked for: of one conversation, from `since` on, where they are
    given."""

    query: str
    conversation_id: str | None
    since: datetime | None
    limit: int
    cursor: str | None

    @property
    def list(self) -> str:
        """What a cursor of this search belongs to."""
        since = rfc3339(self.since) if self.since else ""
        return f"query:{self.conversation_id or ''}:{since}:{self.query}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, newest first: pieces of messages around the words, which of them are
    less than the whole, and the messages as they are."""

    messages: tuple[Message, ...]
    cut: frozenset[str]
    next_cursor: str | None
    notes: tuple[str, ...]
    whole: tuple[Message, ...]


class Search:
    """How this process looks for words."""

    def __init__(
        self, ledger: KeptLedger, feed: Feed, capabilities: Capabilities, *, keeps: bool
    ) -> None:
        """Look into what `ledger` keeps where `keeps` says that it does, else into `feed`."""
        self._ledger = ledger
        self._feed = feed
        self._capabilities = capabilities
        self.keeps = keeps

    async def find(self, account_id: str, asked: Asked) -> Found:
        """Return one page. Raises BadInput for a query without a word and for a strange cursor, and
        what reading may raise where messages are not kept."""
        before = read_number(asked.cursor, asked.list)
        phrases = parse(asked.query)
        if not phrases:
            raise BadInput("That query holds no letter, digit or emoji; name a word to look for.")
        if self.keeps:
            found = await self._kept(account_id, asked, phrases, before)
            notes = await self._covers(account_id)
        else:
            found = await self._read(asked, phrases, before)
            notes = self._covers_read()
        more, found = len(found) > asked.limit, found[: asked.limit]
        pieces = [(m, *snippet(m.text or "", phrases)) for m in found]
        return Found(
            messages=tuple(replace(m, text=piece) for m, piece, _ in pieces),
            cut=frozenset(m.id for m, _, cut in pieces if cut),
            next_cursor=write_cursor(asked.list, found[-1].id) if more else None,
            notes=notes,
            whole=tuple(found),
        )

    async def kept(self, account_id: str, message_id: str) -> Message | None:
        """Return one message as it is kept on this machine, or None."""
        return await self._ledger.kept_message(account_id, message_id) if self.keeps else None

    async def _kept(
        self, account_id: str, asked: Asked, phrases: Sequence[Phrase], before: int | None
    ) -> Sequence[Message]:
        return await self._ledger.search_kept(
            account_id,
            phrases,
            conversation_id=asked.conversation_id,
            since=asked.since,
            before_id=None if before is None else str(before),
            limit=asked.limit + 1,
        )

    async def _covers(self, account_id: str) -> tuple[str, ...]:
        span = await self._ledger.kept_span(account_id)
        if span is None:
            return ("No message is kept on this machine yet; list the inbox to begin.", UNSEEN)
        return (
            f"Searched what is kept on this machine: messages from {rfc3339(span.oldest)} to"
            f" {rfc3339(span.newest)}, as far as they were read. List the inbox first for newer"
            " ones.",
            UNSEEN,
        )

    async def _read(
        self, asked: Asked, phrases: Sequence[Phrase], before: int | None
    ) -> Sequence[Message]:
        if asked.conversation_id is not None and not self._capabilities.inbox:
            await self._feed.thread(asked.conversation_id, self._capabilities.max_page, None)
        while await self._feed.reach_back(asked.since):
            pass
        return [
            m
            for m in self._feed.messages()
            if (before is None or int(m.id) < before)
            and asked.conversation_id in (None, m.conversation_id)
            and (asked.since is None or m.created_at >= asked.since)
            and m.text is not None
            and matches(m.text, phrases)
        ]

    def _covers_read(self) -> tuple[str, ...]:
        number = len(self._feed.messages())
        return (
            f"Searched the {number} messages read so far, not all that exist; no message is kept on"
            " this machine.",
            *self._feed.notes(whole=True),
        )
