"""Standing rules on the page: what a person allowed beforehand, made with a factor, withdrawn
without.

One is made in two steps: what the form asks for is shown as a sentence, with the account and the
person it concerns, and the proof is about exactly that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from xdm_mcp.approvals import standing_rules
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.models.people import User
from xdm_mcp.models.standing_rules import LENGTH_AT_MOST, LIVES_AT_MOST, PER_DAY_AT_MOST, Terms
from xdm_mcp.server.page.desk_routes import BY, proof_of
from xdm_mcp.server.page.room import Form, Room, Word, back, checked_form, draw, says
from xdm_mcp.server.page.sessions import Session
from xdm_mcp.server.page.showing import factors
from xdm_mcp.spelling import one_line

RULES = "/rules"

TICKS = ("solicited", "links", "quiet_hours", "first_contact")
"""The terms that are yes or no."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A rule before it is made: for which account, about whom if we know the person, and what a
    proof for it is about."""

    terms: Terms
    account: User
    person: User | None
    about: str


async def rules(room: Room, request: Request, session: Session) -> Response:
    """Show the rules in force and the form for another."""
    return await _shown(room, session, room.said(session))


async def offer(room: Room, request: Request, session: Session) -> Response:
    """Show the rule that a form asks for, as a sentence, and ask for the proof about it."""
    app = room.app
    try:
        terms = terms_of(await checked_form(request, session, "rule"), app.clock.now())
        account = await app.people.account()
        person = await app.people.known(terms.user_id) if terms.user_id else None
    except XdmError as error:
        room.say(session, says(error))
        return back(RULES)
    offered = Offered(
        terms,
        _harmless(account),
        person and _harmless(person),
        standing_rules.about(account.id, terms),
    )
    return await _shown(room, session, None, offered)


async def make(room: Room, request: Request, session: Session) -> Response:
    """Make the rule that was shown, for the account that was named, with the PIN or a passkey."""
    app = room.app
    try:
        form = await checked_form(request, session, "make-rule", "", "digest")
        terms = terms_of(form, app.clock.now())
        account = await app.people.account()
        if form["digest"] != standing_rules.about(account.id, terms):
            raise BadInput("That is not the rule that was shown; make it anew.")
        proof = await proof_of(app, form, form["digest"])
        rule = await standing_rules.make(app.ledger, account.id, terms, proof, app.clock.now())
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
        until=_until(form, now),
        per_day=_number(form.get("per_day", ""), "messages a day"),
        max_length=_number(form.get("max_length", ""), "characters"),
        **ticked,
    )
    fault = terms.fault(now)
    if fault is not None:
        raise BadInput(fault)
    return terms


def _harmless(user: User) -> User:
    """Return a user whose handle shows every character that hides."""
    return replace(user, handle=one_line(user.handle) if user.handle else None)


async def _shown(
    room: Room, session: Session, said: Word | None, offered: Offered | None = None
) -> Response:
    app = room.app
    account = await app.people.account()
    return draw(
        "rules.html",
        session=session,
        here="rules",
        said=said,
        uses=await app.ledger.standing_rules(account.id, app.clock.now()),
        factors=await factors(app),
        offered=offered,
        ticks=TICKS,
        anyone=standing_rules.ANYONE,
        per_day=PER_DAY_AT_MOST,
        length=LENGTH_AT_MOST,
        days=LIVES_AT_MOST.days,
    )


def _until(form: Form, now: datetime) -> datetime:
    """Return when a rule ends: a number of days from now, or the moment that was shown."""
    if "until" in form:
        try:
            return datetime.fromisoformat(form["until"]).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadInput("That is no moment; make the rule anew.") from None
    count = min(_number(form.get("days", ""), "days"), LIVES_AT_MOST.days + 1)
    return (now + timedelta(days=count)).astimezone(UTC).replace(microsecond=0)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadInput(f"The number of {what} is a whole number.")
    return int(text)
