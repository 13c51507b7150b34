"""What all routes of the page share: the app, who is in, how a form is read and a page drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import parse_qsl

import anyio
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from xdm_mcp.app import App
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.clock import moment, span
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.models.quota import usd
from xdm_mcp.server.logs import report
from xdm_mcp.server.page.sessions import Session, Sessions
from xdm_mcp.server.page.tickets import Tickets
from xdm_mcp.server.page.visitors import LARGEST_FORM, Visitors

ROOT = "/approvals"
"""Where the page lives; its cookie goes nowhere else."""

FORM_SECONDS = 5
"""How long a form may take to arrive."""

MOST_FIELDS = 20
"""Fields of one form: ours have fewer."""

UNFORESEEN = "Something went wrong inside the server; its log says where."

STALE = "That form was used before or is not of this page; look at what it shows now."


@dataclass(frozen=True, slots=True)
class Word:
    """One sentence to show once: `good` or `bad`, and the approval it is about, if any."""

    kind: Literal["good", "bad"]
    says: str
    about: str | None = None


@dataclass(slots=True)
class Room:
    """One running page: `visitors` says under which names, `secret` makes and checks tickets."""

    app: App
    visitors: Visitors
    secret: bytes = field(repr=False)
    sessions: Sessions = field(default_factory=Sessions)
    tickets: Tickets = field(init=False)
    _words: dict[str, Word] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Know tickets by the secret."""
        self.tickets = Tickets(self.secret)

    @property
    def cookie(self) -> str:
        """The cookie's name: pages on several ports of this machine share one jar."""
        return f"xdm_page_{sha256(self.secret).hexdigest()[:8]}"

    def session(self, request: Request) -> Session | None:
        """Return the session of the browser that asks, None for a stranger's."""
        return self.sessions.find(request.cookies.get(self.cookie), self.app.clock.now())

    async def enter(self, request: Request, by: str) -> Response:
        """Let the browser in that asks, by a ticket or the PIN, and write that down; its cookie is
        read by this server alone. Raises what the ledger may raise."""
        now = self.app.clock.now()
        await self.app.ledger.record_act("", "page_opened", {}, by, now)
        session = self.sessions.open(now)
        answer = back()
        answer.set_cookie(
            self.cookie,
            session.key,
            path=ROOT,
            httponly=True,
            samesite="strict",
            secure=self.origin(request).startswith("https:"),
        )
        return answer

    def origin(self, request: Request) -> str:
        """Return the page's own origin, one of those that the gate knows."""
        return self.visitors.origin(request.headers.getlist("host")) or ""

    def say(self, session: Session, word: Word) -> None:
        """Have the next page of the session say a sentence."""
        self._words[session.key] = word

    def said(self, session: Session) -> Word | None:
        """Return the sentence that waits for the session, once."""
        return self._words.pop(session.key, None)


Handler = Callable[[Request], Awaitable[Response]]
Entered = Callable[[Room, Request, Session], Awaitable[Response]]
Form = dict[str, str]


def entered(room: Room, show: Entered) -> Handler:
    """Return a route that only a browser with a session reaches; others learn how to get one."""

    async def route(request: Request) -> Response:
        """Answer a browser that is in; refuse any other."""
        session = room.session(request)
        if session is None:
            return draw("locked.html", status=401)
        try:
            return await show(room, request, session)
        except XdmError as error:
            return draw("trouble.html", status=503, session=session, says=str(error))
        except Exception as error:  # noqa: BLE001 - the seam where nothing private may pass
            report(error, "the approval page")
            return draw("trouble.html", status=500, session=session, says=UNFORESEEN)

    return route


async def form_of(request: Request) -> Form:
    """Return the fields of a form. Raises BadInput for one that is none of ours."""
    body = await _body_of(request)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise BadInput("That is no form of this page.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadInput("That is no form of this page.")
    return form


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    with anyio.move_on_after(FORM_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise BadInput("That form is too large.")
        return bytes(body)
    raise BadInput("That form did not arrive in time; send it again.")


async def checked_form(
    request: Request, session: Session, verb: str, subject: str = "", *bound: str
) -> Form:
    """Return the fields of a form whose token fits verb, subject and the fields `bound`, and is
    spent now. Raises BadInput."""
    form = await form_of(request)
    digest = "\x00".join(form.get(name, "") for name in bound)
    if not session.spend(form.get("token", ""), verb, subject, digest):
        raise BadInput(STALE)
    return form


def back(path: str = "") -> Response:
    """Return the way back to a page after a form was taken."""
    return RedirectResponse(ROOT + path, 303)


def says(error: XdmError, about: str | None = None) -> Word:
    """Return a foreseen failure as a sentence to show."""
    return Word("bad", str(error), about)


def draw(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page drawn from a template; every value in it is escaped."""
    known = {"root": ROOT, "session": None, "said": None, "here": None, "word": None}
    return HTMLResponse(_templates().get_template(template).render(known | values), status)


def version_of(view: HeldView) -> str:
    """Return what changes when a held send must be drawn anew: not with time, not with quotas."""
    heard = [said.message_id for said in view.last_messages]
    known = [person.first_contact for person in view.recipients]
    told = (view.state, view.digest, view.retry_at, heard, known)
    return sha256(repr(told).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("xdm_mcp.server.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(moment=moment, span=span, usd=usd, version=version_of)
    return templates
