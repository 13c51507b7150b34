"""`xdm-mcp whoami` and `logout`: whom the stored logins speak for, and how one ends."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime

import anyio

from xdm_mcp.cli.login import name_of, settings_of
from xdm_mcp.cli.opening import loaded
from xdm_mcp.cli.paint import plain, print_json, screen, show
from xdm_mcp.clock import moment, rfc3339
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.locks import locked
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.speaker import NAMES, OAUTH2
from xdm_mcp.credentials.store import Store, open_store
from xdm_mcp.errors import ConfigError


def logout(args: Namespace) -> int:
    """Have the service forget the tokens where it can, and forget the login here."""
    settings = settings_of(args)
    store = open_store(settings.home, settings.ledger_url)
    if store.place_of(settings.backend) is None:
        screen().print(f"Nobody is logged in at {settings.backend}.", style="yellow")
        return 1
    ended = anyio.run(_forget, store, settings.backend)
    screen().print(f"Logged out of {settings.backend}: nothing of it is kept here.", style="green")
    if not ended:
        screen().print(_still_valid(settings.backend), style="yellow")
    return 0


async def _forget(store: Store, backend: str) -> bool:
    """Forget a login while nobody renews it; return whether the service ended its tokens."""
    async with locked(store.lock_of(backend)):
        try:
            record = store.load(backend)
        except ConfigError:  # damaged or open to others: all the more reason to remove it
            record = None
        ended = record is not None and record.is_oauth2 and oauth.revoke(record)
        store.delete(backend)
        store.wipe_note(backend)
    return ended


def whoami(args: Namespace) -> int:
    """Print whom the stored logins speak for; asks no network and shows no secret."""
    settings = loaded(args, backend=args.backend)
    store = open_store(settings.home, settings.ledger_url)
    backends = [args.backend] if args.backend else list(NAMES)
    records = [record for backend in backends if (record := store.load(backend))]
    if args.json:
        print_json([_as_json(record, store) for record in records])
    for number, record in enumerate([] if args.json else records):
        if number:
            print()
        _draw(record, store)
    if not records and not args.json:
        screen().print("Nobody is logged in; `xdm-mcp login` does it.", style="yellow")
    return 0 if records else 1


def _still_valid(backend: str) -> str:
    """Return what a person does so that the secrets are worth nothing any more."""
    if backend == OAUTH2:
        return "X did not confirm the end of the tokens: revoke the app in X's settings."
    if backend == "x-api-v1":
        return "The keys themselves stay valid: regenerate them in X's developer console."
    return (
        "The key and the session stay valid elsewhere: renew the key, and log the session out on"
        " x.com (Settings, Apps and sessions)."
    )


def _draw(record: Record, store: Store) -> None:
    console = screen()
    show(console, "account", name_of(record), "bold")
    show(console, "at", f"{record.backend}, {plain(record.origin)}")
    show(console, "kept in", store.whereabouts(record.backend))
    if record.is_oauth2:
        show(console, "may", " ".join(record.scopes) or "unknown")
        if record.expires_at:
            ended = record.expires_at <= datetime.now(UTC)
            after = ", renewed when next needed" if record.secrets.get("x_refresh_token") else ""
            show(
                console,
                "token",
                f"{'ended' if ended else 'ends'} {moment(record.expires_at)}{after}",
            )
    if record.broken:
        show(console, "broken", "X no longer renews it: run `xdm-mcp login`.", "bold red")


def _as_json(record: Record, store: Store) -> dict[str, object]:
    return {
        "backend": record.backend,
        "origin": record.origin,
        "account_id": record.account_id,
        "handle": record.handle or None,
        "kept_in": store.whereabouts(record.backend),
        "scopes": list(record.scopes),
        "expires_at": rfc3339(record.expires_at) if record.expires_at else None,
        "broken": record.broken,
    }
