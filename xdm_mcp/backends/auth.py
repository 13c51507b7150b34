"""How a request says who we are. Imported only when the first request is made."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

import httpx2
from pydantic import SecretStr


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


class HeaderAuth(httpx2.Auth):
    """Puts a secret into one header of each request, at the last moment: no URL, no repr and no
    default header ever holds it."""

    def __init__(self, secret: SecretStr, header: str, prefix: str) -> None:
        """Send `prefix` and the secret as the value of `header`."""
        self._secret = secret
        self._header = header
        self._prefix = prefix

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the header; a refusal is never answered by a second request."""
        request.headers[self._header] = self._prefix + self._secret.get_secret_value()
        yield request
