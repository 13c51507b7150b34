"""Windows and money as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from xdm_mcp.cli.paint import aligned, bar, heat
from xdm_mcp.clock import span
from xdm_mcp.models.quota import MICRO
from xdm_mcp.models.results import QuotaStatus, WindowRow

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Gauge:
    """How full one window or budget is. `limit` is 0 where the owner set none; money is in
    micro-dollars.

    `shown` says the same in figures, and `rest` what is left and until when.
    """

    name: str
    used: int
    limit: int
    shown: str
    rest: str

    @property
    def drawn(self) -> str:
        """The bar, blank where nothing bounds it."""
        return bar(self.used, self.limit) if self.limit else " " * len(bar(0, 1))

    @property
    def colour(self) -> str:
        """The colour of the bar."""
        return heat(self.used, self.limit) if self.limit else ""


def gauges(quota: QuotaStatus, now: datetime) -> list[Gauge]:
    """Return one gauge per window, and two for the money: of today and in all."""
    money = quota.money
    return [
        *(_window(window, now) for window in quota.windows),
        _spent("spent today", money.today_usd, money.per_day_usd),
        _spent("spent in all", money.total_usd, money.max_total_usd),
    ]


def draw_gauges(console: Console, rows: Sequence[Gauge]) -> None:
    """Print gauges below each other, figures aligned."""
    from rich.text import Text

    cells = aligned([(row.name, row.shown, row.rest) for row in rows])
    for (name, shown, rest), row in zip(cells, rows, strict=True):
        line = Text.assemble(f"{name}  ", (row.drawn, row.colour), f"  {shown}  {rest}")
        line.rstrip()
        console.print(line)


def draw_moves(console: Console, before: Sequence[Gauge], after: Sequence[Gauge]) -> int:
    """Print the gauges that moved, then and now; return how many did."""
    from rich.text import Text

    moved = [(old, new) for old, new in zip(before, after, strict=True) if new.used != old.used]
    cells = aligned([(old.name, old.shown, new.shown) for old, new in moved])
    for (name, was, is_now), (old, new) in zip(cells, moved, strict=True):
        then = Text.assemble(f"{name}  ", (old.drawn, old.colour), f" {was}  →  ")
        console.print(then.append(new.drawn, new.colour).append(f" {is_now}"))
    return len(moved)


def _window(window: WindowRow, now: datetime) -> Gauge:
    back = ""
    if window.resets_at is not None:
        back = f", all back in {span(datetime.fromisoformat(window.resets_at) - now)}"
    return Gauge(
        name=window.name,
        used=window.used,
        limit=window.limit,
        shown=f"{window.used} of {window.limit}",
        rest=f"{window.remaining} left{back}",
    )


def _spent(name: str, spent: str, bound: str | None) -> Gauge:
    shown = f"{spent} of {bound} USD" if bound else f"{spent} USD"
    rest = "" if bound else "no bound"
    return Gauge(name, _micro(spent), _micro(bound or "0"), shown, rest)


def _micro(usd: str) -> int:
    return int(Decimal(usd) * MICRO)
