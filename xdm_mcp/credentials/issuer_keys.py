"""The keys of an authorization server: found by its metadata, kept a while, asked for again when a
token names one that nobody knows yet.

Strangers choose what a token names, so an unknown key is asked for at most every `PAUSE`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from xdm_mcp.clock import Clock
from xdm_mcp.credentials.forms import hush, object_in
from xdm_mcp.errors import Unavailable
from xdm_mcp.sections import https_url

if TYPE_CHECKING:
    import jwt

FRESH = timedelta(minutes=10)
"""How long keys are taken for current: so long at most a withdrawn one still works."""

KEPT = timedelta(hours=1)
"""How long they are used when the issuer does not answer."""

PAUSE = timedelta(seconds=30)
"""Between two times that the issuer is asked, whatever tokens say and whatever it answered."""

DEADLINE = 10.0
"""Seconds for one answer, however slowly it comes."""

LARGEST = 262_144
"""Bytes of one answer."""

SHORTEST_RSA = 2_048
"""Bits of the shortest RSA key (RFC 7518, 2015-05, section 3.3)."""

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

Fetch = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Returns the JSON object at an address. Raises Unavailable."""

log = logging.getLogger(__name__)


class IssuerKeys:
    """The keys of one issuer. Asks nothing before the first token comes."""

    def __init__(self, issuer: str, jwks_url: str | None, clock: Clock, fetch: Fetch) -> None:
        """Look for the keys of `issuer` at `jwks_url`, or where its metadata says."""
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._fetch = fetch
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._came_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = anyio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key that a token names; one that names none may be signed with an only key.

        Nobody whose key is known waits while the issuer is asked, unless it is he who asks. Raises
        Unavailable while there are no keys to compare with.
        """
        found = self._fitting(kid, algorithm)
        current = not self._older_than(KEPT if self._asking.locked() else FRESH)
        if len(found) == 1 and current:
            return found[0]
        async with self._asking:
            found = self._fitting(kid, algorithm)
            if (not found or self._older_than(FRESH)) and self._may_ask():
                await self._ask()
                found = self._fitting(kid, algorithm)
            if self._older_than(KEPT):
                raise Unavailable("The authorization server's keys cannot be had; try again later.")
        return found[0] if len(found) == 1 else None

    def _older_than(self, age: timedelta) -> bool:
        return self._came_at is None or self._clock.now() - self._came_at > age

    def _may_ask(self) -> bool:
        return self._asked_at is None or self._clock.now() - self._asked_at >= PAUSE

    async def _ask(self) -> None:
        self._asked_at = self._clock.now()
        try:
            url = self._jwks_url or await self._announced()
            keys = (await self._fetch(url)).get("keys")
        except Unavailable as error:
            log.warning("%s", error)
            return
        if isinstance(keys, list):
            self._keys = [key for key in keys if isinstance(key, dict)]
            self._came_at = self._clock.now()

    async def _announced(self) -> str:
        """Return where the issuer's own metadata says that its keys are. Raises Unavailable."""
        for url in metadata_urls(self._issuer):
            try:
                said = await self._fetch(url)
                keys = https_url(str(said.get("jwks_uri")))
                # One beyond this machine may not send us to a port of it.
                fits = keys.startswith("https:") or self._issuer.startswith("http:")
                if fits and said.get("issuer") == self._issuer:
                    return keys
            except (Unavailable, ValueError):
                continue
        raise Unavailable("The metadata of oauth.issuer cannot be had; set oauth.jwks_url.")

    def _fitting(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        named = [key for key in self._keys if kid is None or key.get("kid") == kid]
        return [key for raw in named if (key := _key(raw, algorithm)) is not None]


def metadata_urls(issuer: str) -> tuple[str, str, str]:
    """Return where an issuer's metadata may be (RFC 8414, 2018-06, section 3.1; OpenID Connect
    Discovery 1.0, section 4)."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )


async def fetch_json(url: str) -> Mapping[str, Any]:
    """Return the JSON object at `url`: one answer, no redirect, no proxy, bounded in time and size.

    Raises Unavailable.
    """
    import httpx2

    body = b""
    failures = (httpx2.HTTPError, httpx2.StreamError, OSError, ValueError)
    with anyio.move_on_after(DEADLINE), suppress(*failures):
        body = await _read(url)
    try:
        return object_in(body)
    except ValueError:
        raise Unavailable("The authorization server gives no answer that can be read.") from None


async def _read(url: str) -> bytes:
    import httpx2

    hush()
    body = bytearray()
    async with (
        httpx2.AsyncClient(
            verify=url.startswith("https:"),
            trust_env=False,
            follow_redirects=False,
            timeout=DEADLINE,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        ) as client,
        client.stream("GET", url) as response,
    ):
        if response.status_code != 200 or "content-encoding" in response.headers:
            return b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LARGEST:
                return b""
    return bytes(body)


def _key(raw: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """Return a key if it is one for checking signatures of exactly this kind."""
    import jwt

    if raw.get("use", "sig") != "sig" or raw.get("alg", algorithm) != algorithm:
        return None
    curve = CURVES.get(algorithm)
    kind = "EC" if curve else "OKP" if algorithm == "EdDSA" else "RSA"
    if raw.get("kty") != kind or (curve and raw.get("crv") != curve):
        return None
    try:
        key = jwt.PyJWK(dict(raw), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    short = kind == "RSA" and key.key.key_size < SHORTEST_RSA
    return None if short else key
