"""The approval page as one web application: its routes behind its gate."""

from __future__ import annotations

from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from xdm_mcp.approvals.factors import deed
from xdm_mcp.errors import XdmError
from xdm_mcp.server.page import desk_routes, keys_routes, rules_routes
from xdm_mcp.server.page.desk_routes import BY
from xdm_mcp.server.page.room import (
    ROOT,
    Entered,
    Handler,
    Room,
    back,
    checked_form,
    draw,
    entered,
    form_of,
    says,
)
from xdm_mcp.server.page.sessions import Session
from xdm_mcp.server.page.visitors import PageGate

OPEN_PAGE = deed("open the approval page")
"""What the PIN on the locked page is about."""

KEPT = 2
"""Tries at the PIN that the locked page leaves: nobody who only has the address can lock the owner
out, however many pages run and however often they start anew."""

STATIC = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that everybody may fetch: they say nothing of any send."""


def page_of(room: Room) -> ASGIApp:
    """Return the page: every route of it behind the gate."""
    return PageGate(Starlette(routes=routes_of(room)), room.visitors)


def routes_of(room: Room) -> list[Route]:
    """Return the routes: all but the way in and what looks the same to everybody need a session."""
    return [
        _get(room, "", desk_routes.desk),
        Route(f"{ROOT}/state", desk_routes.state(room), methods=["GET"]),
        _post(room, "/send/{approval_id}/approve", desk_routes.approve),
        _post(room, "/send/{approval_id}/refuse", desk_routes.refuse),
        _post(room, "/send/{approval_id}/ask", desk_routes.ask),
        _post(room, "/send/{approval_id}/read", desk_routes.read),
        _post(room, "/entry/{entry_id}/resolve", desk_routes.resolve),
        _post(room, "/ask", desk_routes.ask_about_deed),
        _get(room, "/keys", keys_routes.keys),
        _post(room, "/keys/pin", keys_routes.set_pin),
        _post(room, "/keys/passkeys", keys_routes.begin_passkey),
        _post(room, "/keys/passkeys/add", keys_routes.add_passkey),
        _post(room, "/keys/passkeys/remove", keys_routes.remove_passkey),
        _get(room, "/rules", rules_routes.rules),
        _post(room, "/rules", rules_routes.offer),
        _post(room, "/rules/make", rules_routes.make),
        _post(room, "/rules/{rule_id}/withdraw", rules_routes.withdraw),
        _post(room, "/leave", _leave),
        Route(f"{ROOT}/enter/{{ticket}}", _offer_entry, methods=["GET"]),
        Route(f"{ROOT}/enter", _enter(room), methods=["POST"]),
        Route(f"{ROOT}/unlock", _unlock(room), methods=["POST"]),
        *(Route(f"{ROOT}/{name}", _file(name, kind)) for name, kind in STATIC.items()),
    ]


def _get(room: Room, path: str, show: Entered) -> Route:
    return Route(ROOT + path, entered(room, show), methods=["GET"])


def _post(room: Room, path: str, take: Entered) -> Route:
    return Route(ROOT + path, entered(room, take), methods=["POST"])


async def _offer_entry(request: Request) -> Response:
    """Offer to use a ticket; looking at it uses nothing up."""
    return draw("enter.html", ticket=request.path_params["ticket"])


def _enter(room: Room) -> Handler:
    async def enter(request: Request) -> Response:
        """Let a browser in that shows an unused ticket."""
        try:
            ticket = (await form_of(request)).get("ticket", "")
        except XdmError:
            ticket = ""
        if not room.tickets.redeem(ticket, room.app.clock.now()):
            return draw("locked.html", status=401)
        try:
            return await room.enter(request, "ticket")
        except XdmError as error:
            return draw("locked.html", status=503, word=says(error))

    return enter


def _unlock(room: Room) -> Handler:
    async def unlock(request: Request) -> Response:
        """Let a browser in whose owner types the PIN: it reads, and approves nothing yet."""
        try:
            form = await form_of(request)
            proof = await room.app.desk.pin.check(form.get("pin", ""), OPEN_PAGE, BY, keep=KEPT)
            return await room.enter(request, proof.by)
        except XdmError as error:
            return draw("locked.html", status=401, word=says(error))

    return unlock


async def _leave(room: Room, request: Request, session: Session) -> Response:
    """End the session."""
    try:
        await checked_form(request, session, "leave")
    except XdmError:
        return back()
    room.sessions.close(session)
    return back()


def _file(name: str, kind: str) -> Handler:
    content = files("xdm_mcp.server.page").joinpath("static", name).read_bytes()

    async def send(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send
