"""GetXAPI's endpoints about people and about the customer's account."""

from __future__ import annotations

from collections.abc import Callable

from xdm_mcp.models.quota import MICRO
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.vendors import Body, Call, Said

PAGE = 70
"""Users in a page of followers (integrators' code, 2026)."""


def info(call: Call) -> Body:
    """GET /twitter/user/info?userName="""
    handle = call.text("userName")
    person = call.person(handle=handle) if handle else None
    if person is None:
        raise Said(404, {"error": f"Could not resolve userId for @{handle}"})
    return {"status": "success", "msg": "success", "data": profile(call, person)}


def info_by_id(call: Call) -> Body:
    """GET /twitter/user/info_by_id?userId="""
    person = call.person(id=call.text("userId"))
    if person is None:
        raise Said(404, {"error": f"Could not find user with ID: {call.text('userId')}"})
    return {"status": "success", "msg": "success", "data": profile(call, person)}


def listed(name: str) -> Callable[[Call], Body]:
    """Return GET /twitter/user/followers_v2 or following_v2."""

    def act(call: Call) -> Body:
        person = call.person(handle=call.text("userName"))
        if person is None:
            raise Said(404, {"error": f"Could not resolve userId for @{call.text('userName')}"})
        people = call.hold.world.people
        everybody = people.followers(person.id)
        if name == "following":
            everybody = [people.by_id[whom] for who, whom in people.follows if who == person.id]
        start = int(call.text("cursor")[:9]) if call.text("cursor").isdecimal() else 0
        shown = everybody[start : start + PAGE]
        more = start + PAGE < len(everybody)
        return {
            "userName": person.handle,
            "user_count": len(shown),
            "has_more": more,
            "next_cursor": str(start + PAGE) if more else None,
            name: [{"type": "user", **profile(call, each)} for each in shown],
        }

    return act


def relationship(call: Call) -> Body:
    """GET /twitter/user/check_follow_relationship?source_user_name=&target_user_name="""
    source, target = (call.person(handle=call.text(f"{end}_user_name")) for end in ENDS)
    if source is None or target is None:
        raise Said(404, {"error": "Could not resolve userId for one of the users"})
    people, world = call.hold.world.people, call.hold.world
    return {
        "sourceFollowsTarget": (source.id, target.id) in people.follows,
        "targetFollowsSource": (target.id, source.id) in people.follows,
        "canDm": world.allows(source.id, target),
        "blocking": (source.id, target.id) in people.blocks,
        "blockedBy": (target.id, source.id) in people.blocks,
        "muting": False,
    }


def account(call: Call) -> Body:
    """GET /account/me: USD as JSON numbers."""
    left = call.hold.world.balance / MICRO
    return {
        "email": "you@sandbox.example",
        "name": "You",
        "credits_remaining": left,
        "plan_name": "sandbox",
        "plan_credits_remaining": 0,
        "balance_total": left,
    }


def profile(call: Call, person: Person) -> Body:
    """Return a user as a stranger sees them: `canDm` knows nothing of who asks."""
    people = call.hold.world.people
    return {
        "id": person.id,
        "name": person.name,
        "userName": person.handle,
        "description": person.bio,
        "protected": person.protected,
        "isBlueVerified": False,
        "followers": len(people.followers(person.id)),
        "following": sum(1 for who, _ in people.follows if who == person.id),
        "createdAt": "Tue Dec 02 04:25:09 +0000 2025",
        "canDm": person.open_inbox,
    }


ENDS = ("source", "target")
