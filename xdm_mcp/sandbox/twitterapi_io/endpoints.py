"""twitterapi.io's endpoints: one person's messages, people, and the customer's credits."""

from __future__ import annotations

from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.getxapi.users import profile
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.vendors import Body, Call, Said, possible

FACADE = "twitterapi-io"
"""The name that deliveries carry."""

CREDIT = 10
"""Micro-dollars in one credit: 100,000 credits are one US dollar (pricing page, 2026-04)."""


def send(call: Call) -> Body:
    """POST /twitter/send_dm_to_user."""
    _need(call, "user_id", "text", "proxy")
    text = call.given.get("text")
    if not possible(text):
        raise lacking("text")
    other = acts.person(call.hold, call.text("user_id"))
    if other.id == call.account_id:
        raise acts.Refusal("oneself", other.id)
    to = call.hold.world.threads.with_person(call.account_id, other.id)
    made = acts.send(call.hold, call.account_id, to, str(text), FACADE)
    return {"message_id": made.id, "status": "success", "msg": ""}


def history(call: Call) -> Body:
    """GET /twitter/get_dm_history_by_user_id: everything, newest first, without pages."""
    _need(call, "user_id", "proxy")
    threads = call.hold.world.threads
    thread = threads.with_person(call.account_id, call.text("user_id"))
    found = [
        {
            "id": each.id,
            "recipient_id": next(m for m in thread.member_ids if m != each.sender_id),
            "sender_id": each.sender_id,
            "text": each.text,
            "time": each.created_at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        }
        for each in threads.older(None, thread.id)
        if each.kind == "message" and threads.seen_by(call.account_id, each)
    ]
    return {"messages": found, "status": "success", "message": ""}


def info(call: Call) -> Body:
    """GET /twitter/user/info?userName="""
    person = call.person(handle=call.text("userName"))
    if person is None:
        return {"status": "error", "msg": "User not found", "data": None}
    return {"status": "success", "msg": "success", "data": profile(call, person)}


def several(call: Call) -> Body:
    """GET /twitter/user/batch_info_by_ids?userIds="""
    return {
        "users": [profile(call, each) for each in _asked(call)],
        "status": "success",
        "msg": "success",
    }


def relationship(call: Call) -> Body:
    """GET /twitter/user/check_follow_relationship?source_user_name=&target_user_name="""
    source = call.person(handle=call.text("source_user_name"))
    target = call.person(handle=call.text("target_user_name"))
    if source is None or target is None:
        return {"status": "error", "message": "User not found", "data": None}
    follows = call.hold.world.people.follows
    facts = {
        "following": (source.id, target.id) in follows,
        "followed_by": (target.id, source.id) in follows,
    }
    return {"status": "success", "message": "success", "data": facts}


def account(call: Call) -> Body:
    """GET /oapi/my/info: credits, not money."""
    return {"recharge_credits": call.hold.world.balance // CREDIT, "total_bonus_credits": 0}


def looked_up(call: Call) -> int:
    """How many users a look-up of several is billed for."""
    return len(_asked(call))


def lacking(name: str) -> Said:
    """422 about a field, as the service's web framework words it."""
    return Said(422, {"detail": [{"type": "missing", "loc": ["body", name], "msg": "missing"}]})


def _asked(call: Call) -> list[Person]:
    ids = dict.fromkeys(call.text("userIds").split(","))
    return [person for person in (call.person(id=each) for each in ids) if person is not None]


def _need(call: Call, *names: str) -> None:
    for name in names:
        if not call.text(name):
            raise lacking(name)
