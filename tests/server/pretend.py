"""An app that answers what a test tells it to, in place of the real one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel

from xdm_mcp.app import App
from xdm_mcp.bus import Bus
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import XdmError
from xdm_mcp.models.results import (
    BackendRow,
    CanDmReport,
    ConversationRow,
    HeldRow,
    InboxPage,
    MessageRow,
    Money,
    Person,
    QuotaStatus,
    Reason,
    RecipientRow,
    SendResult,
    WindowRow,
)
from xdm_mcp.sections import ApprovalsSettings, HttpSettings
from xdm_mcp.steps import Steps

NOW = datetime(2026, 10, 14, 9, 40, tzinfo=UTC)
US, THEM, TALK = "1001", "2002", "1001-2002"

HELD = SendResult(
    status="held",
    says="A person must approve it first; it is then sent by itself, so do not send it again.",
    recipient_ids=[THEM],
    approval_id="ab12",
    reasons=[Reason(rule="confirmation", says="Every send needs a person.")],
    expires_at="2026-10-14T09:55:00Z",
    how_to_approve="The owner runs `xdm-mcp approvals approve ab12` in a terminal.",
    cost_usd="0.015",
)

TALKS = InboxPage(
    account_id=US,
    people=[Person(id=THEM, handle="mira_parcel", name="Mira")],
    conversations=[
        ConversationRow(
            id=TALK,
            with_ids=[THEM],
            last_at="2026-10-14T09:31:42Z",
            last_from=THEM,
            last_text="Is it here yet?",
            needs_reply=True,
            waits_since="2026-10-14T09:31:42Z",
            replies_left=5,
            replies_until="2026-10-15T09:31:42Z",
        )
    ],
    coverage="legacy_unencrypted_only",
    as_of="2026-10-14T09:40:00Z",
    notes=["Encrypted threads may exist that this backend cannot see."],
)

WORDS = InboxPage(
    account_id=US,
    conversation_id=TALK,
    people=[Person(id=THEM, handle="mira_parcel", name="Mira")],
    messages=[
        MessageRow(id="30", from_id=THEM, at="2026-10-14T09:31:42Z", text="Is it here yet?"),
        MessageRow(id="20", from_id=US, at="2026-10-14T08:00:00Z", text="It left today."),
        MessageRow(id="10", from_id=THEM, at="2026-10-13T18:05:11.250Z", text="Hello!"),
    ],
    next_cursor="c1.10",
    coverage="legacy_unencrypted_only",
    as_of="2026-10-14T09:40:00Z",
)

QUOTA = QuotaStatus(
    account_id=US,
    backend=BackendRow(
        name="sandbox", origin="https://sandbox.invalid", coverage="legacy_unencrypted_only"
    ),
    windows=[WindowRow(name="messages/24h", limit=500, used=3, remaining=497, source="policy")],
    reply_credits=[],
    money=Money(today_usd="0.045", total_usd="1.200", per_day_usd="5.000"),
    held=[
        HeldRow(
            approval_id="ab12",
            recipient_ids=[THEM],
            expires_at="2026-10-14T09:55:00Z",
            approved=False,
        )
    ],
    halts=[],
    rules=[Reason(rule="confirmation", says="Every send needs a person.")],
)

REPORT = CanDmReport(
    recipients=[
        RecipientRow(
            who="@mira_parcel",
            user_id=THEM,
            can_dm=None,
            basis="unknown",
            verdict="hold",
            reasons=[Reason(rule="first_contact", says="They never wrote to us.")],
        )
    ],
    cost_usd="0.010",
)


class PretendOutbox:
    """Answers each send with `answer`, or raises it; remembers what it was asked."""

    def __init__(self) -> None:
        """Hold everything."""
        self.asked: list[dict[str, Any]] = []
        self.answer: SendResult | Exception = HELD
        self.before: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint

    async def send(self, **asked: Any) -> SendResult:
        """See Outbox.send."""
        self.asked.append(asked)
        await self.before()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class PretendInbox:
    """Answers each page with `pages[0]`, or raises it; counts who watches."""

    def __init__(self) -> None:
        """Know one conversation."""
        self.asked: list[dict[str, Any]] = []
        self.answer: InboxPage | Exception | None = None
        self.watchers = 0

    async def page(self, **asked: Any) -> InboxPage:
        """See Inbox.page."""
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        if (progress := asked.get("progress")) is not None and asked["wait_seconds"]:
            await progress(1.0, asked["wait_seconds"])
        peer = asked.get("with_user") or asked.get("conversation_id") or asked.get("query")
        return self.answer or (WORDS if peer else TALKS)

    async def message(self, message_id: str) -> InboxPage:
        """See Inbox.message."""
        return await self.page(message_id=message_id, query=message_id)

    def known_conversations(self, prefix: str) -> list[str]:
        """See Inbox.known_conversations."""
        return [key for key in (TALK, "3003-4004") if key.startswith(prefix)]

    def known_messages(self, prefix: str) -> list[str]:
        """See Inbox.known_messages."""
        return [str(n) for n in range(1, 300) if str(n).startswith(prefix)]

    @contextmanager
    def watch(self) -> Iterator[None]:
        """See Inbox.watch."""
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1


class PretendStanding:
    """Answers with what the constants above say, and with the standing rules of the test."""

    def __init__(self) -> None:
        """Have no standing rule."""
        self.rules: list[Reason] | XdmError = []

    async def quota(self) -> QuotaStatus:
        """See Standing.quota."""
        return QUOTA

    async def check(self, _: Sequence[str]) -> CanDmReport:
        """See Standing.check."""
        return REPORT

    async def approvals(self) -> list[HeldRow]:
        """See Standing.approvals."""
        return QUOTA.held

    async def standing_rules(self) -> list[Reason]:
        """See Standing.standing_rules."""
        if isinstance(self.rules, XdmError):
            raise self.rules
        return self.rules


class PretendApp:
    """The parts that the server uses, each one told by the test what to say."""

    def __init__(self, http: HttpSettings | None = None) -> None:
        """Have settings for a home that nobody writes to."""
        self.settings = Settings(
            home=Path("/nowhere"),
            http=http or HttpSettings(),
            approvals=ApprovalsSettings(page="off"),
        )
        self.clock = ManualClock(NOW)
        self.bus = Bus()
        self.steps = Steps()
        self.outbox = PretendOutbox()
        self.inbox = PretendInbox()
        self.standing = PretendStanding()

    @property
    def real(self) -> App:
        """This, for who wants an `App`."""
        return cast(App, self)

    def policy_text(self) -> list[Reason]:
        """See App.policy_text."""
        return QUOTA.rules

    async def run(self) -> None:
        """See App.run."""
        await anyio.sleep_forever()

    async def page_address(self) -> str | None:
        """See App.page_address."""
        return None

    async def drain(self, _: float) -> None:
        """See App.drain."""
