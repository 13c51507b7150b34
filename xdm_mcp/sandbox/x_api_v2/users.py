"""The user endpoints: me, by id, by username, several at once, followers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from xdm_mcp.models.people import HANDLE
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.x_api_v2.calls import Call, Reply
from xdm_mcp.sandbox.x_api_v2.problems import Body

MOST_AT_ONCE = 100
MOST_FOLLOWERS = 1000
"""How many users one call looks up or lists at most (X API v2 OpenAPI 2.167, 2026-08)."""

DIGITS = re.compile(r"[0-9]{1,9}\Z")

_NONE: frozenset[str] = frozenset()


def render(call: Call, person: Person, fields: Iterable[str]) -> Body:
    """Return a user with the default fields and those of `fields` that the world knows.

    What depends on the caller is absent where the app alone asks.
    """
    user: Body = {"id": person.id, "name": person.name, "username": person.handle}
    for name in fields:
        value = _field(call, person, name)
        if value is not None:
            user[name] = value
    return user


def included(call: Call, ids: Iterable[str], fields: Iterable[str]) -> list[Body]:
    """Return and bill the users of an expansion, each once."""
    wanted = tuple(fields)
    people = call.hold.world.people.by_id
    found = [people[each] for each in dict.fromkeys(ids)]
    for person in found:
        call.charge_read("user_read", person.id)
    return [render(call, person, wanted) for person in found]


def me(call: Call) -> Reply:
    """GET /2/users/me."""
    fields = call.query(_NONE, call.vocabulary.users).lists.get("user.fields", ())
    person = call.hold.world.people.by_id[call.account_id]
    call.charge_read("user_read", person.id)
    return Reply({"data": render(call, person, fields)})


def by_id(call: Call) -> Reply:
    """GET /2/users/{id}."""
    return _one(call, "id", call.id_param("id"))


def by_username(call: Call) -> Reply:
    """GET /2/users/by/username/{username}."""
    return _one(call, "username", _username(call, call.params["username"]))


def by_ids(call: Call) -> Reply:
    """GET /2/users?ids=…"""
    query = call.query(frozenset({"ids"}), call.vocabulary.users)
    ids = [call.checked_id("ids", each) for each in _several(call, "ids", query.plain.get("ids"))]
    return _many(call, "ids", ids, query.lists.get("user.fields", ()))


def by_usernames(call: Call) -> Reply:
    """GET /2/users/by?usernames=…"""
    query = call.query(frozenset({"usernames"}), call.vocabulary.users)
    asked = _several(call, "usernames", query.plain.get("usernames"))
    names = [_username(call, each, "usernames") for each in asked]
    return _many(call, "usernames", names, query.lists.get("user.fields", ()))


def followers(call: Call) -> Reply:
    """GET /2/users/{id}/followers."""
    return _related(call, "own_follower_read", call.hold.world.people.followers)


def following(call: Call) -> Reply:
    """GET /2/users/{id}/following."""
    return _related(call, "own_follower_read", call.hold.world.people.following)


def _related(call: Call, own_item: str, related: Callable[[str], list[Person]]) -> Reply:
    """Return a page of those whom `related` names; our own are billed as `own_item`."""
    user_id = call.id_param("id")
    plain = frozenset({"max_results", "pagination_token"})
    query = call.query(plain, call.vocabulary.users)
    most = call.number(query, "max_results", MOST_FOLLOWERS, 100)
    if user_id not in call.hold.world.people.by_id:
        return Reply({"errors": [call.problems.missing("id", user_id, "user")]})
    everybody = related(user_id)
    start = _start(call, query.plain.get("pagination_token"), user_id)
    shown = everybody[start : start + most]
    item = own_item if user_id == call.account_id else "user_read"
    for person in shown:
        call.charge_read(item, person.id)
    meta: Body = {"result_count": len(shown)}
    if start + most < len(everybody):
        meta["next_token"] = _follower_token(user_id, start + most)
    if start > 0:
        meta["previous_token"] = _follower_token(user_id, max(0, start - most))
    fields = query.lists.get("user.fields", ())
    users = [render(call, person, fields) for person in shown]
    return Reply({"data": users, "meta": meta} if users else {"meta": meta})


def _one(call: Call, parameter: str, value: str) -> Reply:
    fields = call.query(_NONE, call.vocabulary.users).lists.get("user.fields", ())
    users, errors = _look_up(call, parameter, [value], fields)
    return Reply({"data": users[0]} if users else {"errors": errors})


def _many(call: Call, parameter: str, values: list[str], fields: Iterable[str]) -> Reply:
    users, errors = _look_up(call, parameter, values, tuple(fields))
    body: Body = {"data": users} if users else {}
    return Reply({**body, "errors": errors} if errors else body)


def _look_up(
    call: Call, parameter: str, values: list[str], fields: Iterable[str]
) -> tuple[list[Body], list[Body]]:
    """Return the users there are, billed, and an error for each that is missing or suspended."""
    people = call.hold.world.people
    find = people.with_handle if "username" in parameter else people.by_id.get
    users: list[Body] = []
    errors: list[Body] = []
    for value in dict.fromkeys(values):
        person = find(value)
        if person is None:
            errors.append(call.problems.missing(parameter, value, "user"))
        elif person.suspended:
            errors.append(call.problems.suspended(parameter, value))
        else:
            call.charge_read("user_read", person.id)
            users.append(render(call, person, fields))
    return users, errors


def _field(call: Call, person: Person, name: str) -> Any:
    relative = {"receives_your_dm", "connection_status"}
    if name in relative and not call.account_id:
        return None
    match name:
        case "receives_your_dm":
            return call.hold.world.allows(call.account_id, person)
        case "connection_status":
            return _connection(call, person)
        case "protected":
            return person.protected
        case "description":
            return person.bio
        case "verified":
            return False
        case "verified_type":
            return "none"
        case "public_metrics":
            return {"followers_count": len(call.hold.world.people.followers(person.id))}
    return None


def _connection(call: Call, person: Person) -> list[str]:
    people, me, other = call.hold.world.people, call.account_id, person.id
    facts = {
        "blocking": (me, other) in people.blocks,
        "followed_by": (other, me) in people.follows,
        "following": (me, other) in people.follows,
    }
    return [name for name, so in facts.items() if so]


def _username(call: Call, value: str, parameter: str = "username") -> str:
    if not HANDLE.match(value):
        raise call.bad_value(parameter, value, "does not match ^[A-Za-z0-9_]{1,15}$")
    return value


def _several(call: Call, parameter: str, csv: str | None) -> list[str]:
    values = csv.split(",") if csv else []
    if not 1 <= len(values) <= MOST_AT_ONCE:
        raise call.bad_value(parameter, csv or "", f"must name 1 to {MOST_AT_ONCE} users")
    return values


def _follower_token(user_id: str, start: int) -> str:
    return f"F{int(user_id):019d}Z{start}"


def _start(call: Call, token: str | None, user_id: str) -> int:
    if token is None:
        return 0
    head, _, start = token.rpartition("Z")
    if head + "Z" != _follower_token(user_id, 0)[:-1] or not DIGITS.match(start):
        raise call.bad_value("pagination_token", token, "is invalid")
    return int(start)
