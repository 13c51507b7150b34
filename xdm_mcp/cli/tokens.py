"""`xdm-mcp tokens`: the tokens that remote agents show to a server over HTTP."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime, timedelta

from xdm_mcp.cli.paint import print_json, screen
from xdm_mcp.clock import SystemClock, moment, rfc3339
from xdm_mcp.config import load
from xdm_mcp.credentials.tokens import Token, Tokens, stands
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.principals import FILE, principals_of

LONGEST = 36_500
"""Days that a token may live which ends at all."""

ONCE = "This is the token. It is shown once; only its digest is kept:"


def add(args: Namespace) -> int:
    """Make a token and print it, by itself on the last line."""
    home = load(home=args.home).home
    known = principals_of(home)
    if known is None and args.principal is not None:
        raise BadInput(f"This home has no {FILE}, so a token acts for the home: no --principal.")
    if known is not None and args.principal not in known:
        raise BadInput(f"Say with --principal for whom it acts: one of {', '.join(known)}.")
    now = SystemClock().now()
    if args.expires is not None and args.expires > LONGEST:
        raise BadInput(f"--expires takes at most {LONGEST} days; leave it out for no end.")
    ends = now + timedelta(days=args.expires) if args.expires is not None else None
    scopes = args.scopes.split(",")
    secret = Tokens(home).add(args.name, scopes, args.principal, now, ends)
    screen(stderr=True).print(ONCE, style="green")
    print(secret, flush=True)
    return 0


def listed(args: Namespace) -> int:
    """List the tokens, or those of the principal that is named: never what they are."""
    tokens, now = _meant(Tokens(load(home=args.home).home), args.principal), SystemClock().now()
    if args.json:
        print_json([_as_json(token, now) for token in tokens])
        return 0
    for token in tokens:
        screen().print(_line(token, now), style="" if stands(token, now) else "dim")
    if not tokens:
        screen().print("There are no tokens; `xdm-mcp tokens add` makes one.", style="yellow")
    return 0


def remove(args: Namespace) -> int:
    """Forget a token, of the principal where one is named; running servers refuse it from now
    on."""
    tokens = Tokens(load(home=args.home).home)
    if args.name not in [token.name for token in _meant(tokens, args.principal)]:
        raise NotFound("There is no such token; `xdm-mcp tokens list` names them.")
    tokens.remove(args.name)
    screen().print(f"{args.name} opens nothing any more.", style="green")
    return 0


def _meant(tokens: Tokens, principal: str | None) -> list[Token]:
    return [token for token in tokens.listed() if principal in (None, token.principal)]


def _line(token: Token, now: datetime) -> str:
    whose = f" for {token.principal}" if token.principal else ""
    ends = "never ends"
    if token.expires_at is not None:
        ends = f"{'ends' if stands(token, now) else 'ended'} {moment(token.expires_at)}"
    return f"{token.name}{whose}: {' '.join(token.scopes)}, {ends}"


def _as_json(token: Token, now: datetime) -> dict[str, object]:
    return {
        "name": token.name,
        "principal": token.principal,
        "scopes": list(token.scopes),
        "created_at": rfc3339(token.created_at),
        "expires_at": rfc3339(token.expires_at) if token.expires_at else None,
        "ended": not stands(token, now),
    }
