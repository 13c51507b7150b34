"""Limits, the windows they are judged in, and money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

MICRO = 1_000_000
"""Micro-dollars in one US dollar: money is counted in whole micro-dollars."""

DEADLINE = timedelta(seconds=30)
"""How long one send may take on the wire, in all."""

LATENESS = timedelta(seconds=5)
"""How late after its slot a send may leave."""

CLOCKS = timedelta(seconds=5)
"""How far the clocks of machines that share a ledger may lie apart, with something to spare."""

WINDOW_MARGIN = DEADLINE + LATENESS + CLOCKS
"""Every window is this much longer than X's: X stamps a message later than we reserve it."""


def usd(micro: int) -> str:
    """Return micro-dollars as a decimal string in USD with at least three places, such as
    `0.015`."""
    text = f"{Decimal(micro) / MICRO:.6f}"
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(3, '0')}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `limit` charges on `scope` in any interval of `per`.

    `scope` names what is charged: `<account id>/requests`, `<account id>/messages`, `<account
    id>/first_contacts`, `<account id>/reads/<endpoint>` or `<app>/messages`; always an X user id or
    an app, never a token, process or backend. Messages that we did not send charge only
    `…/messages`. `counts` says whether a definite refusal gives its charge back (`messages`) or not
    (`attempts`). `reply_exempt` sends are not charged while the recipient's message grants credit.
    A limit with `first_contacts_only` is charged by sends to people who never wrote, and by no
    others.
    """

    scope: str
    limit: int
    per: timedelta
    counts: Literal["attempts", "messages"] = "attempts"
    reply_exempt: bool = False
    first_contacts_only: bool = False
    source: str = "policy"

    @property
    def name(self) -> str:
        """A short stable name such as `requests/15m` or `app/messages/24h`."""
        minutes = int(self.per.total_seconds() // 60)
        length = f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"
        owner, _, charged = self.scope.partition("/")
        return f"{charged if owner.isdigit() else self.scope}/{length}"

    def of(self, account_id: str) -> Limit:
        """Return this limit with the account's id in the place `{account}` that a backend leaves
        open."""
        return replace(self, scope=self.scope.replace("{account}", account_id))


@dataclass(frozen=True, slots=True)
class Window:
    """How a limit stands at one moment.

    `remaining` is what may still be sent now; `free_at` is when the next one may go out where none
    remains, else None; `resets_at` is when every present charge has left the window, None when
    it is empty. `source` is `policy`, or `server` where X's own headers say less than we counted.
    """

    limit: Limit
    used: int
    remaining: int
    resets_at: datetime | None
    free_at: datetime | None
    source: Literal["policy", "server"] = "policy"


@dataclass(frozen=True, slots=True)
class ServerWindow:
    """What a backend's own headers said of a scope: they may lower what we count, never raise
    it."""

    scope: str
    limit: int
    remaining: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Spend:
    """Money booked so far, in micro-dollars: today (UTC) and in all, reads included."""

    today: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be booked at most, in micro-dollars. None means that the owner set no such bound."""

    per_day: int | None = None
    total: int | None = None

    def allows(self, spend: Spend, cost: int) -> bool:
        """Whether `cost` more may be booked on top of `spend`."""
        day_fits = self.per_day is None or spend.today + cost <= self.per_day
        return day_fits and (self.total is None or spend.total + cost <= self.total)
