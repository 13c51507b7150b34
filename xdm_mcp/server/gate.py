"""What every HTTP request passes first: who may knock, from where, with what, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from mcp_types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xdm_mcp.credentials.tokens import SCOPES
from xdm_mcp.errors import Unavailable
from xdm_mcp.server.callers import KEY, Caller, Callers, Stranger, bearer_of
from xdm_mcp.server.presence import Presence
from xdm_mcp.server.scopes import missing_in

JSON = ("application/json", "application/json; charset=utf-8")
"""The only types of a body that we read."""

METHODS = ("GET", "POST", "DELETE")

LARGEST_BODY = 262_144
"""Bytes of one request: a message of 10,000 characters fits many times."""

BODY_SECONDS = 15
"""How long a body may take to arrive."""

WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""Where clients learn which authorization server we trust (RFC 9728, 2025-04)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may knock: Host and Origin headers by exact text. A request without an Origin comes from
    no web page."""

    hosts: frozenset[str]
    origins: frozenset[str]

    def refusal(self, method: str, headers: Headers) -> Response | None:
        """Return the answer to a request that may not knock, None for one that may."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return _refuse(
                421, "This server is not called that; set http.allowed_hosts to allow it."
            )
        if len(origins) > 1 or not self.origins.issuperset(origins):
            return _refuse(403, "Web pages of that origin may not call; see http.allowed_origins.")
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may see another end of it than we do (RFC 9112, 2022-06, section 6.3).
            return _refuse(400, "Give a body one length, not two.", {"Connection": "close"})
        if method not in METHODS and not self.is_preflight(method, headers):
            return _refuse(405, "Use GET, POST or DELETE.", {"Allow": ", ".join(METHODS)})
        return None

    @staticmethod
    def is_preflight(method: str, headers: Headers) -> bool:
        """Whether a browser asks what a page of an allowed origin may do; it shows no token."""
        asks = "origin" in headers and "access-control-request-method" in headers
        return method == "OPTIONS" and asks


class Gate:
    """The outermost layer of the web application: nothing behind it sees who is not admitted."""

    def __init__(
        self, app: ASGIApp, admission: Admission, callers: Callers, presence: Presence
    ) -> None:
        """Let requests to `app` pass as `admission` and `callers` say."""
        self._app = app
        self._admission = admission
        self._callers = callers
        self._presence = presence
        self._resource = Resource.of(callers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, headers = scope["method"], Headers(scope=scope)
        answer = self._admission.refusal(method, headers)
        if answer is None and self._admission.is_preflight(method, headers):
            await self._app(scope, receive, send)
            return
        if answer is None and method == "GET":
            answer = self._resource.described(scope["path"])
        if answer is None:
            answer = await self._entered(scope, headers, receive, send)
        if answer is not None:
            await answer(scope, receive, send)

    async def _entered(
        self, scope: Scope, headers: Headers, receive: Receive, send: Send
    ) -> Response | None:
        """Have a request answered whose sender is known; return the answer to any other."""
        caller = await self._caller(headers)
        if not isinstance(caller, Caller):
            return caller
        answering = Answering(send)
        with self._presence.one(caller) as place:
            if place is None:
                says = "Too many requests at once for this account; try again in a moment."
                return _refuse(429, says, {"Retry-After": "1"})
            if scope["method"] == "POST":
                body = await self._body(headers, caller, receive)
                if isinstance(body, Response):
                    return body
                receive = _again(body, receive)
            scope[KEY], scope["user"] = caller, caller.user()
            await self._app(scope, receive, answering.send)
        if place.cancelled_caught:  # its token ended meanwhile
            if not answering.begun:
                return self._resource.refuse(401, "invalid_token")
            await answering.end()
        return None

    async def _caller(self, headers: Headers) -> Caller | Response:
        shown = bearer_of(headers.getlist("authorization"))
        if shown is None:
            return self._resource.refuse(401)
        try:
            caller = await self._callers.find(shown)
        except Stranger:
            return _refuse(403, "This token opens nothing here.")
        except Unavailable as error:
            return _refuse(503, str(error), {"Retry-After": "30"})
        return caller or self._resource.refuse(401, "invalid_token")

    async def _body(self, headers: Headers, caller: Caller, receive: Receive) -> bytes | Response:
        """Return the body of a request; the answer to one that is unfit."""
        kinds = headers.getlist("content-type")
        if len(kinds) != 1 or kinds[0].lower() not in JSON:
            return _refuse(415, "Send a body of type application/json.")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and int(length[:20]) <= LARGEST_BODY):
            return _refuse(413, f"Send at most {LARGEST_BODY} bytes.")
        body = bytearray()
        with anyio.move_on_after(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return _refuse(400, "That was cut off; send it again.")
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY:
                    return _refuse(413, f"Send at most {LARGEST_BODY} bytes.")
                if not message.get("more_body", False):
                    return self._unfit(bytes(body), caller) or bytes(body)
        return _refuse(408, "That did not arrive in time; send it again.")

    def _unfit(self, body: bytes, caller: Caller) -> Response | None:
        """Return the answer to a body that is no message, or that its sender may not send; the
        SDK's answers to the former repeat what was sent."""
        try:
            parsed = from_json(body)
        except ValueError:
            return _no_message(PARSE_ERROR, "That body is not JSON.")
        try:
            message = jsonrpc_message_adapter.validate_python(parsed, by_name=False)
        except ValidationError:
            return _no_message(INVALID_REQUEST, "That body is not one JSON-RPC message.")
        missing = missing_in(message, caller.scopes)
        return self._resource.refuse(403, scope=missing) if missing else None


@dataclass(frozen=True, slots=True)
class Resource:
    """What we are to clients of an authorization server, and how they are refused.

    `address` is where our metadata is; `described_by` is the metadata; both None without such a
    server.
    """

    address: str | None = None
    described_by: Mapping[str, object] | None = None

    @classmethod
    def of(cls, callers: Callers) -> Resource:
        """Return what the verifier of `callers` makes us."""
        verifier = callers.verifier
        if verifier is None:
            return cls()
        parts = urlsplit(verifier.audience)
        address = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"
        described = {
            "resource": verifier.audience,
            "authorization_servers": [verifier.issuer],
            "scopes_supported": list(SCOPES),
            "bearer_methods_supported": ["header"],
        }
        return cls(address, described)

    def described(self, path: str) -> Response | None:
        """Return our metadata where `path` asks for it."""
        if self.address is None or self.described_by is None:
            return None
        known = {WELL_KNOWN, f"{WELL_KNOWN}/mcp", urlsplit(self.address).path}
        return JSONResponse(self.described_by) if path in known else None

    def refuse(self, status: int, error: str = "", *, scope: str = "") -> Response:
        """Return a refusal with its challenge (RFC 6750, 2012-10, section 3)."""
        if scope:
            error = "insufficient_scope"
        said = {"error": error, "scope": scope, "resource_metadata": self.address}
        parts = ", ".join(f'{name}="{value}"' for name, value in said.items() if value)
        says = (
            f"This token is not good for that; ask the owner for one with {scope}."
            if scope
            else "Send a token that the owner gave you as `Authorization: Bearer …`."
        )
        return _refuse(status, says, {"WWW-Authenticate": f"Bearer {parts}".strip()})


class Answering:
    """An answer on its way, which can be ended early."""

    def __init__(self, send: Send) -> None:
        """Answer through `send`."""
        self._send = send
        self._done = False
        self.begun = False

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        self.begun = True
        self._done = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> None:
        """Send the last part, unless it was sent."""
        if not self._done:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})


def _no_message(code: int, says: str) -> Response:
    """Return the refusal of a body, as the protocol writes one that belongs to no request."""
    error = {"code": code, "message": says}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _refuse(status: int, says: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{says}\n", status, headers)
