"""`xdm-mcp approvals rules`: what the owner allows beforehand, made with the PIN, withdrawn
without."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from xdm_mcp.app import App
from xdm_mcp.approvals.standing_rules import ANYONE, about, make
from xdm_mcp.cli.asking import TERMINAL, confirm_person
from xdm_mcp.cli.clear import account_of
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import plain, print_json, screen, show
from xdm_mcp.clock import rfc3339
from xdm_mcp.errors import BadInput, Declined
from xdm_mcp.models.people import full_name
from xdm_mcp.models.standing_rules import RuleUse, Terms

if TYPE_CHECKING:
    from rich.console import Console

LIVES = timedelta(days=30)
"""How long a rule holds unless its maker says otherwise."""

QUESTION = "PIN to allow exactly this (empty to leave it): "
"""What is asked below the rule that is to be made."""


def listed(args: Namespace) -> int:
    """List the rules in force, each with what it let pass in 24 hours."""
    return with_app(args, _list)


def add(args: Namespace) -> int:
    """Show one rule, ask for the PIN, make it; 1 where the person did not want it."""
    return with_app(args, _add)


def withdraw(args: Namespace) -> int:
    """End one rule at once. It takes no PIN: it can only stop something."""
    return with_app(args, _withdraw)


def moment_of(text: str) -> datetime:
    """Return a moment given as a date (its beginning in UTC) or as an RFC 3339 time.

    Raises ArgumentTypeError for what is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # an offset can lead out of the calendar
        raise ArgumentTypeError("a date such as 2026-12-31, or a time in RFC 3339") from None


async def _list(app: App, args: Namespace) -> int:
    account_id = await account_of(app, args.account)
    uses = await app.ledger.standing_rules(account_id, app.clock.now())
    if args.json:
        print_json([_as_json(use) for use in uses])
        return 0
    console = screen()
    for use in uses:
        _draw(console, use)
    if not uses:
        console.print("There is no standing rule: every held send waits for you.")
    return 0


async def _add(app: App, args: Namespace) -> int:
    account_id, now = await account_of(app, args.account), app.clock.now()
    terms = _terms(args, now)
    fault = terms.fault(now)
    if fault is not None:
        raise BadInput(fault)
    console = screen()
    show(console, "account", f"numeric id {account_id}")
    show(console, "to", await _whom(app, terms))
    show(console, "rule", terms.describe())
    if terms.user_id is None:
        show(console, "mind", ANYONE, "yellow")
    try:
        proof = await confirm_person(app, about(account_id, terms), QUESTION)
    except Declined:
        console.print("Nothing was allowed.", style="yellow")
        return 1
    rule = await make(app.ledger, account_id, terms, proof, app.clock.now())
    console.print(f"Standing rule {rule.id} holds.", style="green")
    console.print(f"Withdraw it with `xdm-mcp approvals rules withdraw {rule.id}`.")
    return 0


async def _withdraw(app: App, args: Namespace) -> int:
    account_id = await account_of(app, args.account)
    gone = await app.ledger.withdraw_standing_rule(account_id, args.id, TERMINAL, app.clock.now())
    screen().print(f"Standing rule {gone.id} is withdrawn and holds no longer.", style="green")
    return 0


def _terms(args: Namespace, now: datetime) -> Terms:
    return Terms(
        user_id=args.user,
        until=args.until or (now + LIVES).replace(microsecond=0),
        per_day=args.per_day,
        max_length=args.max_length,
        solicited=not (args.unsolicited or args.even_first),
        links=args.links,
        quiet_hours=args.in_quiet_hours,
        first_contact=args.even_first,
    )


async def _whom(app: App, terms: Terms) -> str:
    if terms.user_id is None:
        return "anybody who wrote to this account first"
    user = await app.people.known(terms.user_id)
    return full_name(plain(user.handle) if user and user.handle else None, terms.user_id)


def _draw(console: Console, use: RuleUse) -> None:
    rule = use.rule
    show(console, f"rule {rule.id}", rule.terms.describe())
    how = rule.assurance.name.lower()
    show(
        console,
        "",
        f"{use.used} of {rule.terms.per_day} used; made {rfc3339(rule.made_at)} ({how})",
    )


def _as_json(use: RuleUse) -> dict[str, object]:
    rule, terms = use.rule, use.rule.terms
    return {
        "id": rule.id,
        "user_id": terms.user_id,
        "until": rfc3339(terms.until),
        "per_day": terms.per_day,
        "used": use.used,
        "max_length": terms.max_length,
        "solicited": terms.solicited,
        "links": terms.links,
        "quiet_hours": terms.quiet_hours,
        "first_contact": terms.first_contact,
        "assurance": rule.assurance.name.lower(),
        "made_by": rule.made_by,
        "made_at": rfc3339(rule.made_at),
    }
