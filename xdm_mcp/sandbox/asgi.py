"""The sandbox as an ASGI application: façades behind faults and a log, and the controls.

It serves in process (through an ASGI transport of an HTTP client) and over HTTP alike. A connection
that a fault drops ends without an answer on both: over HTTP the server gives us a way to close the
socket (`droppable.py`), in process an error is raised that the client takes for one.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from xdm_mcp.clock import Clock
from xdm_mcp.sandbox.events import FaultUsed
from xdm_mcp.sandbox.faults import GARBAGE, Fault, first_match
from xdm_mcp.sandbox.journal import Hold, Journal, JournalDamaged
from xdm_mcp.sandbox.wire import Answer, Facade, WireRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONTROL = "/_sandbox/"
"""Where the controls are; everything else belongs to the façades."""

DROP = "sandbox.drop"
"""The key of the server's state under which a function closes the socket without an answer."""

SECRET = frozenset({"login_cookies", "proxy"})
"""Query parameters that one service wants its secrets in; the log leaves them out."""

LOG_LENGTH = 10_000
"""How many requests are remembered."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that this process saw. `status` is None where the connection was dropped."""

    method: str
    path: str
    query: dict[str, str]
    status: int | None
    at: datetime
    facade: str


class Controls(Protocol):
    """The `/_sandbox/` routes."""

    async def answer(self, request: WireRequest, log: deque[Logged]) -> Answer:
        """Answer one of them."""
        ...


class Dropped(Exception):
    """The connection ends here, without an answer."""


class Sandbox:
    """The application. One journal, any number of façades."""

    def __init__(
        self, journal: Journal, clock: Clock, facades: Sequence[Facade], controls: Controls
    ) -> None:
        """Serve `facades` over the world of `journal`; delays pass on `clock`."""
        self._journal = journal
        self._clock = clock
        self._facades = facades
        self._controls = controls
        self._log: deque[Logged] = deque(maxlen=LOG_LENGTH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the sandbox does not speak {scope['type']}")
        try:
            request = await _arrived(Request(scope, receive))
        except ClientDisconnect:
            return
        try:
            answer = await self._answer(request)
        except Dropped:
            await _drop(scope, receive)
            return
        except (JournalDamaged, OSError) as error:
            answer = Answer(503, _says(error).encode(), "text/plain")
        headers = {**answer.headers, "content-type": answer.media_type}
        await Response(answer.body, answer.status, headers)(scope, receive, send)

    async def _answer(self, request: WireRequest) -> Answer:
        if request.path.startswith(CONTROL):
            return await self._controls.answer(request, self._log)
        for facade in self._facades:
            if facade.owns(request):
                return await self._served(facade, request)
        return Answer(404, b"The sandbox imitates no such service.", "text/plain")

    async def _served(self, facade: Facade, request: WireRequest) -> Answer:
        status: int | None = None
        try:
            answer = await self._struck(facade, request)
            status = answer.status
            return answer
        finally:
            now = self._journal.clock.now()
            query = {name: value for name, value in request.query.items() if name not in SECRET}
            self._log.append(Logged(request.method, request.path, query, status, now, facade.name))

    async def _struck(self, facade: Facade, request: WireRequest) -> Answer:
        """Answer `request`, or let the first matching fault strike it."""
        fault, answer = await self._journal.act(lambda hold: _begin(hold, facade, request))
        if fault is None:
            assert answer is not None  # noqa: S101 - for the type checker: _begin has answered
            return answer
        if fault.kind in {"drop_before", "drop_after"}:
            raise Dropped
        if fault.kind == "delay":
            await self._clock.sleep(fault.seconds)
        if answer is None:
            answer = await self._journal.act(lambda hold: facade.answer(request, hold))
        return answer


def _begin(hold: Hold, facade: Facade, request: WireRequest) -> tuple[Fault | None, Answer | None]:
    """Take the fault that strikes, and answer unless something must come before that."""
    known = {None, *facade.error_names}
    faults = {key: each for key, each in hold.world.faults.items() if each.error in known}
    fault = first_match(faults, request.method, request.path)
    if fault is None:
        return None, facade.answer(request, hold)
    hold.record(FaultUsed(fault.id))
    if fault.kind == "drop_before" or fault.waits_first:
        return fault, None
    if fault.prevents:
        return fault, facade.faulted(request, fault, hold)
    answer = facade.answer(request, hold)
    if fault.kind == "status":
        instead = facade.faulted(request, fault, hold)
        answer = replace(instead, headers={**answer.headers, **instead.headers})
    if fault.kind == "malformed":
        answer = replace(answer, body=(fault.body or GARBAGE).encode())
    return fault, answer


def _says(error: JournalDamaged | OSError) -> str:
    if isinstance(error, JournalDamaged):
        return str(error)
    if isinstance(error, TimeoutError):
        return "Another process keeps the sandbox's journal; try again."
    return f"The sandbox's journal cannot be used: {error.strerror}."


async def _arrived(request: Request) -> WireRequest:
    form: dict[str, str | bytes] | None = None
    body = b""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await _form(request)
    else:
        body = await request.body()
    return WireRequest(
        method=request.method,
        path=request.scope["path"],
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=body,
        form=form,
    )


async def _form(request: Request) -> dict[str, str | bytes]:
    """Return the fields of a multipart body, none where it cannot be read."""
    try:
        async with request.form() as fields:
            return {
                name: value if isinstance(value, str) else await value.read()
                for name, value in fields.items()
            }
    except MultiPartException:
        return {}


async def _drop(scope: Scope, receive: Receive) -> None:
    close = scope.get("state", {}).get(DROP)
    if close is None:
        raise _lost_connection()
    close()
    while (await receive())["type"] != "http.disconnect":
        continue


def _lost_connection() -> Exception:
    """Return what an in-process client takes for a lost connection: httpx2's own error if it is
    there."""
    sentence = "Server disconnected without sending a response."
    client = sys.modules.get("httpx2")
    if client is None:
        return ConnectionResetError(sentence)
    error: Exception = client.RemoteProtocolError(sentence)
    return error
