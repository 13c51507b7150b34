"""`xdm-mcp status`: the windows and the money as bars, what waits, what is halted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import aligned, bar, field, heat, plain, print_json, screen
from xdm_mcp.models.results import Money, QuotaStatus

if TYPE_CHECKING:
    from rich.console import Console


def status(args: Namespace) -> int:
    """Print how everything stands."""

    async def work(app: App) -> int:
        quota = await app.standing.quota()
        if args.json:
            print_json(quota.model_dump(mode="json"))
        else:
            draw(screen(), quota)
        return 0

    return with_app(args, work)


def draw(console: Console, quota: QuotaStatus) -> None:
    """Print the whole status."""
    backend = quota.backend
    console.print(field("account", f"numeric id {quota.account_id}"))
    console.print(field("backend", f"{backend.name} at {plain(backend.origin)}"))
    console.print(field("it sees", backend.coverage.replace("_", " ")))
    if backend.risk:
        console.print(field("risk", backend.risk, "yellow"))
    console.print()
    draw_bars(console, quota)
    _draw_credits(console, quota)
    _draw_held(console, quota)
    _draw_halts(console, quota)
    for note in quota.notes:
        console.print(field("note", plain(note)))


def draw_bars(console: Console, quota: QuotaStatus) -> None:
    """Print one bar per window and one per bound of the money."""
    from rich.text import Text

    windows = [
        (
            w.name,
            w.used,
            w.limit,
            f"{w.used} of {w.limit}",
            f"{w.remaining} left{_reset(w.resets_at)}",
        )
        for w in quota.windows
    ]
    rows = windows + money_rows(quota.money)
    cells = aligned([(name, shown, rest) for name, _, _, shown, rest in rows], frozenset({1}))
    for (name, shown, rest), (_, used, limit, _, _) in zip(cells, rows, strict=True):
        drawn = bar(used, limit) if limit else " " * len(bar(0, 1))
        line = Text.assemble(f"{name}  ", (drawn, heat(used, limit) if limit else ""))
        console.print(line.append(f"  {shown}  {rest}".rstrip()))


def money_rows(money: Money) -> list[tuple[str, int, int, str, str]]:
    """Return name, used, bound (micro-dollars, 0 for none) and two texts for today and in all."""
    both = (
        ("spent today", money.today_usd, money.per_day_usd),
        ("spent in all", money.total_usd, money.max_total_usd),
    )
    rows = []
    for name, spent, bound in both:
        shown = f"{spent} of {bound} USD" if bound else f"{spent} USD"
        rows.append((name, _micro(spent), _micro(bound or "0"), shown, "" if bound else "no bound"))
    return rows


def _micro(usd: str) -> int:
    return int(Decimal(usd) * 1_000_000)


def _reset(at: str | None) -> str:
    return f", all back at {at}" if at else ""


def _draw_credits(console: Console, quota: QuotaStatus) -> None:
    _draw_list(
        console,
        "credits",
        [f"{c.left} free replies to {c.user_id} until {c.until}" for c in quota.reply_credits],
    )


def _draw_held(console: Console, quota: QuotaStatus) -> None:
    rows = [
        f"{held.approval_id} to {', '.join(held.recipient_ids) or 'a group'}, "
        + ("approved, waits for its turn" if held.approved else f"until {held.expires_at}")
        for held in quota.held
    ]
    _draw_list(console, "held", rows or ["nothing waits for you"], "yellow" if rows else "")


def _draw_halts(console: Console, quota: QuotaStatus) -> None:
    rows = [
        f"{halt.code} ({halt.scope}): {plain(halt.says)} Since {halt.since}; "
        + (f"ends {halt.until}" if halt.until else f"lift it with `xdm-mcp clear halt {halt.code}`")
        for halt in quota.halts
    ]
    _draw_list(console, "halts", rows or ["none"], "bold red" if rows else "")


def _draw_list(console: Console, label: str, rows: Sequence[str], style: str = "") -> None:
    for number, row in enumerate(rows):
        console.print(field("" if number else label, row, style))
