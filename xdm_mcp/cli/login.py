"""`xdm-mcp login`: whom the server is to speak for.

Secrets are typed without echo or read from files. They never pass through arguments, the
environment or a tool, and nothing is stored before a person has seen whose account answered.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio

from xdm_mcp.backends.registry import open_backend
from xdm_mcp.cli.asking import secret
from xdm_mcp.cli.keeping import settle_keeping
from xdm_mcp.cli.opening import loaded
from xdm_mcp.cli.paint import plain, screen, show
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import Settings, read_secret
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.files import write_private
from xdm_mcp.credentials.locks import locked
from xdm_mcp.credentials.record import CLIENT, Record
from xdm_mcp.credentials.speaker import NAMES, OAUTH2, explicit, explicit_names, with_secrets
from xdm_mcp.credentials.store import Place, Store, open_store
from xdm_mcp.errors import BadInput, ConfigError, XdmError
from xdm_mcp.models.people import User, full_name
from xdm_mcp.sources import POLICY_FILE

PROMPTS: Mapping[str, str] = {
    "x_consumer_key": "API key of the app (consumer key)",
    "x_consumer_secret": "API key secret of the app (consumer secret)",
    "x_token": "access token of your account",
    "x_token_secret": "access token secret of your account",
    "getxapi_key": "GetXAPI key",
    "getxapi_auth_token": "`auth_token` cookie of your X account",
    "twitterapi_io_key": "twitterapi.io key",
    "twitterapi_io_cookies": "login cookies, as twitterapi.io's log-in gave them",
    "twitterapi_io_proxy": "address of the proxy, with its password",
}
"""What is asked for by name."""


def login(args: Namespace) -> int:
    """Log in, show whose account answered, ask, and store the login."""
    settings = settings_of(args)
    place = args.store
    store = open_store(settings.home, settings.ledger_url)
    store.check(place)
    open_backend(settings, SystemClock())  # says at once what cannot be
    before = _present(settings)
    found = (
        _oauth2(args, settings, before) if settings.backend == OAUTH2 else _typed(args, settings)
    )
    record = _whose(settings, found)
    if not _agreed(record, before):
        if record.is_oauth2:
            oauth.revoke(record)
        screen().print("Nothing was stored.", style="yellow")
        return 1
    anyio.run(_keep, store, record, place)
    where = store.whereabouts(record.backend)
    screen().print(f"Logged in: the login is kept in {where}.", style="green")
    _use(args, settings, record)
    settle_keeping(args, settings)
    return 0


def settings_of(args: Namespace) -> Settings:
    """Return the settings of the backend to log in at: X's own unless another one was chosen."""
    base_url = getattr(args, "base_url", None)
    settings = loaded(args, backend=args.backend, base_url=base_url)
    if args.backend is None and settings.backend == "sandbox":
        settings = loaded(args, backend=OAUTH2, base_url=base_url)
    if settings.backend not in NAMES:
        known = ", ".join(NAMES)
        raise BadInput(f"Nobody logs in at {plain(settings.backend)}: choose one of {known}.")
    return settings


def _present(settings: Settings) -> Record | None:
    """Return the login that would be replaced; one that cannot be read is none."""
    try:
        return open_store(settings.home, settings.ledger_url).load(settings.backend)
    except XdmError:
        return None


def _oauth2(args: Namespace, settings: Settings, before: Record | None) -> Record:
    from xdm_mcp.cli.consent import consented

    client = _client(settings, before)
    origin = settings.base_url or oauth.ORIGIN
    grant = consented(client, origin, args.port, headless=args.headless)
    for scope in grant.missing:
        says = f"Not granted: {scope}, so {oauth.WITHOUT[scope]}."
        screen().print(says, style="yellow")
    return Record(
        backend=OAUTH2,
        origin=origin,
        account_id="",
        handle="",
        secrets={**grant.secrets, **({CLIENT: client.secret} if client.secret else {})},
        client_id=client.id,
        scopes=grant.scopes,
        renew_at=grant.renew_at,
        expires_at=grant.expires_at,
    )


def _client(settings: Settings, before: Record | None) -> oauth.Client:
    """Return the app to log in with, asked for where no setting says it."""
    usual = settings.x_client_id or (before.client_id if before else "")
    client_id = settings.x_client_id or _line("Client id of your app", usual)
    if not client_id or not client_id.isascii() or not client_id.isprintable():
        raise BadInput("A login needs the client id of an X app; README.md says how to get one.")
    known = settings.x_client_secret
    if known is not None:
        return oauth.Client(client_id, known.get_secret_value())
    return oauth.Client(client_id, _secret("Client secret (empty for a Native App): "))


def _typed(args: Namespace, settings: Settings) -> Record:
    """Return the secrets of a backend that has no page to log in at: from files, else typed."""
    files = _files(args, settings)
    secrets = {}
    for name in NAMES[settings.backend]:
        file = files.get(name)
        text = read_secret(file, name).get_secret_value() if file else ""
        text = text or _secret(f"{PROMPTS[name]}: ").strip()
        if not text or not text.isprintable() or " " in text:
            raise BadInput(f"That is no {PROMPTS[name]}: it is one word; nothing was stored.")
        secrets[name] = text
    return Record(settings.backend, "", "", "", secrets)


def _files(args: Namespace, settings: Settings) -> dict[str, Path]:
    """Return the files that hold secrets, by the secret's name."""
    files: dict[str, Path] = {}
    for given in args.file:
        name, _, path = given.partition("=")
        if name not in NAMES[settings.backend] or not path:
            names = ", ".join(NAMES[settings.backend])
            raise BadInput(f"--file takes NAME=PATH, where NAME is one of {names}.")
        files[name] = Path(path).expanduser()
    return files


def _whose(settings: Settings, found: Record) -> Record:
    """Return the login with the account that the service names. Raises what `me` raises."""

    async def ask() -> tuple[User, str]:
        bare = settings.model_copy(update=dict.fromkeys(NAMES[settings.backend]))
        backend = open_backend(with_secrets(bare, found.secrets), SystemClock())
        try:
            return await backend.me(), backend.origin
        finally:
            await backend.close()

    user, origin = anyio.run(ask)
    return replace(
        found,
        account_id=user.id,
        handle=user.handle or "",
        origin=found.origin or origin,
    )


def _agreed(record: Record, before: Record | None) -> bool:
    """Show whose account answered and ask."""
    console = screen()
    show(console, "account", name_of(record), "bold")
    show(console, "at", f"{record.backend}, {plain(record.origin)}")
    if before is not None and before.account_id != record.account_id:
        show(console, "instead of", name_of(before), "yellow")
    return _yes("Is this the account that the server is to speak for?", usually=False)


async def _keep(store: Store, record: Record, place: Place) -> None:
    """Store the login while nobody renews the one that it replaces."""
    async with locked(store.lock_of(record.backend)):
        with store.alone(record.backend):
            store.save(record, place)
            store.wipe_note(record.backend)


def _use(args: Namespace, settings: Settings, record: Record) -> None:
    """Offer to make the login's backend the one that the server uses."""
    chosen = loaded(args)
    same_place = chosen.base_url == settings.base_url
    if explicit(settings):
        names = " or ".join(f"XDM_{name.upper()}" for name in explicit_names(settings))
        screen().print(f"{names} is set and wins over the login; unset it.", style="yellow")
    if chosen.backend == record.backend and same_place:
        return
    lines = [f'backend = "{record.backend}"']
    if not same_place and settings.base_url:
        lines.append(f'base_url = "{settings.base_url}"')
    if _written(settings.home / POLICY_FILE, lines):
        screen().print("The server uses it from its next start on.", style="green")
    else:
        screen().print(f"To use it, set XDM_BACKEND={record.backend}.", style="yellow")


def _written(policy: Path, lines: list[str]) -> bool:
    """Write `lines` at the head of the owner's file, if the owner agrees and nothing says otherwise
    already; whether that was done."""
    text = policy.read_text("utf-8-sig") if policy.exists() else ""
    keys = {line.partition("=")[0].strip() for line in text.split("\n")}
    question = f"Use it from now on? This writes {' and '.join(lines)} into {policy}"
    if keys & {"backend", "base_url"} or "XDM_BACKEND" in os.environ:
        return False
    if not _yes(question, usually=True):
        return False
    try:
        write_private(policy, "\n".join([*lines, text]))
    except ConfigError as error:
        screen().print(str(error), style="yellow")
        return False
    return True


def name_of(record: Record) -> str:
    """Return a login's account as people know it."""
    return full_name(plain(record.handle), record.account_id)


def _secret(question: str) -> str:
    try:
        return secret(question)
    except BadInput:
        raise BadInput(
            "Nobody can be asked for a secret here: run it in a terminal, or name files with --file"
            " (for an app's secret, XDM_X_CLIENT_SECRET_FILE)."
        ) from None


def _line(question: str, usual: str) -> str:
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: run it in a terminal, or set XDM_X_CLIENT_ID.")
    try:
        return input(f"{question}{f' [{usual}]' if usual else ''}: ").strip() or usual
    except EOFError:
        return usual


def _yes(question: str, *, usually: bool) -> bool:
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: run it in a terminal; nothing was stored.")
    try:
        said = input(f"{question} [{'Y/n' if usually else 'y/N'}] ").strip().lower()
    except EOFError:
        return False
    return said in {"y", "yes"} or (usually and not said)
