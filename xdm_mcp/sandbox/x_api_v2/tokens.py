"""Who calls: bearer tokens, the accounts they speak for and the scopes they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdm_mcp.sandbox import SANDBOX_APP_TOKEN, SANDBOX_TOKEN

ALL_SCOPES = frozenset(
    {"dm.read", "dm.write", "tweet.read", "users.read", "follows.read", "media.write"}
)
"""Every scope that the imitated endpoints ask for (X API v2 OpenAPI 2.167, 2026-08)."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a bearer token is good for.

    `account_id` None means the owner of the sandbox; `app_only` that it speaks for no user at all.
    """

    account_id: str | None = None
    scopes: frozenset[str] = ALL_SCOPES
    app_only: bool = False


BUILT_IN: Mapping[str, Token] = {
    SANDBOX_TOKEN: Token(),
    SANDBOX_APP_TOKEN: Token(app_only=True),
}


def token_of(authorization: str, tokens: Mapping[str, Token]) -> Token | None:
    """Return the token that an Authorization header carries, None if it is missing or unknown."""
    kind, _, value = authorization.partition(" ")
    return tokens.get(value.strip()) if kind.lower() == "bearer" else None
