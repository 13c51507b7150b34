"""`xdm-mcp outbox`: what became of sends, and a person's word where nothing else can say."""

from __future__ import annotations

from argparse import Namespace

from rich.table import Table

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import settling
from xdm_mcp.cli.asking import confirm_person
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import plain, print_json, screen
from xdm_mcp.clock import moment, rfc3339
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.models.sends import Entry, Outcome, SendState
from xdm_mcp.outbox.telling import tell_entry

BY = "terminal"
"""What the ledger notes as the place where a person decided."""

COLOURS = {SendState.SENT: "green", SendState.UNKNOWN: "bold yellow", SendState.FAILED: "red"}
"""How the states that matter most are told apart."""


def show(args: Namespace) -> int:
    """List the latest sends and how each stands."""
    return with_app(args, _show)


def resolve(args: Namespace) -> int:
    """Write down what a person found out about a send of unknown outcome; takes the PIN."""
    return with_app(args, _resolve)


async def _show(app: App, args: Namespace) -> int:
    entries = await app.ledger.recent(args.limit)
    if args.json:
        print_json([_as_json(entry) for entry in entries])
    elif not entries:
        screen().print("Nothing was asked for yet.")
    else:
        screen().print(_table(entries))
    return 0


async def _resolve(app: App, args: Namespace) -> int:
    state = SendState.SENT if args.sent else SendState.FAILED
    says = "A person saw it in X." if args.sent else "A person saw that it is not in X."
    outcome = Outcome(state, "resolved", says)
    stands = await app.ledger.entry(args.entry)
    if stands is None:
        raise NotFound("There is no send with that id; list them with `xdm-mcp outbox`.")
    if stands.state is not SendState.UNKNOWN:
        raise BadInput(f"That send is {stands.state}; only an unknown one can be resolved.")
    await confirm_person(app, settling(args.entry, state.value))
    entry = await app.ledger.resolve(args.entry, outcome, BY, app.clock.now())
    screen().print(f"Entry {entry.id} is settled: {entry.state}.", style="green")
    return 0


def _table(entries: tuple[Entry, ...]) -> Table:
    from rich.text import Text

    table = Table(
        "entry", "asked for", "state", "to", "what became of it", box=None, pad_edge=False
    )
    for entry in entries:
        table.add_row(
            str(entry.id),
            moment(entry.created_at),
            Text(entry.state.value, style=COLOURS.get(entry.state, "default")),
            plain(_recipient(entry)),
            tell_entry(entry).says,
        )
    return table


def _recipient(entry: Entry) -> str:
    who = entry.target.conversation_id or ", ".join(entry.target.user_ids)
    return f"@{entry.handle} ({who})" if entry.handle else who


def _as_json(entry: Entry) -> dict[str, object]:
    told = tell_entry(entry)
    return {
        "entry": entry.id,
        "state": entry.state.value,
        "created_at": rfc3339(entry.created_at),
        "recipient_ids": told.recipient_ids,
        "conversation_id": told.conversation_id,
        "message_id": told.message_id,
        "code": entry.code,
        "says": told.says,
        "cost_usd": told.cost_usd,
    }
