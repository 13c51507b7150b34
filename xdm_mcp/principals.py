"""For whom a server over HTTP acts: the owner's file `principals.toml`, and each one's own home.

A principal is whoever an account belongs to. Each has a home of its own: policy, login, ledger,
attachments and sandbox, so that nothing of one can be reached from another. Without the file there
is one, the home itself, and nothing here applies.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import Field, model_validator

from xdm_mcp.config import Settings, load
from xdm_mcp.credentials.files import read_private
from xdm_mcp.credentials.speaker import NAMES, explicit_names
from xdm_mcp.credentials.store import Store
from xdm_mcp.errors import ConfigError, NotFound
from xdm_mcp.sections import ExactUrl, Section, UserPath
from xdm_mcp.sources import BEYOND
from xdm_mcp.tables import read

FILE = "principals.toml"

FOLDER = "principals"

MOST = 64
"""Principals of one server: each may be open at once, with its own ledger and its own work."""

NAME = r"^[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?$"

SCHEMA = "xdm_"
"""How the schema of a principal in a shared PostgreSQL database begins."""

POSTGRES = re.compile(r"postgres(ql)?://")


class Entry(Section):
    """One table `[[principal]]` of the file."""

    name: str = Field(pattern=NAME)
    issuer: ExactUrl | None = None
    subject: str | None = Field(default=None, min_length=1)
    home: UserPath | None = None

    @model_validator(mode="after")
    def _whole(self) -> Entry:
        if (self.issuer is None) != (self.subject is None):
            raise ValueError("needs both issuer and subject, or neither")
        return self


@dataclass(frozen=True, slots=True)
class Principal:
    """One principal: its name, its home, and the (issuer, subject) that acts for it, if any."""

    name: str
    home: Path
    identity: tuple[str, str] | None = None


def principals_of(home: Path) -> Mapping[str, Principal] | None:
    """Return the principals that the file in the home names; None where there is no file.

    Raises ConfigError with one sentence for whatever is wrong, also where two share a name, a home
    or a subject.
    """
    tables = _tables(home / FILE)
    if tables is None:
        return None
    found = [_principal(read(Entry, table, "principal"), home) for table in tables]
    if not found or len(found) > MOST:
        raise ConfigError(f"{FILE} names 1 to {MOST} principals, each as a table [[principal]].")
    _refuse_twice([one.name for one in found], "a name")
    _refuse_twice([one.home.resolve() for one in found], "a home")
    _refuse_twice([one.identity for one in found if one.identity], "an issuer and subject")
    return {one.name: one for one in found}


def principal_named(home: Path, name: str) -> Principal:
    """Return the principal of that name. Raises NotFound, and ConfigError as above."""
    known = principals_of(home) or {}
    if name not in known:
        raise NotFound(f"There is no such principal in {FILE} of {home}; add it there.")
    return known[name]


def settings_for(principal: Principal, server: Settings, **overrides: object) -> Settings:
    """Return a principal's settings: its own file alone, since the environment is the server's.

    A ledger of its own lies in its home, or in a schema of its own where the server's ledger is in
    PostgreSQL. Raises ConfigError.
    """
    own = load(home=principal.home, env={}, **overrides)
    if POSTGRES.match(server.ledger_url) and own.ledger_url == _embedded(own.home):
        return own.model_copy(update={"ledger_url": _in_schema(server.ledger_url, principal.name)})
    return own


def refuse_what_is_shared(settings: Iterable[Settings]) -> None:
    """Raise ConfigError where two principals would write one ledger, as far as its address tells:
    what waits there would be seen by both. Or speak for one account, as far as their logins and
    secrets tell: each would count limits and money by itself."""
    every, found = list(settings), list[object]()
    _refuse_twice([one.ledger_url for one in every], "a ledger")
    for one in every:
        if names := explicit_names(one):
            found.append(tuple(getattr(one, name) for name in names))
        elif one.backend in NAMES and (login := Store(one.home).load(one.backend)) is not None:
            found.append(login.account_id)
    _refuse_twice(found, "an account")


def _embedded(home: Path) -> str:
    return str(Settings.model_fields["ledger_url"].default).replace("{home}", str(home))


def _in_schema(url: str, name: str) -> str:
    schema = SCHEMA + name.replace("-", "_")
    if "options=" in url.partition("?")[2]:
        raise ConfigError(
            f"`ledger_url` has options of its own; with {FILE} leave them out, since each principal"
            " gets a schema."
        )
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-csearch_path={schema}')}"


def _tables(path: Path) -> list[Mapping[str, Any]] | None:
    text = read_private(path, "look whether it says what you wrote")
    if text is None:
        return None
    try:
        raw = tomllib.loads(text)
    except BEYOND:
        raise ConfigError(f"{FILE} is not valid TOML; correct it.") from None
    tables = raw.pop("principal", [])
    if raw or not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{FILE} holds tables [[principal]] and nothing else.")
    return tables


def _principal(entry: Entry, home: Path) -> Principal:
    own = home / (entry.home or Path(FOLDER) / entry.name)
    if "\0" in str(own):
        raise ConfigError(f"The home of {entry.name} in {FILE} is no path; write another.")
    identity = (entry.issuer, entry.subject) if entry.issuer and entry.subject else None
    return Principal(entry.name, own, identity)


def _refuse_twice(values: Iterable[object], what: str) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise ConfigError(f"Two principals in {FILE} share {what}; give each its own.")
        seen.add(value)
