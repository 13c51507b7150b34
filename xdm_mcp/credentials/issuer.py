"""Tokens of an authorization server, checked with its keys (RFC 9068, 2021-10; RFC 8725, 2020-02).

Issuer, audience, subject and expiry must be there and fit. Who signs is settled by the owner's
settings; nothing in a token chooses a key from elsewhere, or a way of signing that is not allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from xdm_mcp.clock import Clock
from xdm_mcp.credentials.issuer_keys import Fetch, IssuerKeys, fetch_json
from xdm_mcp.credentials.tokens import SCOPES
from xdm_mcp.sections import SIGNATURES, OAuthSettings

LEEWAY = timedelta(seconds=30)
"""How far the issuer's clock may be from ours."""

LONGEST = 8_192
"""Characters of a token that is looked at."""

KINDS = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What a token may say that it is; an ID token is refused by its audience."""

REQUIRED = ("iss", "sub", "aud", "exp")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: who (`issuer`, `subject`), through which `client`, what for."""

    issuer: str
    subject: str
    client: str
    scopes: tuple[str, ...]
    expires_at: datetime


class Issuer:
    """Checks tokens of one authorization server."""

    subject_claim = "sub"

    def __init__(self, settings: OAuthSettings, clock: Clock, keys: IssuerKeys) -> None:
        """Take tokens of the issuer of the settings, for their audience, signed as they allow."""
        self.issuer = settings.issuer or ""
        self.audience = settings.audience or ""
        self._algorithms = SIGNATURES.intersection(settings.algorithms)
        self._clock = clock
        self._keys = keys

    async def verify(self, token: str) -> Claims | None:
        """Return what a token says, None where it opens nothing here.

        Raises Unavailable while the issuer's keys cannot be had.
        """
        import jwt

        if len(token) > LONGEST or token.count(".") != 2:
            return None
        try:
            head = jwt.get_unverified_header(token)
            algorithm, kid = head.get("alg"), head.get("kid")
            kind = str(head.get("typ", "JWT")).lower()
            if algorithm not in self._algorithms or kind not in KINDS:
                return None
            key = await self._keys.find(kid, algorithm)
            if key is None:
                return None
            said = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                # Times are looked at below, by our own clock.
                options={
                    "require": list(REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return self._claims(said)

    def _claims(self, said: Mapping[str, Any]) -> Claims | None:
        now, subject = self._clock.now(), said["sub"]
        ends = _moment(said["exp"], LEEWAY)
        begins = [_moment(said[name]) for name in ("nbf", "iat") if name in said]
        if not isinstance(subject, str) or not subject.strip() or ends is None:
            return None
        if now >= ends or any(one is None or one > now + LEEWAY for one in begins):
            return None
        client = said.get("client_id", said.get("azp", ""))
        return Claims(self.issuer, subject, str(client), _scopes(said), ends)


def issuer_of(settings: OAuthSettings, clock: Clock, fetch: Fetch = fetch_json) -> Issuer | None:
    """Return what checks tokens as the settings say, None where they name no issuer."""
    if settings.issuer is None:
        return None
    return Issuer(settings, clock, IssuerKeys(settings.issuer, settings.jwks_url, clock, fetch))


def _moment(seconds: object, more: timedelta = timedelta()) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    if not math.isfinite(seconds):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC) + more
    except (OverflowError, OSError, ValueError):
        return None


def _scopes(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return those of our scopes that were granted, as `scope` or, at some issuers, `scp`."""
    granted = said.get("scope", said.get("scp", ()))
    words = granted.split() if isinstance(granted, str) else granted
    return tuple(scope for scope in SCOPES if isinstance(words, (list, tuple)) and scope in words)
