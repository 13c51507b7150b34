"""`xdm-mcp clear`: what only a person may lift, and with the PIN."""

from __future__ import annotations

from argparse import Namespace

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import deed
from xdm_mcp.cli.asking import TERMINAL, confirm_person
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import plain, screen
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.models.people import USER_ID
from xdm_mcp.people import normalise


def clear_halt(args: Namespace) -> int:
    """Lift one halt or all of them; 1 where there was none."""
    return with_app(args, _clear_halt)


def clear_opt_out(args: Namespace) -> int:
    """Forget that somebody asked for silence; 1 where nobody did."""
    return with_app(args, _clear_opt_out)


async def _clear_halt(app: App, args: Namespace) -> int:
    account_id = await account_of(app, args.account)
    in_force = await app.ledger.halts(account_id, app.clock.now())
    if not any(args.code in (None, halt.code) for halt in in_force):
        which = "such halt" if in_force else "halt"
        screen().print(f"No {which} is in force; `xdm-mcp status` shows them.", style="yellow")
        return 1
    await confirm_person(app, deed("clear a halt", account_id, args.code or ""))
    cleared = await app.ledger.clear_halt(account_id, args.code, TERMINAL, app.clock.now())
    halts = "halt" if cleared == 1 else "halts"
    screen().print(f"{cleared} {halts} lifted.", style="green" if cleared else "yellow")
    return 0 if cleared else 1


async def _clear_opt_out(app: App, args: Namespace) -> int:
    user_id = await user_id_of(app, args.user)
    account_id = await account_of(app, args.account)
    known = await app.ledger.known_peers(account_id, [user_id], app.clock.now())
    if known[user_id].opted_out_at is not None:
        await confirm_person(app, deed("clear an opt-out", account_id, user_id))
        if await app.ledger.clear_opt_out(account_id, user_id, TERMINAL, app.clock.now()):
            screen().print(f"The opt-out of {user_id} is lifted.", style="green")
            return 0
    screen().print(f"{user_id} had not opted out.", style="yellow")
    return 1


async def account_of(app: App, given: str | None) -> str:
    """Return the account's id: the one given, which asks nobody, or the one of the credentials."""
    if given is None:
        return (await app.people.account()).id
    if not USER_ID.match(given):
        raise BadInput("--account takes the account's numeric user id.")
    return given


async def user_id_of(app: App, who: str) -> str:
    """Return the id of a person, of whom we must have heard before: an opt-out was heard."""
    name = normalise(who)
    if USER_ID.match(name):
        return name
    user = await app.people.known(name)
    if user is None:
        raise NotFound(f"Nobody called {plain(name)} is known here; give the numeric user id.")
    return user.id
