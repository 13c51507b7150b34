"""`xdm-mcp approvals`: what waits for a person, and that person's word.

Approving sends: a running server does it within a second or so; where none runs, this process does
it itself.
"""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.cli.approval_view import ApprovalView, as_json, draw, look
from xdm_mcp.cli.opening import sends_here, with_app
from xdm_mcp.cli.paint import moment, print_json, screen
from xdm_mcp.errors import BadInput
from xdm_mcp.models.sends import Assurance, Entry, SendState
from xdm_mcp.outbox.telling import tell_entry

if TYPE_CHECKING:
    from rich.console import Console

BY = "terminal"
"""What the ledger notes as the place where a person decided."""

SERVER_GETS = 2.0
"""Seconds that a running server has to send what was approved before we do."""

SENDING_TAKES = 45.0
"""Seconds that we wait at most for a send that has begun: its pacing and its time on the wire."""

LOOK_EVERY = 0.1
"""Seconds between looks at the ledger while waiting."""


def show(args: Namespace) -> int:
    """List every held send in full."""
    return with_app(args, _show)


def approve(args: Namespace) -> int:
    """Show one held send, ask, approve it and see it off; 0 only if it was sent."""
    return with_app(args, _approve)


def reject(args: Namespace) -> int:
    """End one held send for good."""
    return with_app(args, _reject)


def confirmed(question: str) -> bool:
    """Ask on the terminal; only a typed yes is one. Raises BadInput where no terminal is."""
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: run it in a terminal, or add --yes.")
    with _ctrl_c_interrupts():
        try:
            return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            return False


async def approve_shown(app: App, view: ApprovalView) -> Entry:
    """Approve exactly what the view shows. Raises BadInput where that is not what was held."""
    if view.digest is None:
        raise BadInput("This held send was altered after it was held; reject it and ask again.")
    return await app.outbox.approve(
        view.hold.approval_id, digest=view.digest, assurance=Assurance.PERSON, by=BY
    )


async def see_off(app: App, entry: Entry, server_gets: float) -> Entry:
    """Give a running server some seconds to send an approved entry, else send it here.

    Returns the entry as it stands then.
    """
    entry = await _await_change(app, entry, {SendState.APPROVED}, server_gets)
    if entry.state is SendState.APPROVED and sends_here(app, entry):
        entry = await app.outbox.send_approved(entry) or entry
    moving = {SendState.RESERVED, SendState.IN_FLIGHT}
    return await _await_change(app, entry, moving, SENDING_TAKES)


def report(console: Console, entry: Entry) -> int:
    """Print what really became of an approved entry; 0 only if it was sent."""
    says = tell_entry(entry).says
    match entry.state:
        case SendState.SENT:
            message_id = entry.receipt.message_id if entry.receipt else "unknown"
            console.print(f"SENT once, message id {message_id}.", style="bold green")
            return 0
        case SendState.APPROVED:
            console.print(f"NOT SENT yet: approved; {_what_it_waits_for(entry)}.", style="yellow")
        case SendState.UNKNOWN | SendState.RESERVED | SendState.IN_FLIGHT:
            console.print(f"MAYBE SENT: {says}", style="bold yellow")
        case _:
            console.print(f"NOT SENT: {says}", style="bold red")
    return 1


async def _show(app: App, args: Namespace) -> int:
    views = [await look(app, entry) for entry in await app.outbox.waiting()]
    if args.json:
        print_json([as_json(view) for view in views])
    else:
        _print_all(screen(), views)
    return 0


async def _approve(app: App, args: Namespace) -> int:
    view = await look(app, await app.outbox.find(args.id))
    console = screen()
    draw(console, view)
    if not args.yes and not confirmed("Send exactly this?"):
        console.print("NOT SENT: nothing was approved; it stays held.", style="yellow")
        return 1
    entry = await approve_shown(app, view)
    return report(console, await see_off(app, entry, SERVER_GETS))


async def _reject(app: App, args: Namespace) -> int:
    entry = await app.outbox.find(args.id)
    rejected = await app.outbox.reject(_approval_id(entry), by=BY)
    screen().print(f"Rejected {_approval_id(rejected)}: it will never be sent.", style="green")
    return 0


@contextmanager
def _ctrl_c_interrupts() -> Iterator[None]:
    """Have Ctrl-C end a question at once; the event loop would wait for the answer first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _print_all(console: Console, views: list[ApprovalView]) -> None:
    if not views:
        console.print("No send waits for a person.")
    for number, view in enumerate(views):
        if number:
            console.print()
        draw(console, view)


async def _await_change(app: App, entry: Entry, states: set[SendState], seconds: float) -> Entry:
    """Look until the entry has left `states`, for `seconds` at most."""
    entry = await app.ledger.entry(entry.id) or entry
    for _ in range(int(seconds / LOOK_EVERY)):
        if entry.state not in states:
            break
        await app.clock.sleep(LOOK_EVERY)
        entry = await app.ledger.entry(entry.id) or entry
    return entry


def _what_it_waits_for(entry: Entry) -> str:
    if entry.retry_at is not None:
        return f"the policy lets it go from {moment(entry.retry_at)} on"
    return f"it goes out when a server with the backend {entry.backend} at {entry.origin} runs"


def _approval_id(entry: Entry) -> str:
    return entry.hold.approval_id if entry.hold else ""
