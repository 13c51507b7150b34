"""`xdm-mcp costs`: what the same work costs at each service, side by side."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from xdm_mcp.backends.prices import PRICES, PriceList
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.cli.paint import aligned, print_json, screen
from xdm_mcp.models.quota import usd

HEAD = ("", "sends", "reads", "look-ups", "in all")


def costs(args: Namespace) -> int:
    """Compare what `args.sends`, `args.reads` and `args.lookups` cost, by the table of prices."""
    asked = (args.sends, args.reads, args.lookups)
    if args.json:
        services = [_row(name, prices, asked) for name, prices in PRICES.items()]
        work = {"sends": args.sends, "reads": args.reads, "lookups": args.lookups}
        print_json({**work, "services": services})
        return 0
    console = screen()
    console.print(
        f"{args.sends:,} sends, {args.reads:,} messages read, {args.lookups:,} people looked up,"
        " in USD:"
    )
    rows = [HEAD, *(_cells(name, prices, asked) for name, prices in PRICES.items())]
    for cells in aligned(rows, right=frozenset(range(1, len(HEAD)))):
        console.print("  ".join(cells).rstrip())
    for name, prices in PRICES.items():
        notes = [prices.note, "X does not permit it." if name in RISKS else ""]
        console.print(f"{name}: {' '.join(filter(None, notes))}")
    return 0


def _cells(name: str, prices: PriceList, asked: tuple[int, int, int]) -> tuple[str, ...]:
    told = prices.of(*asked)
    return (name, usd(told.send), usd(told.read), usd(told.look_up), usd(told.total))


def _row(name: str, prices: PriceList, asked: tuple[int, int, int]) -> dict[str, Any]:
    told = prices.of(*asked)
    return {
        "backend": name,
        "send_usd": usd(told.send),
        "read_usd": usd(told.read),
        "lookup_usd": usd(told.look_up),
        "total_usd": usd(told.total),
        "note": prices.note,
        "risk": RISKS.get(name),
    }
