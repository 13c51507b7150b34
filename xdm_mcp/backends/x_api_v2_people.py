"""People on the X API v2: who we are, who they are, who follows whom, who is blocked; and what the
developer account has left (docs.x.com and OpenAPI 2.167 and 2.168, 2026-08)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NoReturn

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.base import Balance
from xdm_mcp.backends.http import Answer
from xdm_mcp.backends.x_api_v2_limits import CAPABILITIES
from xdm_mcp.backends.x_api_v2_parse import next_token_in, suspended_in, users_in
from xdm_mcp.backends.x_api_v2_problems import problems_in
from xdm_mcp.backends.x_line import Line
from xdm_mcp.errors import BackendUnavailable, BadInput, NotFound, Unsupported
from xdm_mcp.models.people import HANDLE, USER_ID, User, UserPage
from xdm_mcp.models.quota import MICRO

USER_FIELDS = "receives_your_dm,connection_status,protected"
LOOKUP = 100
"""How many users one look-up may name (docs.x.com, user look-up, 2026-08)."""

FOLLOWERS = 20
"""How many users a page of followers asks for: X bills each (docs.x.com pricing, 2026-08)."""

OWNED_READ = 1_000
"""Micro-dollars for one of our own followers, an "owned read" (docs.x.com pricing, 2026-08)."""

UNTOLD = (
    "X does not tell the balance to these credentials of the backend x-api-v2: see X's developer"
    " console instead."
)


async def me(line: Line) -> User:
    """Return the account that the credentials speak for, and let the line know it."""
    answer = await line.ask("me", "/2/users/me")
    users = users_in(answer.content) if answer.ok else ()
    if not users:
        line.refuse(answer)
    line.account = users[0].id
    return users[0]


async def look_up(line: Line, ids: Sequence[str], handles: Sequence[str]) -> tuple[User, ...]:
    """Return the users of these ids and handles, each once. Raises BadInput."""
    require_names(ids, handles)
    found: dict[str, User] = {}
    for chunk in chunks(ids):
        for user in await _asked(line, "/2/users", "ids", chunk):
            found.setdefault(user.id, user)
    for chunk in chunks(handles):
        for user in await _asked(line, "/2/users/by", "usernames", chunk):
            found.setdefault(user.id, user)
    return tuple(found.values())


async def followers(line: Line, user_id: str, *, following: bool, cursor: str | None) -> UserPage:
    """Return one page of who follows a user, or whom the user follows. Raises BadInput."""
    require(USER_ID, user_id, "user id")
    params = {"max_results": str(FOLLOWERS), "user.fields": USER_FIELDS}
    params |= {"pagination_token": cursor} if cursor else {}
    which = "following" if following else "followers"
    answer = await line.ask("followers", f"/2/users/{user_id}/{which}", params)
    users = users_in(answer.content) if answer.ok else ()
    told = next_token_in(answer.content)
    if not answer.ok or (not users and not _empty(answer.content)):
        _refuse(line, answer)
    price = OWNED_READ if user_id == line.account else CAPABILITIES.prices.read_user
    return UserPage(users, told if told != cursor else None, cost=price * len(users))


async def block(line: Line, user_id: str, *, blocked: bool) -> None:
    """Block somebody's messages, or cease to. Raises NotFound, BadInput, or as reads do."""
    require(USER_ID, user_id, "user id")
    answer = await line.act(f"/2/users/{user_id}/dm/{'block' if blocked else 'unblock'}")
    content = answer.content
    told = content.get("data") if isinstance(content, dict) else None
    if not isinstance(told, dict) or told.get("blocked") is not blocked:
        raise BackendUnavailable(
            "X did not say whether it did that: look at the person's profile on x.com."
        )


async def balance(line: Line) -> Balance:
    """Return what the developer account has left: prepaid and free together.

    X documents the endpoint since OpenAPI 2.168, and answers it for some credentials only (recorded
    2026-08): elsewhere it raises Unsupported.
    """
    answer = await line.ask(None, "/2/usage/credits")
    if answer.status in (403, 404):
        raise Unsupported(UNTOLD)
    remaining = balance_in(answer.content) if answer.ok else None
    if remaining is None:
        line.refuse(answer)
    return Balance(remaining)


def balance_in(content: object) -> int | None:
    """Return the micro-dollars that an answer tells of, negative for a debt, or None."""
    told = content.get("data") if isinstance(content, dict) else None
    if not isinstance(told, dict):
        return None
    total = _dollars(told.get("total_balance"))
    if total is not None:
        return total
    parts = [_dollars(told.get(f"{kind}_balance")) for kind in ("free", "prepaid")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def require(pattern: re.Pattern[str], text: str, what: str) -> None:
    """Raise BadInput unless `text` can be `what`."""
    if not pattern.match(text):
        raise BadInput(f"That is no {what} of X: correct it and call again.")


def require_names(ids: Sequence[str], handles: Sequence[str]) -> None:
    """Raise BadInput for what is neither a user id nor a handle."""
    for user_id in ids:
        require(USER_ID, user_id, "user id")
    for handle in handles:
        require(HANDLE, handle, "handle")


def chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the items, each once, in as many as one look-up may name."""
    unique = list(dict.fromkeys(items))
    return (unique[start : start + LOOKUP] for start in range(0, len(unique), LOOKUP))


def only_asked(users: Sequence[User], asked: Sequence[str], *, by_id: bool) -> tuple[User, ...]:
    """Return the users who were asked for, by their ids or else by their handles: a handle may be
    the digits of another's id."""
    wanted = {who.lower() for who in asked}
    return tuple(u for u in users if (u.id if by_id else (u.handle or "").lower()) in wanted)


async def _asked(line: Line, path: str, name: str, asked: Sequence[str]) -> tuple[User, ...]:
    params = {name: ",".join(asked), "user.fields": USER_FIELDS}
    answer = await line.ask("users", path, params)
    users = users_in(answer.content) if answer.ok else ()
    problems = problems_in(answer.content)
    if not users and not outcomes.only_absent(answer, problems):
        line.refuse(answer)
    told = only_asked(users, asked, by_id=name == "ids")
    return (*told, *suspended_in(problems, asked if name == "ids" else ()))


def _empty(content: object) -> bool:
    meta = content.get("meta") if isinstance(content, dict) else None
    return isinstance(meta, dict) and meta.get("result_count") == 0


def _refuse(line: Line, answer: Answer) -> NoReturn:
    if outcomes.only_absent(answer, problems_in(answer.content)):
        raise NotFound("There is no such X user, or X hides them; check the user id.")
    line.refuse(answer)


def _dollars(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
        return int(amount * MICRO) if abs(amount) < MICRO else None
    except (ArithmeticError, ValueError):  # no number, or one beyond all exponents
        return None
