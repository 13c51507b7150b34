"""`xdm-mcp approvals pin` and `approvals passkeys`: how the owner proves to be the owner."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import REMOVE_LOST_PASSKEY
from xdm_mcp.cli.asking import change_pin, choose_first_pin, confirm_person
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import aligned, plain, print_json, screen
from xdm_mcp.clock import moment, rfc3339
from xdm_mcp.errors import NotFound

if TYPE_CHECKING:
    from xdm_mcp.models.factors import Passkey

SHORTEST_PREFIX = 4
"""How many first characters of a passkey's id name it at least."""


def pin(args: Namespace) -> int:
    """Set the PIN, or change it with the old one."""
    return with_app(args, _pin)


def passkeys(args: Namespace) -> int:
    """List the owner's passkeys."""
    return with_app(args, _passkeys)


def remove_passkey(args: Namespace) -> int:
    """Forget one passkey, with the PIN: the way out where its device is lost."""
    return with_app(args, _remove)


async def _pin(app: App, args: Namespace) -> int:
    if not await choose_first_pin(app):
        await change_pin(app)
        screen().print("The PIN is changed.", style="green")
    return 0


async def _passkeys(app: App, args: Namespace) -> int:
    known = await app.desk.passkeys.known()
    if args.json:
        print_json([_as_json(passkey) for passkey in known])
    elif not known:
        screen().print("There is no passkey yet; the approval page adds one.")
    else:
        for row in aligned([_row(passkey) for passkey in known]):
            screen().print("  ".join(row).rstrip())
    return 0


async def _remove(app: App, args: Namespace) -> int:
    passkey = _named(await app.desk.passkeys.known(), args.id)
    proof = await confirm_person(app, REMOVE_LOST_PASSKEY, f"PIN to forget {plain(passkey.name)}: ")
    await app.desk.passkeys.remove_lost(passkey.id, proof)
    screen().print(f"Forgotten: {plain(passkey.name)}.", style="green")
    return 0


def _named(known: tuple[Passkey, ...], name: str) -> Passkey:
    exact = [passkey for passkey in known if passkey.id == name]
    near = [passkey for passkey in known if passkey.id.startswith(name)]
    found = exact or (near if len(name) >= SHORTEST_PREFIX else [])
    if len(found) != 1:
        raise NotFound("No passkey has that id; list them with `xdm-mcp approvals passkeys`.")
    return found[0]


def _row(passkey: Passkey) -> tuple[str, str, str, str]:
    used = f"last used {moment(passkey.used_at)}" if passkey.used_at else "never used"
    return passkey.id[:12], plain(passkey.name), f"added {moment(passkey.added_at)}", used


def _as_json(passkey: Passkey) -> dict[str, object]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "added_at": rfc3339(passkey.added_at),
        "used_at": rfc3339(passkey.used_at) if passkey.used_at else None,
    }
