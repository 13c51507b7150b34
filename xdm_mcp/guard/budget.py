"""Money: what may be spent in a day (UTC) and in all, reads included."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.models import quota
from xdm_mcp.models.quota import MICRO, usd
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

HIGHEST = 1_000_000
"""The largest bound in USD that may be set: more is surely a slip of the pen."""


class Budget(Rule):
    """Refuses a send that would cost more than the owner allows. What costs nothing always fits."""

    name: ClassVar[str] = "budget"

    per_day_usd: Decimal = Field(
        default=Decimal("5.00"),
        ge=0,
        le=HIGHEST,
        decimal_places=6,
        strict=False,
        description="Most that may be spent from midnight to midnight UTC, on reads too.",
    )
    total_usd: Decimal | None = Field(
        default=None,
        ge=0,
        le=HIGHEST,
        decimal_places=6,
        strict=False,
        description="Most that may be spent in all, for as long as the ledger lives.",
    )

    def budget(self) -> quota.Budget:
        """Return the bounds in micro-dollars."""
        total = None if self.total_usd is None else _micro(self.total_usd)
        return quota.Budget(_micro(self.per_day_usd), total)

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny what does not fit; midnight UTC heals it only where the day alone is exceeded."""
        bounds, spend = self.budget(), facts.spend
        if draft.cost == 0 or bounds.allows(spend, draft.cost):
            return None
        if bounds.total is not None and spend.total + draft.cost > bounds.total:
            return self.deny(
                f"It costs {usd(draft.cost)} USD, and of the {usd(bounds.total)} USD allowed in all"
                f" {usd(spend.total)} are spent; the owner sets `guard.budget.total_usd`."
            )
        per_day = bounds.per_day or 0
        return self.deny(
            f"It costs {usd(draft.cost)} USD, and of the {usd(per_day)} USD allowed today"
            f" {usd(spend.today)} are spent.",
            retry_at=_midnight_after(now) if draft.cost <= per_day else None,
        )

    def describe(self) -> str:
        """See Rule.describe."""
        bounds = self.budget()
        total = "" if bounds.total is None else f" and {usd(bounds.total)} USD in all"
        return f"At most {usd(bounds.per_day or 0)} USD a day (UTC){total}, reads included."


def _micro(amount: Decimal) -> int:
    return int(amount * MICRO)


def _midnight_after(now: datetime) -> datetime:
    today = now.astimezone(UTC).date()
    return datetime.combine(today + timedelta(days=1), time(), tzinfo=UTC)
