"""Rolling windows: what the owner allows, what a backend documents, and the smaller of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

QUARTER = timedelta(minutes=15)
DAY = timedelta(hours=24)


class RateWindows(Rule):
    """Refuses what would exceed a window. Every attempt counts, also one that X refuses.

    The defaults are the smallest figures of all sources: 15 requests in 15 minutes (docs.x.com
    limits table, 2026-08) and 500 messages in 24 hours over all devices and programs (X help page
    on limits, 2026-05). The ledger makes each window 40 seconds longer than X's, because X stamps a
    message later than we do.
    """

    name: ClassVar[str] = "rate_windows"

    per_15_minutes: int = Field(
        default=15,
        ge=1,
        le=200,
        description="Requests in any 15 minutes. 200 is the largest figure that X ever documented;"
        " a backend's own smaller limit holds all the same.",
    )
    per_day: int = Field(
        default=500,
        ge=1,
        le=1_000,
        description="Messages in any 24 hours, those that you write in X's own app included.",
    )

    def limits(self, account_id: str, backend_limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """Return the owner's windows and the backend's; of one scope and length the smaller."""
        owner = (
            Limit(f"{account_id}/requests", self.per_15_minutes, QUARTER),
            Limit(f"{account_id}/messages", self.per_day, DAY),
        )
        merged: dict[tuple[str, timedelta], Limit] = {}
        for limit in (*owner, *(limit.of(account_id) for limit in backend_limits)):
            known = merged.get((limit.scope, limit.per))
            merged[limit.scope, limit.per] = limit if known is None else _stricter(known, limit)
        return tuple(merged.values())

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny while any window is full; `retry_at` is when the last of them has room again."""
        full = [window for window in facts.windows if _full(window, facts)]
        if not full:
            return None
        # A window that cannot say when it frees outlasts every one that can.
        last = max(full, key=lambda window: (window.free_at is None, window.free_at or now))
        return self.deny(f"The limit of {_words(last.limit)} is reached.", retry_at=last.free_at)

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            f"At most {self.per_15_minutes} requests in 15 minutes and {self.per_day} messages in"
            " 24 hours, or fewer where the backend documents fewer."
        )


def _stricter(one: Limit, other: Limit) -> Limit:
    """Return the smaller limit, giving back the less of both.

    Whether replies are exempt is for the backend to grant, and the owner's own windows never say
    so: a grant stays.
    """
    smaller = min(one, other, key=lambda limit: limit.limit)
    attempts = "attempts" in (one.counts, other.counts)
    return replace(
        smaller,
        counts="attempts" if attempts else "messages",
        reply_exempt=one.reply_exempt or other.reply_exempt,
    )


def _full(window: Window, facts: Facts) -> bool:
    if window.limit.first_contacts_only or window.remaining > 0:
        return False
    credited = len(facts.peers) == 1 and facts.peers[0].credits_left > 0
    return not (window.limit.reply_exempt and credited)


def _words(limit: Limit) -> str:
    minutes = int(limit.per.total_seconds() // 60)
    span = f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hours"
    owner, _, charged = limit.scope.partition("/")
    whose = "" if owner.isdigit() else " of the whole app"
    return f"{limit.limit} {charged}{whose} in {span}"
