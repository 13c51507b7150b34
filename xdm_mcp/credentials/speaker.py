"""Whom the server speaks for: what the owner set explicitly, else the stored login, never a mixture
of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from xdm_mcp.clock import Clock
from xdm_mcp.config import Settings
from xdm_mcp.credentials.bearer import StoredBearer
from xdm_mcp.credentials.oauth import ORIGIN
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.redaction import watch
from xdm_mcp.credentials.store import again, open_store
from xdm_mcp.errors import ConfigError

OAUTH2 = "x-api-v2"
"""The backend whose login is OAuth 2.0."""

NAMES: Mapping[str, tuple[str, ...]] = {
    OAUTH2: ("x_access_token",),
    "x-api-v1": ("x_consumer_key", "x_consumer_secret", "x_token", "x_token_secret"),
    "getxapi": ("getxapi_key", "getxapi_auth_token"),
    "twitterapi-io": ("twitterapi_io_key", "twitterapi_io_cookies", "twitterapi_io_proxy"),
}
"""The settings that are the secrets of each backend."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """The settings with the secrets to speak with, or a `bearer` that has them."""

    settings: Settings
    login: Record | None = None
    bearer: StoredBearer | None = None

    @property
    def account_id(self) -> str | None:
        """The account that the login was made for, None where the owner set the secrets."""
        if self.bearer is not None:
            return self.bearer.account_id
        return self.login.account_id if self.login else None

    async def speaks_for(self) -> str | None:
        """Return `account_id`, from a login that is looked up if need be. Raises what
        `Bearer.token` does."""
        if self.bearer is not None and self.bearer.account_id is None:
            await self.bearer.token()
        return self.account_id

    def check_origin(self, origin: str) -> None:
        """Raise ConfigError where the login's secrets would go to another place."""
        if self.login is not None and self.login.origin != origin:
            raise ConfigError(
                f"The stored login is for {self.login.origin} and goes nowhere else:"
                f" {again(self.login.backend)}."
            )


def speaker_for(settings: Settings, clock: Clock) -> Speaker:
    """Return who speaks. Asks no network. Raises ConfigError and Unavailable as the store does."""
    if explicit(settings) or settings.backend not in NAMES:
        return Speaker(settings)
    if settings.backend == OAUTH2:
        origin = settings.base_url or ORIGIN
        bearer = StoredBearer(settings.home, OAUTH2, origin, clock, ledger_url=settings.ledger_url)
        return Speaker(settings, bearer=bearer)
    login = open_store(settings.home, settings.ledger_url).load(settings.backend)
    return Speaker(with_secrets(settings, login.secrets) if login else settings, login)


def explicit(settings: Settings) -> bool:
    """Whether the owner set any secret of the chosen backend: then no login is looked at."""
    return bool(explicit_names(settings))


def explicit_names(settings: Settings) -> tuple[str, ...]:
    """Return the settings with which the owner says who speaks, none where a login does.

    The X API v2 takes the four keys of v1.1 too: all of them, where there is no token.
    """
    names, keys = NAMES.get(settings.backend, ()), NAMES["x-api-v1"]
    if any(getattr(settings, name) for name in names):
        return names
    signs = settings.backend == OAUTH2 and all(getattr(settings, key) for key in keys)
    return keys if signs else ()


def with_secrets(settings: Settings, secrets: Mapping[str, str]) -> Settings:
    """Return the settings with the secrets that the chosen backend knows, hidden in every log."""
    for secret in secrets.values():
        watch(secret)
    known = NAMES.get(settings.backend, ())
    given = {name: SecretStr(text) for name, text in secrets.items() if name in known}
    return settings.model_copy(update=given)
