"""What every HTTP request passes first: who may knock, from where, with what."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

JSON = ("application/json", "application/json; charset=utf-8")
"""The only types of a body that we read."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in: Host and Origin headers by exact text, and the digest of the bearer token.

    A request without an Origin comes from no web page. Without a digest no token is asked for.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    token_digest: bytes | None = None

    def refusal(self, method: str, headers: Headers) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may."""
        if headers.get("host", "").lower() not in self.hosts:
            return _refuse(
                421, "This server is not called that; set http.allowed_hosts to allow it."
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            return _refuse(403, "Web pages of that origin may not call; see http.allowed_origins.")
        if method == "OPTIONS":
            return None
        if not self._knows(headers.getlist("authorization")):
            says = "Send the owner's token as `Authorization: Bearer …`."
            return _refuse(401, says, {"WWW-Authenticate": "Bearer"})
        if method == "POST" and headers.get("content-type", "").lower() not in JSON:
            return _refuse(415, "Send a body of type application/json.")
        return None

    def _knows(self, credentials: Sequence[str]) -> bool:
        """Compare by digest and in constant time, so that a wrong token tells nothing."""
        if self.token_digest is None:
            return True
        scheme, _, token = (credentials[0] if len(credentials) == 1 else "").partition(" ")
        same = hmac.compare_digest(digest_of(token.strip()), self.token_digest)
        return same and scheme.lower() == "bearer"


def digest_of(token: str) -> bytes:
    """Return the digest by which a token is compared."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


class Gate:
    """The outermost layer of the web application: nothing behind it sees who is not admitted."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        """Let requests to `app` pass as `admission` says."""
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it pass."""
        refusal = None
        if scope["type"] == "http":
            refusal = self._admission.refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)


def _refuse(status: int, says: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{says}\n", status, headers)
