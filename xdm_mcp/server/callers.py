"""Who calls over HTTP: what a request shows becomes a caller, who acts for one principal."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from pydantic import SecretStr
from starlette.types import Scope

from xdm_mcp.clock import Clock
from xdm_mcp.config import read_secret
from xdm_mcp.credentials.issuer import Claims
from xdm_mcp.credentials.redaction import watch
from xdm_mcp.credentials.tokens import SCOPES, Token, Tokens, digest_of
from xdm_mcp.errors import ConfigError
from xdm_mcp.principals import FILE, Principal
from xdm_mcp.sections import HttpSettings

ALONE = ""
"""The principal of a home without `principals.toml`: the home itself."""

KEY = "xdm_mcp.caller"

NOBODY = (
    "Nobody could call: make a token with `xdm-mcp tokens add NAME --scopes dm:read,dm:send`, then"
    " start again."
)


class Verifier(Protocol):
    """What checks the tokens of an authorization server."""

    @property
    def subject_claim(self) -> str | None:
        """The claim that says who a token is for; a verifier without one is refused at the
        start."""
        ...

    @property
    def issuer(self) -> str:
        """Whose tokens these are, as principals name it."""
        ...

    @property
    def audience(self) -> str:
        """Our own address, which a token must be made for."""
        ...

    async def verify(self, token: str) -> Claims | None:
        """Return what a token says, None where it opens nothing. May raise Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: for which principal, as which client, good for what and until when.

    `token` is what the owner keeps of a token of ours, None for one of an authorization server.
    """

    principal: str
    issuer: str
    subject: str
    client: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    token: Token | None = None

    def user(self) -> AuthenticatedUser:
        """Return the caller as the SDK binds sessions to it; the token itself stays outside."""
        claims = {"iss": self.issuer}
        scopes = sorted(self.scopes)
        shown = AccessToken(
            token="", client_id=self.client, scopes=scopes, subject=self.subject, claims=claims
        )
        return AuthenticatedUser(shown)


class Stranger(Exception):
    """A good token of somebody who acts for no principal here."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Everybody who may call: the tokens of the home, `fixed` from the settings, a verifier.

    `principals` are those of the owner's file, None where there is no file.
    """

    tokens: Tokens
    clock: Clock
    principals: Mapping[str, Principal] | None = None
    fixed: Token | None = None
    verifier: Verifier | None = None
    _subjects: Mapping[tuple[str, str], str] = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what could let a stranger in, or nobody. Raises ConfigError."""
        named = (self.principals or {}).values()
        subjects = {one.identity: one.name for one in named if one.identity is not None}
        object.__setattr__(self, "_subjects", subjects)
        if self.fixed is not None and self.principals is not None:
            raise ConfigError(
                f"`http.token` names no principal of {FILE}; use `xdm-mcp tokens add NAME"
                " --principal PRINCIPAL` instead."
            )
        self._refuse_unfit_verifier()
        if self.fixed is None and self.verifier is None and not self.tokens.listed():
            raise ConfigError(NOBODY)

    def _refuse_unfit_verifier(self) -> None:
        issuers = {issuer for issuer, _ in self._subjects}
        if self.verifier is None:
            if issuers:
                raise ConfigError(f"{FILE} names an issuer; set oauth.issuer and oauth.audience.")
            return
        if not self.verifier.subject_claim:
            raise ConfigError(
                "The token verifier names no subject, so one user of an issuer would pass for"
                " another; use one that does."
            )
        if issuers != {self.verifier.issuer}:
            raise ConfigError(
                f"oauth.issuer needs principals with just this issuer and a subject each in {FILE}:"
                " it says for whom each subject acts."
            )

    async def find(self, shown: str) -> Caller | None:
        """Return who shows this, None where it is no token that is good now.

        Raises Stranger, and Unavailable while nobody can tell.
        """
        now = self.clock.now()
        same = self.fixed is not None and _same(self.fixed, shown)
        token = self.fixed if same else self.tokens.find(shown, now)
        if token is not None:
            return self._of_token(token)
        claims = await self.verifier.verify(shown) if self.verifier is not None else None
        return self._of_claims(claims) if claims is not None else None

    def stands(self, caller: Caller) -> bool:
        """Whether a caller of before may still be answered."""
        now = self.clock.now()
        if caller.token is None:
            return caller.expires_at is None or now < caller.expires_at
        return caller.token is self.fixed or self.tokens.knows(caller.token, now)

    def _of_token(self, token: Token) -> Caller:
        known = {None} if self.principals is None else set(self.principals)
        if token.principal not in known:
            raise Stranger
        name = token.principal or ALONE
        scopes = frozenset(token.scopes)
        return Caller(name, "xdm-mcp", name, token.name, scopes, token.expires_at, token)

    def _of_claims(self, claims: Claims) -> Caller:
        name = self._subjects.get((claims.issuer, claims.subject))
        if name is None:
            raise Stranger
        return Caller(
            name,
            claims.issuer,
            claims.subject,
            claims.client,
            frozenset(claims.scopes),
            claims.expires_at,
        )


def fixed_token(settings: HttpSettings, clock: Clock) -> Token | None:
    """Return the one token of the settings, good for everything that a token can be good for.

    Raises ConfigError where it is given twice, or its file cannot be read.
    """
    if settings.token is not None and settings.token_file is not None:
        raise ConfigError("XDM_HTTP__TOKEN and `http.token_file` are both set; keep one.")
    secret: SecretStr | None = settings.token
    if settings.token_file is not None:
        secret = read_secret(settings.token_file, "`http.token_file`")
        watch(secret.get_secret_value())
    if secret is None:
        return None
    return Token("http.token", digest_of(secret.get_secret_value()), SCOPES, None, clock.now())


def bearer_of(credentials: Sequence[str]) -> str | None:
    """Return the one bearer token among a request's Authorization headers."""
    scheme, _, token = (credentials[0] if len(credentials) == 1 else "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def caller_in(scope: Scope) -> Caller | None:
    """Return who makes a request that the gate let in, None for any other."""
    found: Any = scope.get(KEY)
    return found if isinstance(found, Caller) else None


def _same(token: Token, shown: str) -> bool:
    return hmac.compare_digest(token.digest, digest_of(shown))
