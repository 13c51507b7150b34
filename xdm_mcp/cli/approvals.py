"""`xdm-mcp approvals`: what waits for a person, and that person's word.

Approving takes the PIN and sends: a running server does it within a second or so; where none runs,
this process does it itself.
"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import Proof
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.cli.approval_view import as_json, draw
from xdm_mcp.cli.asking import TERMINAL, confirm_person
from xdm_mcp.cli.opening import sends_here, with_app
from xdm_mcp.cli.paint import print_json, screen
from xdm_mcp.clock import moment
from xdm_mcp.errors import BadInput, Declined
from xdm_mcp.models.sends import Assurance, Entry, SendState
from xdm_mcp.outbox.telling import tell_entry

if TYPE_CHECKING:
    from rich.console import Console

QUESTION = "PIN to send exactly this (empty to leave it held): "
"""What is asked below the view of a held send."""

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


async def ask_about(app: App, view: HeldView) -> Proof:
    """Ask the person who saw the view for their PIN, and return the proof about exactly it.

    Raises Declined for a no, BadInput where it cannot be approved here, and what `confirm_person`
    raises.
    """
    _expect_held(view)
    if view.digest is None:
        raise BadInput("This held send was altered after it was held; reject it and ask again.")
    if view.least > Assurance.PERSON:
        raise BadInput(
            f"This send takes an approval of the kind `{view.least.name.lower()}`; give it on the"
            " approval page."
        )
    return await confirm_person(app, view.digest, QUESTION)


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
    views = await app.desk.held()
    if args.json:
        print_json([as_json(view) for view in views])
    else:
        _print_all(screen(), views)
    return 0


async def _approve(app: App, args: Namespace) -> int:
    view = await app.desk.view(args.id)
    _expect_held(view)
    console = screen()
    draw(console, view)
    try:
        proof = await ask_about(app, view)
    except Declined:
        console.print("NOT SENT: nothing was approved; it stays held.", style="yellow")
        return 1
    entry = await app.desk.approve(view.approval_id, proof.about, proof)
    return report(console, await see_off(app, entry, SERVER_GETS))


async def _reject(app: App, args: Namespace) -> int:
    view = await app.desk.view(args.id)
    await app.desk.reject(view.approval_id, TERMINAL)
    screen().print(f"Rejected {view.approval_id}: it will never be sent.", style="green")
    return 0


def _expect_held(view: HeldView) -> None:
    if view.state is not SendState.HELD:
        raise BadInput(f"That send is {view.state} and no longer waits for this.")


def _print_all(console: Console, views: tuple[HeldView, ...]) -> None:
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
