"""`xdm-mcp status`: the windows and the money as bars, what waits, what is halted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.cli.checks import keeping_check
from xdm_mcp.cli.gauges import draw_gauges, gauges
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import plain, print_json, screen, show
from xdm_mcp.models.results import QuotaStatus

if TYPE_CHECKING:
    from rich.console import Console


def status(args: Namespace) -> int:
    """Print how everything stands."""
    return with_app(args, _status)


def draw(console: Console, quota: QuotaStatus, now: datetime) -> None:
    """Print the whole status."""
    backend = quota.backend
    show(console, "account", f"numeric id {quota.account_id}")
    show(console, "backend", f"{backend.name} at {plain(backend.origin)}")
    show(console, "it sees", backend.coverage.replace("_", " "))
    if backend.risk:
        show(console, "risk", backend.risk, "yellow")
    console.print()
    draw_gauges(console, gauges(quota, now))
    _draw_credits(console, quota)
    _draw_held(console, quota)
    _draw_halts(console, quota)
    for note in quota.notes:
        show(console, "note", plain(note))


async def _status(app: App, args: Namespace) -> int:
    quota = await app.standing.quota()
    if args.json:
        print_json(quota.model_dump(mode="json"))
    else:
        draw(screen(), quota, app.clock.now())
        kept = await keeping_check(app, quota.account_id)
        show(screen(), "kept", kept.says, "yellow" if kept.next else "")
    return 0


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
        show(console, "" if number else label, row, style)
