"""Who a request speaks for: a fixed secret, a token that is renewed, or the four values of OAuth
1.0a. Values only; `signing.py` puts them into requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

if TYPE_CHECKING:
    from xdm_mcp.config import Settings


class Bearer(Protocol):
    """A token that lives for some hours and is renewed: what the credentials hand to a backend."""

    async def token(self) -> SecretStr:
        """Return a token that will hold for one call more, renewed ahead of its end.

        Raises Refused where a person must log in again, BackendUnavailable where it could not be
        renewed now.
        """
        ...

    async def renewed(self, refused: SecretStr) -> SecretStr:
        """Return the token that follows `refused`, which the service no longer took; renews at most
        once, whoever asks. Raises what `token` raises."""
        ...


@dataclass(frozen=True, slots=True)
class Credential:
    """The secret that goes into a header of each request: always the same, or a Bearer's newest.

    Its repr hides the secret.
    """

    secret: SecretStr | Bearer = field(repr=False)
    header: str = "Authorization"
    prefix: str = "Bearer "

    async def token(self) -> SecretStr:
        """Return what to show now. Raises what `Bearer.token` raises."""
        return self.secret if isinstance(self.secret, SecretStr) else await self.secret.token()

    async def renewed(self, refused: SecretStr) -> SecretStr | None:
        """Return what follows a refused secret, None where none ever does. Raises as a Bearer."""
        if isinstance(self.secret, SecretStr):
            return None
        return await self.secret.renewed(refused)


@dataclass(frozen=True, slots=True)
class Keys:
    """The four values of OAuth 1.0a, which neither expire nor change (docs.x.com OAuth 1.0a,
    2026-08). Its repr hides them all."""

    consumer_key: SecretStr
    consumer_secret: SecretStr
    token: SecretStr
    token_secret: SecretStr

    @property
    def usable(self) -> bool:
        """Whether each of the four can be part of a header."""
        return all(
            usable(value)
            for value in (self.consumer_key, self.consumer_secret, self.token, self.token_secret)
        )


def usable(secret: SecretStr | None) -> bool:
    """Whether a secret is one word of printable ASCII, as a header must have it."""
    word = secret.get_secret_value() if secret else ""
    return bool(word) and word.isascii() and word.isprintable() and " " not in word


def keys_of(settings: Settings) -> Keys | None:
    """Return the four keys of OAuth 1.0a, None unless all are set."""
    consumer_key, consumer_secret = settings.x_consumer_key, settings.x_consumer_secret
    token, token_secret = settings.x_token, settings.x_token_secret
    if not (consumer_key and consumer_secret and token and token_secret):
        return None
    return Keys(consumer_key, consumer_secret, token, token_secret)
