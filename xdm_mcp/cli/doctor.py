"""`xdm-mcp doctor`: is everything there that sending needs, and if not, what is the next step?"""

from __future__ import annotations

import json
import os
import stat
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from xdm_mcp import __version__
from xdm_mcp.app import App, open_app
from xdm_mcp.cli.checks import Check, credentials, keeping_check
from xdm_mcp.cli.opening import settings_of
from xdm_mcp.cli.paint import plain, print_json, screen
from xdm_mcp.clock import moment, span
from xdm_mcp.credentials.store import Store
from xdm_mcp.errors import XdmError
from xdm_mcp.models.people import full_name
from xdm_mcp.models.quota import usd
from xdm_mcp.outbox.timing import SKEW, off
from xdm_mcp.sources import POLICY_FILE

if TYPE_CHECKING:
    from rich.console import Console

PIN_STEP = "Run `xdm-mcp approvals pin`."

MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "fail": ("✗", "bold red")}


def doctor(args: Namespace) -> int:
    """Check everything and print what was found; 1 when something fails."""
    checks = anyio.run(_examine, args)
    healthy = all(check.state != "fail" for check in checks)
    if args.json:
        print_json({"ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        _draw(screen(), checks)
    return 0 if healthy else 1


async def _examine(args: Namespace) -> list[Check]:
    program = Check("program", "ok", f"xdm-mcp {__version__} on Python {sys.version.split()[0]}.")
    try:
        settings = settings_of(args)
        async with open_app(settings) as app:
            found = [check async for check in _look_around(app, online=args.online)]
    except XdmError as error:
        return [program, Check("settings", "fail", str(error), "Correct it and run this again.")]
    return [program, *_policy(app), *found, _entry()]


def _policy(app: App) -> Iterator[Check]:
    policy = app.settings.home / POLICY_FILE
    if policy.exists():
        yield Check("policy", "ok", f"{policy} is in force.")
    else:
        yield Check("policy", "ok", f"The safe defaults are in force; {policy} would change them.")


async def _look_around(app: App, *, online: bool) -> AsyncIterator[Check]:
    yield _home(app.settings.home)
    yield await _ledger(app)
    yield await _clock(app)
    for check in credentials(app.settings, app.clock.now()):
        yield check
    if online or app.settings.backend == "sandbox":
        yield await _backend(app)
        if "backend" in app.__dict__ and app.backend.capabilities.balance:
            yield await _balance(app)
    else:
        says = f"{app.settings.backend} was not asked whether the credentials work."
        yield Check("backend", "note", says, "Run `xdm-mcp doctor --online`.")
    yield await keeping_check(app, await _account_id(app))
    yield await _pin(app)
    for check in _against_x(app):
        yield check
    yield _attachments(app.settings.attachments.folder)


def _home(home: Path) -> Check:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Check(
            "home",
            "fail",
            f"{home} cannot be made.",
            "Set XDM_HOME to a folder that you can write to.",
        )
    if not os.access(home, os.W_OK | os.X_OK):
        return Check(
            "home",
            "fail",
            f"{home} cannot be written to.",
            "Set XDM_HOME to a folder that you can.",
        )
    if _open_to_others(home):
        return Check("home", "note", f"{home} is open to other users.", f"Run `chmod 700 {home}`.")
    return Check("home", "ok", f"{home} is yours alone.")


async def _ledger(app: App) -> Check:
    try:
        held = await app.ledger.waiting()
    except XdmError as error:
        return Check("ledger", "fail", str(error), "Until it opens nothing can be sent.")
    return Check("ledger", "ok", f"{app.ledger.place} opens; {len(held)} sends wait. {_engine()}")


def _engine() -> str:
    import apsw

    return f"SQLite {apsw.sqlite_lib_version()}."


async def _clock(app: App) -> Check:
    now = app.clock.now()
    try:
        newest = await app.ledger.recent(1)
    except XdmError:
        return Check("clock", "note", f"{moment(now)}; the ledger could not be compared.")
    if newest and newest[0].created_at > now:
        ahead = span(newest[0].created_at - now)
        return Check(
            "clock", "fail", f"The clock is {ahead} behind the ledger.", "Set the machine's clock."
        )
    return Check("clock", "ok", f"{moment(now)}, not behind the ledger.")


async def _backend(app: App) -> Check:
    step = "Check XDM_BACKEND, XDM_BASE_URL and the login; docs/credentials.md explains them."
    try:
        account = await app.people.account()
    except XdmError as error:
        return Check("backend", "fail", str(error), step)
    who = full_name(plain(account.handle) if account.handle else None, account.id)
    says = f"{app.backend.name} at {app.backend.origin} answers for {who}."
    risk = app.backend.capabilities.risk
    return Check("backend", "note" if risk else "ok", says, risk or "")


async def _account_id(app: App) -> str | None:
    """Return the account's id where it is known without asking the network."""
    try:
        if app.people.knows_account:
            return (await app.people.account()).id
        record = Store(app.settings.home).load(app.settings.backend)
    except XdmError:
        return None
    return record.account_id if record else None


async def _balance(app: App) -> Check:
    try:
        left = (await app.backend.balance()).remaining
    except XdmError as error:
        return Check("balance", "note", str(error))
    says = f"{usd(left)} USD are left at {app.backend.name}."
    if left >= app.backend.capabilities.prices.send:
        return Check("balance", "ok", says)
    return Check("balance", "fail", says, "Add credits: nothing can be sent before.")


def _against_x(app: App) -> Iterator[Check]:
    """Compare the clock with X's, where the look at the backend brought a date."""
    skew = app.backend.skew if "backend" in app.__dict__ else None
    if skew is not None:
        says = off(skew)
        good = f"The clock is within {SKEW.total_seconds():.0f} seconds of X's."
        yield Check("x's clock", "fail" if says else "ok", says or good)


async def _pin(app: App) -> Check:
    try:
        known = await app.desk.pin.is_set()
    except XdmError as error:
        return Check("pin", "note", str(error))
    if known:
        return Check("pin", "ok", "A PIN is set; approving asks for it.")
    return Check("pin", "note", "No PIN is set, so nothing can be approved yet.", PIN_STEP)


def _attachments(folder: Path) -> Check:
    if not folder.is_dir():
        return Check(
            "attachments", "ok", "None can be sent.", f"Put images into {folder} to allow it."
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return Check(
            "attachments", "fail", f"{folder} cannot be read.", f"Run `chmod 700 {folder}`."
        )
    return Check("attachments", "ok", f"{sum(1 for _ in folder.iterdir())} files in {folder}.")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _entry() -> Check:
    """Say what goes into the configuration of a desktop client, whatever folder it starts in."""
    server = {"command": sys.executable, "args": ["-m", "xdm_mcp"]}
    return Check("client", "ok", json.dumps({"mcpServers": {"xdm": server}}))


def _draw(console: Console, checks: list[Check]) -> None:
    from rich.text import Text

    width = max(len(check.name) for check in checks)
    for check in checks:
        mark, style = MARKS[check.state]
        console.print(Text.assemble((f"{mark} ", style), f"{check.name:<{width}}  {check.says}"))
        if check.next:
            console.print(Text(f"  {'':<{width}}  → {check.next}", style=style))
