"""What the doctor finds out about credentials without asking the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from xdm_mcp.app import App
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.cli.keeping import told
from xdm_mcp.cli.login import name_of
from xdm_mcp.clock import moment
from xdm_mcp.config import Settings
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.files import shared
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.speaker import NAMES, explicit
from xdm_mcp.credentials.store import Store, again, open_store
from xdm_mcp.errors import XdmError
from xdm_mcp.sources import SECRETS


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found. `next` is the next step for the owner, empty where there is none."""

    name: str
    state: Literal["ok", "note", "fail"]
    says: str
    next: str = ""


def credentials(settings: Settings, now: datetime) -> Iterator[Check]:
    """Look at what the chosen backend would speak with: whose, what it can do, how it is kept."""
    yield from _secret_files(settings)
    if settings.backend not in NAMES:
        yield Check("login", "ok", f"The backend {settings.backend} needs none.")
        return
    if settings.backend in RISKS:
        yield Check("risk", "note", RISKS[settings.backend], "You acknowledged it.")
    if explicit(settings):
        yield _explicit(settings)
        return
    store = open_store(settings.home, settings.ledger_url)
    try:
        record = store.load(settings.backend)
    except XdmError as error:
        step = f"Then {again(settings.backend)}, if it must be made anew."
        yield Check("login", "fail", str(error), step)
        return
    if record is None:
        says = f"Nobody is logged in at {settings.backend}."
        yield Check("login", "fail", says, _capital(f"{again(settings.backend)}."))
        return
    kept = store.whereabouts(settings.backend)
    yield _login(settings, record, store, f"{name_of(record)}, kept in {kept}.")
    if record.is_oauth2:
        yield _scopes(record)
        yield _token(record, now)


def private_file(name: str, path: Path) -> Check:
    """Look whether a file is ours alone."""
    try:
        open_to_others = shared(path.stat())
    except OSError as error:
        return Check(name, "fail", f"{path}: {error.strerror}.", "Correct the setting or the file.")
    if open_to_others:
        return Check(name, "fail", f"{path} is open to other users.", f"Run `chmod 600 {path}`.")
    return Check(name, "ok", f"{path} is yours alone.")


async def keeping_check(app: App, account_id: str | None) -> Check:
    """Look at what is kept and what should be."""
    keep = app.settings.inbox.keep
    try:
        span = await app.ledger.kept_span(account_id) if account_id else None
        number = await app.ledger.kept_count(account_id) if account_id and span else 0
    except XdmError as error:
        return Check("kept", "note", str(error))
    if span is None:
        return Check("kept", "ok", told(keep))
    held = f"{number} of them, from {moment(span.oldest)} to {moment(span.newest)}."
    if keep == "none":
        step = "A server erases them at its next start, or run `xdm-mcp forget`."
        return Check("kept", "note", f"No message is to be kept, and there are {held}", step)
    return Check("kept", "ok", f"{told(keep)[:-1]}: {held}")


def _secret_files(settings: Settings) -> Iterator[Check]:
    """Look at the file of every secret that the owner keeps in one."""
    for name in SECRETS:
        file: Path | None = getattr(settings, f"{name}_file")
        if file is not None:
            called = "token file" if name == "x_access_token" else f"{name}_file"
            yield private_file(called, file)


def _explicit(settings: Settings) -> Check:
    """Say that settings win over the store, and which of them are missing."""
    names = NAMES[settings.backend]
    missing = [f"XDM_{name.upper()}" for name in names if getattr(settings, name) is None]
    if missing:
        step = "Set them too, or unset the others and log in."
        return Check("login", "fail", f"{', '.join(missing)} is not set.", step)
    stored = Store(settings.home).file_of(settings.backend).exists()
    beside = "; the stored login is not used" if stored else ""
    return Check("login", "ok", f"Your settings hold what {settings.backend} needs{beside}.")


def _login(settings: Settings, record: Record, store: Store, says: str) -> Check:
    step = _capital(f"{again(record.backend)}.")
    origin = settings.base_url or (oauth.ORIGIN if record.is_oauth2 else record.origin)
    if record.origin != origin:
        elsewhere = f"The login is for {record.origin}, and the settings name {origin}."
        return Check("login", "fail", elsewhere, step)
    if record.broken:
        return Check("login", "fail", "X no longer renews the login.", step)
    cut_off = store.cut_off_at(record)
    if cut_off is not None:
        doubt = f"A renewal was cut off at {moment(cut_off)}: the next one may fail."
        return Check("login", "note", f"{says} {doubt}", f"If it does, {again(record.backend)}.")
    return Check("login", "ok", says)


def _scopes(record: Record) -> Check:
    lacks = [scope for scope in oauth.SCOPES if scope not in record.scopes]
    if not lacks:
        return Check("scopes", "ok", f"{' '.join(record.scopes)}.")
    says = f"Not granted: {'; '.join(f'{scope}, so {oauth.WITHOUT[scope]}' for scope in lacks)}."
    vital = any(scope.startswith(("dm.", "tweet.", "users.")) for scope in lacks)
    step = "Give the app Read, write and Direct Messages, then log in again."
    return Check("scopes", "fail" if vital else "note", says, step)


def _token(record: Record, now: datetime) -> Check:
    if record.expires_at is None:
        return Check("token", "note", "Nobody said when it ends.")
    if record.expires_at > now:
        return Check("token", "ok", f"Ends {moment(record.expires_at)}.")
    if record.refresh:
        return Check("token", "ok", "It has ended and is renewed when it is next needed.")
    step = _capital(f"{again(record.backend)}.")
    return Check("token", "fail", "It has ended and cannot be renewed.", step)


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
