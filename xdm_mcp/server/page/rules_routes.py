"""Standing rules on the page: what a person allowed beforehand, made with a factor, withdrawn
without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from xdm_mcp.approvals.factors import deed
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.models.standing_rules import LENGTH_AT_MOST, LIVES_AT_MOST, PER_DAY_AT_MOST, Terms
from xdm_mcp.server.page.desk_routes import BY
from xdm_mcp.server.page.room import Form, Room, Word, back, checked_form, draw, says
from xdm_mcp.server.page.sessions import Session

RULES = "/rules"

TICKS = ("solicited", "links", "quiet_hours", "first_contact")
"""The terms that are yes or no."""


async def rules(room: Room, request: Request, session: Session) -> Response:
    """Show the rules in force and the form for another."""
    app, now = room.app, room.app.clock.now()
    account = await app.people.account()
    return draw(
        "rules.html",
        session=session,
        here="rules",
        said=room.said(session),
        uses=await app.ledger.standing_rules(account.id, now),
        pin=await app.desk.pin.is_set(),
        per_day=PER_DAY_AT_MOST,
        length=LENGTH_AT_MOST,
        days=LIVES_AT_MOST.days,
    )


async def make(room: Room, request: Request, session: Session) -> Response:
    """Make a rule, with the PIN."""
    app = room.app
    try:
        form = await checked_form(request, session, "rule")
        terms = terms_of(form, app.clock.now())
        about = deed("rule", terms.describe())
        proof = await app.desk.pin.check(form.get("pin", ""), about, BY)
        account = await app.people.account()
        rule = await app.ledger.add_standing_rule(
            account.id, terms, proof.assurance, proof.by, app.clock.now()
        )
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", f"From now on: {rule.terms.describe()}"))
    return back(RULES)


async def withdraw(room: Room, request: Request, session: Session) -> Response:
    """Withdraw a rule at once, which needs no proof: it only makes the guard stricter."""
    app, rule_id = room.app, request.path_params["rule_id"]
    try:
        await checked_form(request, session, "withdraw", rule_id)
        account = await app.people.account()
        await app.ledger.withdraw_standing_rule(account.id, rule_id, BY, app.clock.now())
    except XdmError as error:
        room.say(session, says(error))
    else:
        room.say(session, Word("good", "That rule is withdrawn."))
    return back(RULES)


def terms_of(form: Form, now: datetime) -> Terms:
    """Return the terms that a form asks for. Raises BadInput for what is none."""
    ticked = {name: name in form for name in TICKS}
    terms = Terms(
        user_id=form.get("user_id", "").strip() or None,
        until=_until(form.get("days", ""), now),
        per_day=_number(form.get("per_day", ""), "messages a day"),
        max_length=_number(form.get("max_length", ""), "characters"),
        **ticked,
    )
    fault = terms.fault(now)
    if fault is not None:
        raise BadInput(fault)
    return terms


def _until(days: str, now: datetime) -> datetime:
    count = min(_number(days, "days"), LIVES_AT_MOST.days + 1)
    return (now + timedelta(days=count)).astimezone(UTC)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadInput(f"The number of {what} is a whole number.")
    return int(text)
