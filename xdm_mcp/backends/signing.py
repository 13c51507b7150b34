"""How a request says who we are. Imported only when the first request is made."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx2
from oauthlib.oauth1 import Client
from pydantic import SecretStr

from xdm_mcp.backends.auth import Keys
from xdm_mcp.clock import Clock

FORM = "application/x-www-form-urlencoded"


class HeaderAuth(httpx2.Auth):
    """Puts a secret into one header of each request, at the last moment: no URL, no repr and no
    default header ever holds it."""

    def __init__(self, secret: SecretStr, header: str, prefix: str) -> None:
        """Send `prefix` and the secret as the value of `header`."""
        self.secret = secret
        self._header = header
        self._prefix = prefix

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the header; a refusal is never answered by a second request."""
        request.headers[self._header] = self._prefix + self.secret.get_secret_value()
        yield request


class SignedAuth(httpx2.Auth):
    """Signs each request anew with OAuth 1.0a and HMAC-SHA1 (RFC 5849).

    The query and form bodies are part of the signature; bodies of JSON and files are not, and their
    hash is left out, since nobody knows whether X takes it (docs.x.com OAuth 1.0a, 2026-08).
    """

    requires_request_body = True

    def __init__(self, keys: Keys, clock: Clock) -> None:
        """Sign as `keys`, at the time of `clock`."""
        self._keys = keys
        self._clock = clock

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the Authorization header; a refusal is never answered by a second request."""
        keys = self._keys
        signer = Client(
            keys.consumer_key.get_secret_value(),
            client_secret=keys.consumer_secret.get_secret_value(),
            resource_owner_key=keys.token.get_secret_value(),
            resource_owner_secret=keys.token_secret.get_secret_value(),
            timestamp=str(int(self._clock.now().timestamp())),
        )
        form = request.headers.get("content-type", "") == FORM
        method: Any = request.method
        _, headers, _ = signer.sign(
            str(request.url),
            method,
            body=request.content.decode() if form else None,
            headers={"Content-Type": FORM} if form else None,
        )
        request.headers["Authorization"] = headers["Authorization"]
        yield request
