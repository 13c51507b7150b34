"""The desk itself: what waits, what happened, and a person's answer to each held send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import Proof, settling
from xdm_mcp.approvals.view import LAST_WORDS, conversation_of
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.models.sends import Outcome, SendState
from xdm_mcp.server.page.room import Form, Room, Word, back, checked_form, draw, says
from xdm_mcp.server.page.sessions import Session
from xdm_mcp.server.page.showing import Shown, look, money

BY = "page"
"""What the ledger notes as the place where a person decided."""

SETTLED = {
    "sent": (SendState.SENT, "A person saw it in X."),
    "not-sent": (SendState.FAILED, "A person saw that it is not in X."),
}
"""What a person can say of a send of unknown outcome."""

DEED = "deed"
"""What the token of a question to a passkey is about where that is no send."""


async def desk(room: Room, request: Request, session: Session) -> Response:
    """Show the desk. What was to be said once is kept from the script that looks for changes."""
    live = "live" in request.query_params
    return draw_desk(await look(room.app), session, None if live else room.said(session))


def draw_desk(shown: Shown, session: Session, word: Word | None = None) -> Response:
    """Return the desk as HTML; a word about a send that is shown stands beside it."""
    about = word.about if word and any(v.approval_id == word.about for v in shown.held) else None
    return draw(
        "desk.html",
        session=session,
        here="desk",
        said=None if about else word,
        words={about: word},
        held=shown.held,
        unknown=shown.unknown,
        wrong=shown.wrong,
        past=shown.past,
        factors=shown.factors,
        settled=SETTLED,
        settling=settling,
        quota=shown.quota,
        quota_trouble=shown.trouble,
        money=money(shown.quota.money) if shown.quota else [],
        account=shown.quota.account_id if shown.quota else None,
        gauges_version=shown.gauges,
        seen=shown.seen,
    )


def state(room: Room) -> Any:
    """Return the route that tells an open page whether anything changed, and nothing else."""

    async def route(request: Request) -> Response:
        """Answer one look."""
        if room.session(request) is None:
            return JSONResponse({"seen": None}, 401)
        try:
            return JSONResponse({"seen": (await look(room.app)).seen})
        except XdmError:
            return JSONResponse({"seen": None}, 503)

    return route


async def approve(room: Room, request: Request, session: Session) -> Response:
    """Take an approval: of exactly the digest that the form showed, by PIN or passkey."""
    approval_id = request.path_params["approval_id"]
    try:
        form = await checked_form(request, session, "approve", approval_id, "digest")
        proof = await proof_of(room.app, form, form["digest"])
        await room.app.desk.approve(approval_id, form["digest"], proof)
    except XdmError as error:
        room.say(session, says(error, approval_id))
    else:
        room.say(
            session,
            Word("good", "Approved: it goes out as soon as the limits let it.", approval_id),
        )
    return back()


async def refuse(room: Room, request: Request, session: Session) -> Response:
    """Take a rejection, which needs no proof: nothing goes out by it."""
    approval_id = request.path_params["approval_id"]
    try:
        await checked_form(request, session, "refuse", approval_id)
        await room.app.desk.reject(approval_id, BY)
    except XdmError as error:
        room.say(session, says(error, approval_id))
    else:
        room.say(session, Word("good", "Rejected: it will never be sent."))
    return back()


async def ask(room: Room, request: Request, session: Session) -> Response:
    """Answer a script that wants to ask a passkey about one send: what to sign, in JSON."""
    return await _asked(room, request, session, request.path_params["approval_id"])


async def ask_about_deed(room: Room, request: Request, session: Session) -> Response:
    """Answer a script that wants to ask a passkey about a deed of the owner; the token says which
    deeds this page offered."""
    return await _asked(room, request, session, DEED)


async def _asked(room: Room, request: Request, session: Session, subject: str) -> Response:
    try:
        form = await checked_form(request, session, "ask", subject, "digest")
        asking = await room.app.desk.passkeys.ask(form["digest"], room.origin(request))
    except XdmError as error:
        return JSONResponse({"says": str(error)}, 400)
    again = session.token("ask", subject, form["digest"])
    return JSONResponse({"ceremony": asking.ceremony_id, "options": asking.options, "token": again})


async def read(room: Room, request: Request, session: Session) -> Response:
    """Read the last messages of a held send's conversation, which may cost money and is therefore
    asked for by hand."""
    approval_id = request.path_params["approval_id"]
    try:
        await checked_form(request, session, "read", approval_id)
        entry = await room.app.outbox.find(approval_id)
        conversation_id = conversation_of(entry)
        if conversation_id is None:
            raise BadInput("A new group has no messages yet.")
        if not await room.app.inbox.read_for_owner(conversation_id, LAST_WORDS):
            raise BadInput("There is no message in this conversation yet.")
    except XdmError as error:
        room.say(session, says(error, approval_id))
    return back()


async def resolve(room: Room, request: Request, session: Session) -> Response:
    """Take a person's word on a send of unknown outcome, with the PIN or a passkey."""
    named = request.path_params["entry_id"]
    try:
        form = await checked_form(request, session, "resolve", named)
        entry_id = int(named)  # a form is made for a number alone
        outcome = _outcome(form.get("word", ""))
        proof = await proof_of(room.app, form, settling(entry_id, outcome.state.value))
        await room.app.ledger.resolve(entry_id, outcome, proof.by, room.app.clock.now())
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", f"Noted: {outcome.says}"))
    return back()


async def proof_of(app: App, form: Form, digest: str) -> Proof:
    """Return the proof that a form carries about `digest`, a send's or a deed's: a passkey's
    answer, else a PIN. Raises NotProven."""
    if "answer" in form:
        return await app.desk.passkeys.check(
            form.get("ceremony", ""), credential_of(form["answer"]), digest
        )
    return await app.desk.pin.check(form.get("pin", ""), digest, BY)


def credential_of(answer: str) -> Mapping[str, Any]:
    """Return a browser's answer as JSON. Raises BadInput for what is none."""
    try:
        credential = json.loads(answer)
    except (ValueError, RecursionError):
        credential = None
    if not isinstance(credential, dict):
        raise BadInput("The browser's passkey could not be read; ask for it anew.")
    return credential


def _outcome(word: str) -> Outcome:
    if word not in SETTLED:
        raise BadInput("Say whether it was sent or not.")
    state, seen = SETTLED[word]
    return Outcome(state, "resolved", seen)
