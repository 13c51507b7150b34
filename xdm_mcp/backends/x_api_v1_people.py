"""People on the X API v1.1: who we are, who they are, and whether they can be written to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.x_api_v1_limits import RELATED
from xdm_mcp.backends.x_api_v1_parse import relation_in, user_of
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT
from xdm_mcp.backends.x_api_v2_people import chunks, only_asked, require_names
from xdm_mcp.backends.x_api_v2_problems import problems_in
from xdm_mcp.backends.x_line import Line
from xdm_mcp.errors import NotFound, Unavailable
from xdm_mcp.models.people import User

log = logging.getLogger(__name__)


async def me(line: Line) -> User:
    """Return the account that the keys speak for, and let the line know it."""
    answer = await line.ask("me", "/1.1/account/verify_credentials.json")
    user = user_of(answer.content) if answer.ok else None
    if user is None:
        line.refuse(answer)
    line.account = user.id
    return user


async def look_up(line: Line, ids: Sequence[str], handles: Sequence[str]) -> tuple[User, ...]:
    """Return the users of these ids and handles, each once; where few are asked for, also whether
    they can be written to. Raises BadInput."""
    require_names(ids, handles)
    found: dict[str, User] = {}
    for name, asked in (("user_id", ids), ("screen_name", handles)):
        for chunk in chunks(asked):
            for user in await _asked(line, name, chunk):
                found.setdefault(user.id, user)
    if len(ids) + len(handles) > RELATED:
        return tuple(found.values())
    return tuple([await _related(line, user) for user in found.values()])


async def _asked(line: Line, name: str, asked: Sequence[str]) -> tuple[User, ...]:
    params = {name: ",".join(asked), "include_entities": "false"}
    answer = await line.ask("users", "/1.1/users/lookup.json", params)
    items = answer.content if answer.ok and isinstance(answer.content, list) else []
    users = [user for user in map(user_of, items) if user is not None]
    if not users and not outcomes.only_absent(answer, problems_in(answer.content)):
        line.refuse(answer)
    return only_asked(users, asked, by_id=name == "user_id")


async def _related(line: Line, user: User) -> User:
    """Return a user with what X says of us and them; without it where X does not say it now."""
    if line.account == ACCOUNT:
        await me(line)
    params = {"source_id": line.account, "target_id": user.id}
    try:
        answer = await line.ask("relation", "/1.1/friendships/show.json", params)
        relation = relation_in(answer.content) if answer.ok else None
        if relation is None:
            line.refuse(answer)
    except (Unavailable, NotFound) as error:
        log.info("whether somebody can be written to is not known: %s", error)
        return user
    if relation.can_dm is None:
        return replace(user, connection=relation.words)
    known = replace(user, can_dm=relation.can_dm, can_dm_basis="relative")
    return replace(known, connection=relation.words)
