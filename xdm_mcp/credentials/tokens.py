"""The tokens that remote agents show: made here, shown once, kept as digests.

A token is 256 random bits, so its plain SHA-256 tells nobody what it is. The file is read again
whenever it changed, so a token that is removed stops at once in every running server of the home.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from xdm_mcp.clock import rfc3339
from xdm_mcp.credentials.files import make_folder, read_private, write_private
from xdm_mcp.errors import BadInput, ConfigError, NotFound

READ = "dm:read"
SEND = "dm:send"
SCOPES = (READ, SEND)
"""All that a token can ever be good for: approving is not among it, and has no scope at all."""

PREFIX = "xdm_"
"""How a token of ours begins, so that scanners for lost secrets can know it."""

FILE = "tokens.json"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

DIGEST = re.compile(r"[0-9a-f]{64}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one token: by `name` its owner knows it; `principal` is for whom it acts,
    None where the home has no principals; `expires_at` is when it ends, if ever."""

    name: str
    digest: str
    scopes: tuple[str, ...]
    principal: str | None
    created_at: datetime
    expires_at: datetime | None = None


class Tokens:
    """The tokens of one home. Touches nothing before it is asked."""

    def __init__(self, home: Path) -> None:
        """Keep tokens for the home `home`."""
        self.path = home / FILE
        self._seen: tuple[int, int, int] | None = None
        self._known: tuple[Token, ...] = ()

    def listed(self) -> tuple[Token, ...]:
        """Return all tokens by name, ended ones too.

        Raises ConfigError for a file that others could read, or that is damaged.
        """
        text = read_private(self.path, "make new tokens")
        if text is None:
            return ()
        try:
            return tuple(_token(one) for one in json.loads(text)["tokens"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(
                f"{self.path} is damaged; remove it and make new tokens with `xdm-mcp tokens add`."
            ) from None

    def add(
        self,
        name: str,
        scopes: Collection[str],
        principal: str | None,
        now: datetime,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a token and return it; nothing can show it again.

        Raises BadInput for a name that is taken or none, and for unknown or no scopes.
        """
        if not NAME.fullmatch(name):
            raise BadInput(
                "A token's name is up to 64 letters, digits, dots, hyphens and underscores, and"
                " begins with a letter or digit."
            )
        if not scopes or not set(SCOPES).issuperset(scopes):
            raise BadInput(f"--scopes takes one or both of {', '.join(SCOPES)}.")
        secret = PREFIX + secrets.token_urlsafe(32)
        kept = tuple(scope for scope in SCOPES if scope in scopes)
        made = Token(name, digest_of(secret), kept, principal, now, expires_at)

        def with_it(known: tuple[Token, ...]) -> tuple[Token, ...]:
            if any(token.name == name for token in known):
                raise BadInput(f"There is a token {name} already; remove it or take another name.")
            return (*known, made)

        self._change(with_it)
        return secret

    def remove(self, name: str) -> None:
        """Forget a token; it opens nothing from now on. Raises NotFound."""

        def without_it(known: tuple[Token, ...]) -> tuple[Token, ...]:
            left = tuple(token for token in known if token.name != name)
            if left == known:
                raise NotFound("There is no such token; `xdm-mcp tokens list` names them.")
            return left

        self._change(without_it)

    def find(self, secret: str, now: datetime) -> Token | None:
        """Return the token that is shown, None for a stranger's or one that ended.

        Each that is known is compared, in constant time, so that a wrong one tells nothing. A file
        that cannot be trusted knows no token, which the log says once.
        """
        shown = digest_of(secret)
        found = [one for one in self._current() if hmac.compare_digest(one.digest, shown)]
        return found[0] if found and stands(found[0], now) else None

    def knows(self, token: Token, now: datetime) -> bool:
        """Whether a token that was shown before still opens what it did."""
        return stands(token, now) and token in self._current()

    def _current(self) -> tuple[Token, ...]:
        try:
            state = os.stat(self.path)
            seen = (state.st_ino, state.st_ctime_ns, state.st_size)  # who may read it counts too
        except OSError:
            self._seen, self._known = None, ()
            return ()
        if seen != self._seen:
            try:
                self._known = self.listed()
            except ConfigError as error:
                log.warning("%s", error)
                self._known = ()
            self._seen = seen
        return self._known

    def _change(self, change: Callable[[tuple[Token, ...]], tuple[Token, ...]]) -> None:
        from filelock import FileLock  # asks for more than a running server needs

        make_folder(self.path.parent)
        with FileLock(self.path.with_suffix(".lock"), mode=0o600):
            tokens = [_as_json(token) for token in change(self.listed())]
            write_private(self.path, json.dumps({"tokens": tokens}, indent=1) + "\n")


def digest_of(secret: str) -> str:
    """Return the digest by which a token is kept and compared."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def stands(token: Token, now: datetime) -> bool:
    """Whether a token has not ended yet."""
    return token.expires_at is None or now < token.expires_at


def _as_json(token: Token) -> dict[str, object]:
    ends = token.expires_at and rfc3339(token.expires_at)
    return asdict(token) | {"created_at": rfc3339(token.created_at), "expires_at": ends}


def _token(raw: dict[str, object]) -> Token:
    """Return a token as it was written. Raises ValueError, KeyError or TypeError for others."""
    name, digest, principal, scopes = (raw[k] for k in ("name", "digest", "principal", "scopes"))
    if not (isinstance(name, str) and isinstance(digest, str) and isinstance(scopes, list)):
        raise TypeError("not a token")
    if not (principal is None or isinstance(principal, str)) or not DIGEST.fullmatch(digest):
        raise TypeError("not a token")
    kept = tuple(scope for scope in SCOPES if scope in scopes)
    ends = raw["expires_at"]
    until = None if ends is None else _time(ends)
    return Token(name, digest, kept, principal, _time(raw["created_at"]), until)


def _time(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("not a time of ours")
    return moment
