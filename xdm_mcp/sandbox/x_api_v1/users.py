"""The endpoints of people: oneself, users by id and name, and how two stand to each other."""

from __future__ import annotations

from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.x_api_v1.calls import Body, Call, Reply
from xdm_mcp.sandbox.x_api_v1.errors import Problem

MOST_AT_ONCE = 100
"""How many users one look-up may name (reference of users/lookup)."""


def me(call: Call) -> Reply:
    """GET account/verify_credentials.json."""
    return Reply(_user(call.hold.world.people.by_id[call.account_id]))


def show(call: Call) -> Reply:
    """GET users/show.json?user_id=… or ?screen_name=…"""
    person = _named(call, "user_id", "screen_name")
    if person.suspended:
        raise Problem("v1_user_suspended")
    return Reply(_user(person))


def lookup(call: Call) -> Reply:
    """GET users/lookup.json?user_id=…,…: the unknown and the suspended are absent."""
    people, query = call.hold.world.people, call.request.query
    ids = [each for each in query.get("user_id", "").split(",") if each]
    names = [each for each in query.get("screen_name", "").split(",") if each]
    if not 1 <= len(ids) + len(names) <= MOST_AT_ONCE:
        raise Problem("v1_missing_parameter")
    found = [*map(people.by_id.get, ids), *map(people.with_handle, names)]
    known = {person.id: person for person in found if person and not person.suspended}
    if not known:
        raise Problem("v1_no_user_matches")
    return Reply([_user(person) for person in known.values()])


def friendship(call: Call) -> Reply:
    """GET friendships/show.json: how the source stands to the target."""
    source = _named(call, "source_id", "source_screen_name")
    target = _named(call, "target_id", "target_screen_name")
    people = call.hold.world.people
    following = (source.id, target.id) in people.follows
    followed_by = (target.id, source.id) in people.follows
    told: Body = {**_short(source), "following": following, "followed_by": followed_by}
    if source.id == call.account_id:
        told |= {
            "can_dm": call.hold.world.allows(source.id, target),
            "blocking": (source.id, target.id) in people.blocks,
            "blocked_by": (target.id, source.id) in people.blocks,
            "muting": False,
        }
    other = {**_short(target), "following": followed_by, "followed_by": following}
    return Reply({"relationship": {"source": told, "target": other}})


def _named(call: Call, by_id: str, by_name: str) -> Person:
    people, query = call.hold.world.people, call.request.query
    if not {by_id, by_name} & query.keys():
        raise Problem("v1_missing_parameter")
    found = people.by_id.get(query.get(by_id, "")) or people.with_handle(query.get(by_name, ""))
    if found is None:
        raise Problem("v1_user_not_found")
    return found


def _short(person: Person) -> Body:
    return {"id": int(person.id), "id_str": person.id, "screen_name": person.handle}


def _user(person: Person) -> Body:
    more = {"name": person.name, "description": person.bio, "protected": person.protected}
    return {**_short(person), **more}
