"""Codes and tokens: what was issued, to whom, and what is spent.

A code lives for 30 seconds and is used once, as is a refresh token; one that is used again ends all
tokens of its family. It all belongs to one process: a sandbox that starts again knows no login.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from xdm_mcp.clock import Clock
from xdm_mcp.sandbox.x_api_v2.tokens import ALL_SCOPES, Token

PUBLIC_CLIENT = "sandbox-client"
CONFIDENTIAL_CLIENT = "sandbox-web-client"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - the pretend X's own word
CLIENTS: Mapping[str, str] = {PUBLIC_CLIENT: "", CONFIDENTIAL_CLIENT: CLIENT_SECRET}
"""The apps that the pretend X knows, with the secrets of those that have one."""

CODE_LIVES = timedelta(seconds=30)
OFFLINE = "offline.access"


@dataclass(slots=True)
class Family:
    """All tokens that came of one consent."""

    client_id: str
    scopes: frozenset[str]
    refresh: str | None = None
    spent: set[str] = field(default_factory=set)
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code's terms."""

    client_id: str
    redirect_uri: str
    challenge: str
    scopes: frozenset[str]
    ends_at: datetime


class Authority:
    """The authorization server's memory.

    `denies` makes the person at the consent page say no; `grants`, if given, is all they grant;
    `expires_in` is how many seconds new access tokens live. `counts` says how often each grant was
    answered with new tokens, and how often a spent token came back.
    """

    def __init__(self, clock: Clock, expires_in: int = 7200) -> None:
        """Begin with nothing issued."""
        self.clock = clock
        self.reset(expires_in)

    def reset(self, expires_in: int = 7200) -> None:
        """Forget everything that was issued."""
        self.expires_in = expires_in
        self.denies = False
        self.grants: frozenset[str] | None = None
        self.counts = {"authorization_code": 0, "refresh_token": 0, "reused": 0}
        self.families: list[Family] = []
        self._codes: dict[str, Code] = {}
        self._access: dict[str, tuple[Family, datetime]] = {}

    def code(self, client_id: str, redirect_uri: str, challenge: str, scopes: set[str]) -> str:
        """Return a new code for what the person grants of `scopes`."""
        granted = frozenset(scopes & (ALL_SCOPES | {OFFLINE}))
        if self.grants is not None:
            granted &= self.grants
        code, ends_at = _new("code"), self.clock.now() + CODE_LIVES
        self._codes[code] = Code(client_id, redirect_uri, challenge, granted, ends_at)
        return code

    def redeem(
        self, code: str, client_id: str, redirect_uri: str, verifier: str
    ) -> dict[str, object] | None:
        """Return the first tokens for a code, None where anything does not fit."""
        terms = self._codes.pop(code, None)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        fits = (
            terms is not None
            and self.clock.now() < terms.ends_at
            and (terms.client_id, terms.redirect_uri) == (client_id, redirect_uri)
            and terms.challenge == challenge
        )
        if terms is None or not fits:
            return None
        family = Family(client_id, terms.scopes)
        self.families.append(family)
        self.counts["authorization_code"] += 1
        return self._issue(family)

    def refresh(self, token: str, client_id: str) -> dict[str, object] | None:
        """Return the next tokens for a refresh token; a spent one ends its family."""
        for family in self.families:
            if token in family.spent:
                self.counts["reused"] += 1
                family.alive = False
            elif token == family.refresh and family.alive and family.client_id == client_id:
                family.spent.add(token)
                self.counts["refresh_token"] += 1
                return self._issue(family)
        return None

    def revoke(self, token: str) -> None:
        """End the family of a token, if there is one."""
        access = self._access.get(token)
        for family in self.families:
            if token == family.refresh or (access is not None and access[0] is family):
                family.alive = False

    def expire(self) -> None:
        """End every access token, as if its time had passed."""
        self._access = {token: (f, self.clock.now()) for token, (f, _) in self._access.items()}

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """Return what an access token may do, None where it is worth nothing (any more)."""
        family, ends_at = self._access.get(token, (None, None))
        if family is None or ends_at is None or not family.alive or self.clock.now() >= ends_at:
            return None
        return family.scopes

    def _issue(self, family: Family) -> dict[str, object]:
        access = _new("access")
        self._access[access] = (family, self.clock.now() + timedelta(seconds=self.expires_in))
        family.refresh = _new("refresh") if OFFLINE in family.scopes else None
        return {
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "access_token": access,
            "scope": " ".join(sorted(family.scopes)),
            **({"refresh_token": family.refresh} if family.refresh else {}),
        }


class Issued(Mapping[str, Token]):
    """The tokens that the façade of the API accepts: those given, and those issued and alive."""

    def __init__(self, authority: Authority, given: Mapping[str, Token]) -> None:
        """Look into both."""
        self._authority = authority
        self._given = given

    def __getitem__(self, token: str) -> Token:
        if token in self._given:
            return self._given[token]
        scopes = self._authority.scopes_of(token)
        if scopes is None:
            raise KeyError(token)
        return Token(scopes=scopes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _new(kind: str) -> str:
    return f"sandbox-{kind}-{secrets.token_urlsafe(24)}"
