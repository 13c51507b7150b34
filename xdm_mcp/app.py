"""The one composition root: settings become an `App`, opened once per process and shared by every
connection.

Constructing it touches no disk, no network and no lock, and imports little: the parts that a first
`tools/list` does not need are made when they are first asked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from xdm_mcp.backends.risks import check_acknowledged
from xdm_mcp.bus import Bus
from xdm_mcp.clock import Clock, SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.credentials.redaction import watch_settings
from xdm_mcp.errors import ConfigError
from xdm_mcp.models.results import Reason
from xdm_mcp.steps import Steps

if TYPE_CHECKING:
    from xdm_mcp.approvals.desk import Desk
    from xdm_mcp.backends.base import Backend
    from xdm_mcp.background import Background
    from xdm_mcp.credentials.speaker import Speaker
    from xdm_mcp.guard.policy import Policy
    from xdm_mcp.inbox.feed import Feed
    from xdm_mcp.inbox.news import News
    from xdm_mcp.inbox.poller import Poller
    from xdm_mcp.inbox.reading import Inbox
    from xdm_mcp.inbox.search import Search
    from xdm_mcp.ledger.base import Ledger
    from xdm_mcp.models.messages import Message
    from xdm_mcp.outbox.reconcile import Reconciler
    from xdm_mcp.outbox.sending import Outbox
    from xdm_mcp.outbox.standing import Standing
    from xdm_mcp.people import People
    from xdm_mcp.reads import Reads
    from xdm_mcp.retention import Retention

log = logging.getLogger(__name__)

PageAddress = Callable[[], Awaitable[str | None]]
"""Returns where the owner decides about held sends, None where there is no page."""


class App:
    """Everything one process needs, wired once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Check the policy and remember the settings. Raises ConfigError for a policy that
        cannot be, and for a risk that the owner did not acknowledge."""
        self.settings = settings
        self.clock = clock
        self.bus = Bus()
        self.steps = Steps()
        self.page_address: PageAddress = _nowhere
        self.opened_at = clock.now()
        watch_settings(settings)
        check_acknowledged(settings)
        if settings.guard:
            self.policy.rules()

    @cached_property
    def policy(self) -> Policy:
        """The owner's policy. What the owner wrote is checked at the start; the defaults, which
        need no check, are made when they are first asked for."""
        from xdm_mcp.guard.policy import Policy

        return Policy.load(self.settings.guard)

    @cached_property
    def ledger(self) -> Ledger:
        """The durable memory."""
        from xdm_mcp.guard.breakers import trip
        from xdm_mcp.ledger.opening import open_ledger

        _make_home(self.settings.home)
        with self.steps.heard():
            return open_ledger(self.settings.ledger_url, trip)

    @cached_property
    def backend(self) -> Backend:
        """The active service on the wire."""
        from xdm_mcp.backends.registry import open_backend

        _make_home(self.settings.home)
        who = self._speaker
        with self.steps.heard():
            backend = open_backend(who.settings, self.clock, bearer=who.bearer)
        who.check_origin(backend.origin)
        return backend

    @cached_property
    def _speaker(self) -> Speaker:
        from xdm_mcp.credentials.speaker import speaker_for

        return speaker_for(self.settings, self.clock)

    @cached_property
    def people(self) -> People:
        """Look-ups of people."""
        from xdm_mcp.people import People

        return People(
            self.backend,
            self.ledger,
            self.policy.budget(),
            self.clock,
            self._speaker.speaks_for,
        )

    @cached_property
    def reads(self) -> Reads:
        """Reads of messages, booked and learned from."""
        from xdm_mcp.reads import Reads

        inbox = self.settings.inbox
        return Reads(
            self.backend, self.ledger, self.people, self.policy, self.clock,
            keep=inbox.keeps_for, per_day=inbox.reads_per_day,
        )  # fmt: skip

    @cached_property
    def outbox(self) -> Outbox:
        """The write path."""
        from xdm_mcp.outbox.drafts import Drafts
        from xdm_mcp.outbox.sending import Outbox
        from xdm_mcp.outbox.timing import Timekeeper

        attachments = self.settings.attachments
        return Outbox(
            backend=self.backend,
            ledger=self.ledger,
            policy=self.policy,
            drafts=Drafts(self.backend, self.people, attachments.folder, attachments.max_bytes),
            people=self.people,
            reads=self.reads,
            timekeeper=Timekeeper(self.backend, self.people, self.clock),
            reconciler=self._reconciler,
            bus=self.bus,
            clock=self.clock,
            holds_for=timedelta(minutes=self.settings.approvals.expires_minutes),
        )

    @cached_property
    def _reconciler(self) -> Reconciler:
        from xdm_mcp.outbox.reconcile import Reconciler

        readable = self.backend.capabilities.read_back
        return Reconciler(self.reads, self.ledger, self.bus, self.clock, readable=readable)

    @cached_property
    def desk(self) -> Desk:
        """Where a person decides about held sends; no tool reaches it."""
        from xdm_mcp.approvals.desk import Desk
        from xdm_mcp.approvals.passkeys import Passkeys
        from xdm_mcp.approvals.pin import Pin

        return Desk(
            outbox=self.outbox,
            standing=self.standing,
            ledger=self.ledger,
            backend=self.backend,
            policy=self.policy,
            clock=self.clock,
            pin=Pin(self.ledger, self.clock),
            passkeys=Passkeys(self.ledger, self.clock),
            heard=self._heard,
        )

    def _heard(self, conversation_id: str) -> Sequence[Message]:
        """Return what this process has read of a conversation, newest first, and ask nobody."""
        if "feed" not in self.__dict__:
            return ()
        return self.feed.conversations().get(conversation_id, [])

    @property
    def knows_account(self) -> bool:
        """Whether this process has asked whose account it is."""
        return "people" in self.__dict__ and self.people.knows_account

    @property
    def looked_at(self) -> datetime | None:
        """When the inbox was last looked at with success, None where nobody watches it."""
        watched = "news" in self.__dict__ and self.news.watched
        return self.feed.as_of if watched else None

    @cached_property
    def news(self) -> News:
        """What came, and who in the process wants to hear of it."""
        from xdm_mcp.inbox.news import News

        return News(self.ledger, self.people, self.bus, self.clock)

    @cached_property
    def feed(self) -> Feed:
        """The newest messages, read once for everybody in the process."""
        from xdm_mcp.inbox.feed import Feed

        kept = self._kept if self.settings.inbox.keeps_for is not None else None
        return Feed(self.reads, self.people, self.news, self.clock, self.settings.inbox, kept)

    async def _kept(self, ids: Collection[str]) -> Sequence[Message]:
        account = await self.people.account()
        return await self.ledger.kept_messages(account.id, ids)

    @cached_property
    def inbox(self) -> Inbox:
        """The read path."""
        from xdm_mcp.inbox.handing import Handing
        from xdm_mcp.inbox.reading import Inbox

        return Inbox(
            backend=self.backend,
            people=self.people,
            ledger=self.ledger,
            feed=self.feed,
            news=self.news,
            search=self._search,
            handing=Handing(self.ledger, self.people, self.clock, self.policy.leak.remembered),
            policy=self.policy,
            clock=self.clock,
        )

    @cached_property
    def _search(self) -> Search:
        from xdm_mcp.inbox.search import Search

        keeps = self.settings.inbox.keeps_for is not None
        return Search(self.ledger, self.feed, self.backend.capabilities, keeps=keeps)

    @cached_property
    def retention(self) -> Retention:
        """What erases kept messages when their time has come."""
        from xdm_mcp.retention import Retention

        return Retention(self.ledger, self.people, self.clock, self.settings.inbox.keeps_for)

    @cached_property
    def poller(self) -> Poller:
        """What looks at a watched inbox."""
        from xdm_mcp.inbox.poller import Poller

        return Poller(
            feed=self.feed,
            news=self.news,
            ledger=self.ledger,
            people=self.people,
            clock=self.clock,
            base=timedelta(seconds=self.settings.inbox.poll_seconds),
        )

    @cached_property
    def standing(self) -> Standing:
        """Quotas, halts, money, and who can be written to."""
        from xdm_mcp.outbox.standing import Standing

        return Standing(
            self.backend, self.ledger, self.policy, self.people, self.clock,
            reads_per_day=self.settings.inbox.reads_per_day,
        )  # fmt: skip

    def policy_text(self) -> list[Reason]:
        """Return what each rule of the policy does, in a sentence."""
        return [Reason(rule=rule, says=says) for rule, says in self.policy.describe()]

    @cached_property
    def background(self) -> Background:
        """What this process does beside answering."""
        from xdm_mcp.background import Background

        return Background(self)

    async def run(self) -> None:
        """Work in the background until cancelled: see `Background.run`."""
        await self.background.run()

    async def drain(self, seconds: float) -> None:
        """Wait until no send of this process is on its way, at most `seconds`."""
        if "outbox" in self.__dict__:
            with anyio.move_on_after(seconds):
                await self.outbox.all_left()

    async def close(self) -> None:
        """Let go of the connection and the ledger."""
        for part in ("backend", "ledger"):
            if part in self.__dict__:
                await self.__dict__[part].close()


async def _nowhere() -> str | None:
    """The address of the page where nothing serves one."""
    return None


def _make_home(home: Path) -> None:
    """Make the home a folder of ours. Raises ConfigError where it cannot be written."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(home, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise ConfigError(
            f"The home {home} cannot be written; make it writable or name another with XDM_HOME."
        )


@asynccontextmanager
async def open_app(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[App]:
    """Open the app and close it at the end. Raises ConfigError before anything is opened."""
    app = App(settings, clock or SystemClock())
    try:
        yield app
    finally:
        with anyio.CancelScope(shield=True):
            await app.close()
