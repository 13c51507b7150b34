"""`xdm-mcp audit`: every decision that was made, and whether anybody altered the record of it."""

from __future__ import annotations

import json
from argparse import Namespace

from rich.table import Table

from xdm_mcp.app import App
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import plain, print_json, screen
from xdm_mcp.clock import moment, rfc3339
from xdm_mcp.models.audit import AuditRecord
from xdm_mcp.models.quota import usd


def show(args: Namespace) -> int:
    """List the latest decisions, or check the whole chain; 1 where it is broken."""
    return with_app(args, _verify if args.verify else _show)


async def _show(app: App, args: Namespace) -> int:
    records = await app.ledger.audit(-args.limit, args.limit)
    if args.json:
        print_json([_as_json(record) for record in records])
    elif not records:
        screen().print("Nothing was decided yet.")
    else:
        screen().print(_table(records))
    return 0


async def _verify(app: App, args: Namespace) -> int:
    verdict = await app.ledger.verify_audit()
    holds = verdict.broken_at is None
    if args.json:
        told = {"broken_at": verdict.broken_at, "count": verdict.count, "head": verdict.head}
        print_json({"ok": holds, **told})
    elif holds:
        screen().print(f"The chain holds: {verdict.count} records.", style="green")
        screen().print(f"head {verdict.head}")
    else:
        screen().print(
            f"The chain is broken at record {verdict.broken_at}: it is missing, altered or out of"
            f" its place; the {verdict.count} before it hold.",
            style="bold red",
        )
    return 0 if holds else 1


def _table(records: tuple[AuditRecord, ...]) -> Table:
    table = Table("record", "at", "account", "entry", "event", "what", box=None, pad_edge=False)
    for record in records:
        table.add_row(
            str(record.seq),
            moment(record.at),
            plain(record.account_id),
            "" if record.entry_id is None else str(record.entry_id),
            plain(record.event),
            plain(_words(record)),
        )
    return table


def _words(record: AuditRecord) -> str:
    """Say what a record holds in few words: its digests are for machines, and in the JSON."""
    told = json.loads(record.what)
    parts = [
        f"{name} {_word(name, value)}" for name, value in told.items() if not _is_digest(value)
    ]
    return ", ".join(parts)


def _word(name: str, value: object) -> str:
    if name == "cost" and isinstance(value, int):
        return f"{usd(value)} USD"
    if isinstance(value, dict):
        return " ".join(f"{name}:{said}" for name, said in value.items()) or "none"
    return str(value)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64


def _as_json(record: AuditRecord) -> dict[str, object]:
    return {
        "seq": record.seq,
        "at": rfc3339(record.at),
        "account_id": record.account_id,
        "entry": record.entry_id,
        "event": record.event,
        "what": json.loads(record.what),
        "before": record.before,
        "hash": record.hash,
    }
