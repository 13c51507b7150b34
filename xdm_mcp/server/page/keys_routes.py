"""The owner's factors: another PIN, and passkeys.

The first PIN is set in a terminal alone: whoever came by a session's cookie could else set it here.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from xdm_mcp.approvals.factors import ADD_PASSKEY, CHANGE_PIN, REMOVE_PASSKEY
from xdm_mcp.approvals.passkeys import Asking
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.server.page.desk_routes import BY, credential_of, proof_of
from xdm_mcp.server.page.room import Room, Word, back, checked_form, draw, says
from xdm_mcp.server.page.sessions import Session

KEYS = "/keys"

DEEDS = {"pin": CHANGE_PIN, "add": ADD_PASSKEY, "remove": REMOVE_PASSKEY}
"""What a passkey may be asked about here."""


async def keys(room: Room, request: Request, session: Session) -> Response:
    """Show which factors there are."""
    return await _shown(room, request, session, said=room.said(session))


async def set_pin(room: Room, request: Request, session: Session) -> Response:
    """Set another PIN, with the old one or a passkey."""
    try:
        form = await checked_form(request, session, "pin")
        secret = form.get("secret", "")
        if secret != form.get("again"):
            raise BadInput("The two entries differ; type the new PIN twice.")
        await room.app.desk.pin.change(secret, await proof_of(room.app, form, CHANGE_PIN))
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", "The PIN is changed."))
    return back(KEYS)


async def begin_passkey(room: Room, request: Request, session: Session) -> Response:
    """Check the PIN for the first one, another passkey for any further one; then offer the browser
    to make it."""
    desk = room.app.desk
    try:
        form = await checked_form(request, session, "begin-passkey")
        proof = await proof_of(room.app, form, ADD_PASSKEY)
        asking = await desk.passkeys.ask_to_add(room.origin(request), proof)
    except XdmError as error:
        room.say(session, says(error))
        return back(KEYS)
    return await _shown(room, request, session, asking=asking, name=form.get("name", ""))


async def add_passkey(room: Room, request: Request, session: Session) -> Response:
    """Keep the passkey that the browser made."""
    try:
        form = await checked_form(request, session, "add-passkey", "", "ceremony")
        made = await room.app.desk.passkeys.add(
            form["ceremony"], credential_of(form.get("answer", "")), form.get("name", ""), BY
        )
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", f"The passkey {made.name} is registered."))
    return back(KEYS)


async def remove_passkey(room: Room, request: Request, session: Session) -> Response:
    """Forget a passkey, with a passkey; the PIN does that in a terminal alone."""
    try:
        form = await checked_form(request, session, "remove-passkey", "", "passkey")
        proof = await proof_of(room.app, form, REMOVE_PASSKEY)
        await room.app.desk.passkeys.remove(form["passkey"], proof)
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", "That passkey opens nothing any more."))
    return back(KEYS)


async def _shown(
    room: Room,
    request: Request,
    session: Session,
    *,
    said: Word | None = None,
    asking: Asking | None = None,
    name: str = "",
) -> Response:
    """Draw the part; `asking` is what a browser needs to make the passkey that is called `name`."""
    desk = room.app.desk
    return draw(
        "keys.html",
        session=session,
        here="keys",
        said=said,
        pin=await desk.pin.is_set(),
        passkeys=await desk.passkeys.known(),
        named=room.origin(request).partition("://")[2].partition(":")[0] == "localhost",
        asking=asking,
        name=name,
        deeds=DEEDS,
    )
