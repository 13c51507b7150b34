"""The read path: conversations and messages, what needs an answer, and being told when something
comes.

A backend bills every message that it returns, so one `Feed` of newest messages serves everybody in
the process, and a page says what it covers instead of calling an empty answer "no messages".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import anyio

from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.errors import BadInput, Unavailable, Unsupported
from xdm_mcp.guard.policy import Policy
from xdm_mcp.inbox.answering import unanswered
from xdm_mcp.inbox.cursors import read_cursor, read_number, write_cursor
from xdm_mcp.inbox.feed import Feed
from xdm_mcp.inbox.handing import Handing
from xdm_mcp.inbox.news import News
from xdm_mcp.inbox.search import Asked, Search
from xdm_mcp.inbox.showing import conversation_row, is_cut, message_row, person
from xdm_mcp.ledger.knowing import KnowingLedger
from xdm_mcp.models.messages import CONVERSATION_ID, MESSAGE_ID, Message, one_to_one, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.results import InboxPage
from xdm_mcp.models.verdicts import PeerFacts
from xdm_mcp.people import NAMED, People

Progress = Callable[[float, float], Awaitable[None]]
"""Told (seconds waited, seconds asked for) while a call waits."""

GLANCE = timedelta(seconds=2)
"""How long one look at the feed answers everybody: a burst of calls costs one read."""


class Inbox:
    """What came in and went out, as far as the backend can see."""

    def __init__(
        self,
        *,
        backend: Backend,
        people: People,
        ledger: KnowingLedger,
        feed: Feed,
        news: News,
        policy: Policy,
        clock: Clock,
        search: Search,
        handing: Handing,
    ) -> None:
        """Read through `feed`; wait for `news`; look for words by `search`; tell `handing` what is
        shown."""
        self._backend = backend
        self._people = people
        self._ledger = ledger
        self._feed = feed
        self._news = news
        self._policy = policy
        self._clock = clock
        self._search = search
        self._handing = handing

    def watch(self) -> AbstractContextManager[None]:
        """Have the inbox looked at while entered; changes go out on the bus."""
        return self._news.watch()

    async def page(
        self,
        *,
        with_user: str | None = None,
        conversation_id: str | None = None,
        query: str | None = None,
        since: datetime | None = None,
        needs_reply: bool = False,
        limit: int = 20,
        cursor: str | None = None,
        wait_seconds: float = 0,
        progress: Progress | None = None,
    ) -> InboxPage:
        """Return one page: conversations, or with a peer or a query the messages, newest first.

        At most one of `with_user` and `conversation_id`; `limit` is 1 to 100. With `wait_seconds`
        (0 to 50) it returns as soon as somebody else's message comes, in that conversation where
        one is named; at once where this very look finds one, or one from after `since` is known.
        Raises BadInput, NotFound, Unavailable or Refused.
        """
        if with_user is not None and conversation_id is not None:
            raise BadInput("Give with_user or conversation_id, not both.")
        if query is not None and self._search.keeps and wait_seconds == 0:
            peer = await self._peer(with_user, conversation_id)
            return await self._found(query, peer, since, limit, cursor)  # nothing is read for it
        if not self._backend.capabilities.inbox:
            self._check_without_inbox(with_user or conversation_id, wait_seconds)
        peer = await self._peer(with_user, conversation_id)
        if self._backend.capabilities.inbox:
            heard = self._news.heard(peer)
            await self._feed.refresh_if_older(GLANCE)
            if wait_seconds > 0 and not await self._newer(peer, since):
                await self._wait(peer, heard, wait_seconds, progress)
                await self._feed.refresh_if_told()
        if query is not None:
            return await self._found(query, peer, since, limit, cursor)
        if peer is not None:
            return await self._thread(peer, since, limit, cursor)
        return await self._conversations(since, needs_reply, limit, cursor)

    async def message(self, message_id: str) -> InboxPage:
        """Return one message as a page. Raises NotFound where there is none, BadInput for what
        is no id."""
        if not MESSAGE_ID.match(message_id):
            raise BadInput(
                "A message id is a number of 1 to 19 digits; use the one that list_dms gave."
            )
        account = await self._people.account()
        message = self._feed.find(message_id) or await self._search.kept(account.id, message_id)
        message = message or await self._feed.fetch(message_id)
        return await self._message_page([message], None, None, ())

    async def read_for_owner(self, conversation_id: str, limit: int) -> Sequence[Message]:
        """Return the newest messages of a conversation for the owner's own eyes: no agent is given
        them, so nothing is noted as shown to one. Raises as `page` does."""
        if self._backend.capabilities.inbox:
            await self._feed.refresh_if_older(GLANCE)
        messages, _ = await self._said(conversation_id, limit, None)
        return messages

    def known_conversations(self, prefix: str) -> list[str]:
        """Return ids of conversations that this process has read, for completion, newest first."""
        return [key for key in self._feed.conversations() if key.startswith(prefix)]

    def known_messages(self, prefix: str) -> list[str]:
        """Return ids of messages that this process has read, for completion, newest first."""
        return [m.id for m in self._feed.messages() if m.id.startswith(prefix)]

    async def _newer(self, peer: str | None, since: datetime | None) -> bool:
        """Whether a message of somebody else from after `since` is known."""
        account = await self._people.account()
        return since is not None and any(
            m.created_at > since and m.sender_id != account.id and peer in (None, m.conversation_id)
            for m in self._feed.messages()
        )

    async def _wait(
        self, peer: str | None, heard: int, seconds: float, progress: Progress | None
    ) -> None:
        """Return when more than `heard` messages of others came, at the latest after `seconds`."""
        with self._news.watch():
            await self._news.want(self._clock.now() + timedelta(seconds=seconds))
            async with anyio.create_task_group() as tasks:

                async def patience() -> None:
                    await self._tick(seconds, progress)
                    tasks.cancel_scope.cancel()

                tasks.start_soon(patience)
                await self._news.more(peer, heard)
                tasks.cancel_scope.cancel()

    async def _tick(self, seconds: float, progress: Progress | None) -> None:
        """Let `seconds` pass and tell of each."""
        start = self._clock.now()
        while True:
            waited = (self._clock.now() - start).total_seconds()
            if progress is not None:
                await progress(min(waited, seconds), seconds)
            if waited >= seconds:
                return
            await self._clock.sleep(min(1.0, seconds - waited))

    def _check_without_inbox(self, peer: str | None, wait_seconds: float) -> None:
        """Raise Unsupported for what only an inbox can answer."""
        name = self._backend.name
        if peer is None:
            raise Unsupported(
                f"The backend {name} cannot list the inbox; name a person with with_user."
            )
        if wait_seconds > 0:
            raise Unsupported(
                f"The backend {name} cannot tell when something comes; leave out wait_seconds and"
                " ask again later."
            )

    async def _peer(self, with_user: str | None, conversation_id: str | None) -> str | None:
        if with_user is not None:
            user = await self._people.find(with_user)
            return pair_id((await self._people.account()).id, user.id)
        if conversation_id is not None and not CONVERSATION_ID.match(conversation_id):
            raise BadInput("A conversation_id is the id that list_dms gave; use it unchanged.")
        return conversation_id

    async def _conversations(
        self, since: datetime | None, only_needing: bool, limit: int, cursor: str | None
    ) -> InboxPage:
        account = await self._people.account()
        what = "needs_reply" if only_needing else "conversations"
        after = read_number(cursor, what)
        while True:
            threads = self._feed.conversations()
            waiting, known = await self._waiting(threads, account.id)
            if only_needing:  # who has waited longest comes first, so all of them must be known
                rows = sorted((int(message.id), key) for key, message in waiting.items())
                rows = [row for row in rows if after is None or row[0] > after]
            else:
                rows = [(int(messages[0].id), key) for key, messages in threads.items()]
                rows = [row for row in rows if after is None or row[0] < after]
            if since is not None:
                rows = [row for row in rows if threads[row[1]][0].created_at >= since]
            enough = len(rows) > limit and not only_needing
            if enough or not await self._feed.reach_back(since):
                break
        page, more = rows[:limit], len(rows) > limit
        last = [threads[key][0] for _, key in page]
        await self._handing.hand(last, begun={message.id for message in last if is_cut(message)})
        others = {key: self._others(key, threads[key], account.id) for _, key in page}
        users = await self._named([user_id for ids in others.values() for user_id in ids])
        now = self._clock.now()
        return InboxPage(
            account_id=account.id,
            longest_first=only_needing,
            people=[person(user) for user in users],
            conversations=[
                conversation_row(
                    key,
                    threads[key],
                    others[key],
                    since=waiting[key].created_at if key in waiting else None,
                    unread=self._feed.unread(key),
                    window=self._policy.reply_credit.window(known[key], now)
                    if key in known
                    else None,
                )
                for _, key in page
            ],
            next_cursor=write_cursor(what, str(page[-1][0])) if more else None,
            coverage=self._backend.capabilities.coverage,
            as_of=rfc3339(self._feed.as_of),
            notes=[*self._feed.notes(whole=not more), *self._left_out()],
        )

    async def _waiting(
        self, threads: Mapping[str, Sequence[Message]], account_id: str
    ) -> tuple[dict[str, Message], dict[str, PeerFacts]]:
        """Return the first unanswered message of conversations that need a reply, and what is known
        of whom they are with; whoever asked us to stop needs none."""
        stop = self._policy.opted_out
        found = {key: unanswered(said, account_id, stop) for key, said in threads.items()}
        waiting = {key: message for key, message in found.items() if message is not None}
        pairs = {key: other for key in waiting if (other := one_to_one(key, account_id))}
        facts = await self._ledger.known_peers(account_id, list(pairs.values()), self._clock.now())
        known = {key: facts[other] for key, other in pairs.items()}
        stopped = {key for key, peer in known.items() if peer.opted_out_at is not None}
        return {key: waiting[key] for key in waiting if key not in stopped}, known

    def _left_out(self) -> list[str]:
        if self._backend.capabilities.groups:
            return []
        return [f"The backend {self._backend.name} shows no groups; read them in X's own app."]

    async def _thread(
        self, conversation_id: str, since: datetime | None, limit: int, cursor: str | None
    ) -> InboxPage:
        at = read_cursor(cursor, conversation_id)
        messages, following = await self._said(conversation_id, limit, at)
        shown = [m for m in messages if since is None or m.created_at >= since]
        if len(shown) < len(messages):
            following = None
        return await self._message_page(
            shown,
            conversation_id,
            write_cursor(conversation_id, following) if following else None,
            self._feed.notes(whole=following is None, listed=False),
        )

    async def _said(
        self, conversation_id: str, limit: int, at: str | None
    ) -> tuple[list[Message], str | None]:
        """Return one page of a conversation and where the next begins; what is known of it where it
        cannot be read now."""
        known = await self._feed.whole(conversation_id, GLANCE) if at is None else None
        if known is not None and len(known) <= limit:
            return known, None
        try:
            return await self._feed.thread(conversation_id, limit, at)
        except Unavailable as error:
            messages = self._feed.conversations().get(conversation_id, [])[:limit]
            if at is not None or not messages:
                raise
            self._feed.trouble = str(error)
            return messages, None

    async def _found(
        self, query: str, peer: str | None, since: datetime | None, limit: int, cursor: str | None
    ) -> InboxPage:
        account = await self._people.account()
        found = await self._search.find(account.id, Asked(query, peer, since, limit, cursor))
        page = await self._message_page(
            found.messages,
            None,
            found.next_cursor,
            found.notes,
            begun=found.cut,
            whole=found.whole,
        )
        rows = [
            row.model_copy(update={"truncated": True}) if row.id in found.cut else row
            for row in page.messages or []
        ]
        return page.model_copy(update={"messages": rows})

    async def _message_page(
        self,
        messages: Sequence[Message],
        conversation_id: str | None,
        next_cursor: str | None,
        notes: Sequence[str],
        begun: Collection[str] = (),
        whole: Sequence[Message] = (),
    ) -> InboxPage:
        await self._handing.hand(whole or messages, begun)
        account = await self._people.account()
        users = await self._named(
            [m.sender_id for m in messages if m.sender_id not in (None, account.id)]
        )
        return InboxPage(
            account_id=account.id,
            conversation_id=conversation_id,
            people=[person(user) for user in users],
            messages=[message_row(m, with_conversation=conversation_id is None) for m in messages],
            next_cursor=next_cursor,
            coverage=self._backend.capabilities.coverage,
            as_of=rfc3339(self._feed.as_of),
            notes=list(notes),
        )

    async def _named(self, ids: Sequence[str | None]) -> list[User]:
        """Return the people behind ids, with their handles where the budget still allows a
        look-up."""
        wanted = list(dict.fromkeys(user_id for user_id in ids if user_id))
        if not wanted:
            return []
        try:
            users = await self._people.find_many(wanted, fresh=NAMED)
        except Unavailable:  # a page without handles is better than no page
            users = tuple([await self._people.known(user_id) for user_id in wanted])
        return [user or User(user_id) for user, user_id in zip(users, wanted, strict=True)]

    def _others(
        self, conversation_id: str, messages: Sequence[Message], account_id: str
    ) -> list[str]:
        other = one_to_one(conversation_id, account_id)
        if other is not None:
            return [other]
        seen = {p for m in messages for p in (*m.participant_ids, m.sender_id) if p}
        return sorted(seen - {account_id}, key=int)
