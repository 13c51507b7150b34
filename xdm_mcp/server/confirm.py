"""Asking in the client: what a held send may be asked about there, and what an answer counts for.

A dialog of the client is answered by a program, with a person behind it or not. So an accept counts
as `client` and no more, and a form is shown only where the policy accepts that. Where it needs more
the client may be asked to open the approval page, which takes the person's own factor.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from xdm_mcp.app import App
from xdm_mcp.errors import BadInput, Unavailable
from xdm_mcp.models.results import SendResult
from xdm_mcp.models.sends import Assurance, Entry, SendState
from xdm_mcp.server.rounds import DIALOG, Round

if TYPE_CHECKING:
    from xdm_mcp.approvals.view import HeldView

Ctx = ServerRequestContext[Any, Any]

BY = "client/elicitation"
"""What the ledger notes as the place where such an approval was given."""

KEY = "approve"
"""The name of the one question, and of the one field of its form."""

FORM = {
    "type": "object",
    "properties": {
        KEY: {
            "type": "boolean",
            "title": "Send exactly this message",
            "description": "Yes sends it once, now. Anything else leaves it unsent.",
        }
    },
    "required": [KEY],
}
"""Never empty, because clients have accepted empty forms by themselves, and without a default."""

UNDERWAY = frozenset({SendState.APPROVED, SendState.RESERVED, SendState.IN_FLIGHT})
"""States of an approved send that end by themselves, unless it waits for a time of its own."""

LOOK_EVERY = 0.2
"""Seconds between looks at a send that another task carries out."""

LOOKS = 200
"""Looks at most: longer than a send takes from its approval to its outcome."""


async def ask(app: App, result: SendResult, ctx: Ctx) -> SendResult | InputRequiredResult:
    """Ask in the client about a send that is held, where the policy and the client let us.

    Returns what the answer led to, or the question on a wire where the client calls again with its
    answer, or `result` as it is.
    """
    modes = _modes(ctx)
    if modes is None or result.status != "held" or result.approval_id is None:
        return result
    view = await app.desk.view(result.approval_id)
    if view.state is not SendState.HELD or view.digest is None or view.expired:
        return result
    request = await _request(app, view, modes, ctx)
    if request is None or not await app.ledger.ask_once(view.approval_id, app.clock.now()):
        return result
    asked = Round.about(view, _is_form(request), app.clock.now())
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return InputRequiredResult(input_requests={KEY: request}, request_state=asked.state)
    return await _answered(app, asked, await _push(ctx, request))


async def conclude(app: App, state: str, answers: InputResponses | None) -> SendResult:
    """Return what the client's answer to a round led to.

    Only the first answer in time can approve. Any other one tells how the send stands, and changes
    nothing.
    """
    answer = (answers or {}).get(KEY)
    return await _answered(
        app, Round.of(state), answer if isinstance(answer, ElicitResult) else None
    )


def _modes(ctx: Ctx) -> ElicitationCapability | None:
    declared = ctx.session.client_capabilities
    return declared.elicitation if declared is not None else None


async def _request(
    app: App, view: HeldView, modes: ElicitationCapability, ctx: Ctx
) -> ElicitRequest | None:
    """Return what may be asked: the form if an accept of it can be enough, else the page."""
    from xdm_mcp.server.question import OPEN_THE_PAGE, question

    takes_form = modes.form is not None or modes.url is None
    if takes_form and view.least <= Assurance.CLIENT:
        form = ElicitRequestFormParams(message=question(view), requested_schema=FORM)
        return ElicitRequest(params=form)
    page = await app.page_address() if modes.url is not None else None
    if page is None:
        return None
    modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    named = None if modern else view.approval_id
    return ElicitRequest(
        params=ElicitRequestURLParams(message=OPEN_THE_PAGE, url=page, elicitation_id=named)
    )


async def _push(ctx: Ctx, request: ElicitRequest) -> ElicitResult | None:
    """Ask a client of the older wire; None if no answer that we understand came in time."""
    if not ctx.session.can_send_request:
        return None
    about = ServerMessageMetadata(related_request_id=ctx.request_id)
    with anyio.move_on_after(DIALOG.total_seconds()), suppress(MCPError, ValidationError):
        return await ctx.session.send_request(request, ElicitResult, metadata=about)
    return None


async def _answered(app: App, asked: Round, answer: ElicitResult | None) -> SendResult:
    """Approve and send if this is a first, timely yes to a form; tell how the send stands.

    The ledger takes one answer: whichever process it comes to, an approval is the first or none.
    """
    from xdm_mcp.approvals.factors import client_form
    from xdm_mcp.outbox.telling import tell_entry

    approved = None
    if asked.form and asked.stands(app.clock.now()) and _is_yes(answer):
        with suppress(BadInput):
            proof = client_form(BY, asked.digest)
            approved = await app.desk.approve(asked.approval_id, asked.digest, proof)
    if approved is not None:
        return tell_entry(await _carried_out(app, approved, asked.approval_id))
    first = await app.ledger.answer_once(asked.approval_id, app.clock.now())
    return tell_entry(await _outcome(app, asked.approval_id), replayed=not first)


async def _carried_out(app: App, approved: Entry, approval_id: str) -> Entry:
    """Send what was just approved and return how it ended. Where the ledger cannot be read any
    more, what is known of it: it may have left, or leave yet."""
    known = replace(approved, state=SendState.UNKNOWN)
    try:
        known = await app.outbox.send_approved(approved) or known
        return await _outcome(app, approval_id)
    except Unavailable:
        return known


def _is_form(request: ElicitRequest) -> bool:
    return isinstance(request.params, ElicitRequestFormParams)


def _is_yes(answer: ElicitResult | None) -> bool:
    return (
        answer is not None
        and answer.action == "accept"
        and answer.content is not None
        and answer.content.get(KEY) is True
    )


async def _outcome(app: App, approval_id: str) -> Entry:
    """Return the entry once nothing moves it any more, or as it stands after `LOOKS` looks."""
    entry = await app.outbox.find(approval_id)
    for _ in range(LOOKS):
        if entry.state not in UNDERWAY or entry.retry_at is not None:
            break
        await app.clock.sleep(LOOK_EVERY)
        entry = await app.outbox.find(approval_id)
    return entry
