"""What accounts and people do in the world, and why the world refuses.

Each function works on a `Hold` and raises `Refusal`; a façade puts refusals into its own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xdm_mcp.sandbox.events import Blocked, Deleted, GroupOpened, PersonAdded, Posted
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.threads import Conversation, Message, Placed

LARGEST_GROUP = 49
"""How many others a group may have at its start (X API v2 OpenAPI 2.167, 2026-08)."""

Reason = Literal[
    "no_such_person",
    "no_such_conversation",
    "no_such_message",
    "not_yours",
    "oneself",
    "closed",
    "media",
    "taken",
]


class Refusal(Exception):
    """The world does not allow it: `reason`, and what it was about."""

    def __init__(self, reason: Reason, about: str = "") -> None:
        """Refuse for `reason`."""
        super().__init__(f"{reason}: {about}")
        self.reason = reason
        self.about = about


def person(hold: Hold, person_id: str) -> Person:
    """Return who has that id. Raises Refusal."""
    found = hold.world.people.by_id.get(person_id)
    if found is None:
        raise Refusal("no_such_person", person_id)
    return found


def conversation(hold: Hold, account_id: str, conversation_id: str) -> Conversation:
    """Return a plain conversation of `account_id`, opened or possible. Raises Refusal."""
    known = hold.world.threads.conversations.get(conversation_id)
    if known is None or known.encrypted:
        known = _possible(hold, conversation_id)
    if account_id not in known.member_ids:
        raise Refusal("not_yours", conversation_id)
    return known


def message(hold: Hold, account_id: str, message_id: str) -> Message:
    """Return a message that `account_id` can see. Raises Refusal."""
    found = hold.world.threads.messages.get(int(message_id))
    if found is None or not hold.world.threads.seen_by(account_id, found):
        raise Refusal("no_such_message", message_id)
    return found


def send(
    hold: Hold,
    sender_id: str,
    to: Conversation,
    text: str,
    via: str,
    media_id: str | None = None,
) -> Message:
    """Deliver a message to the others of a conversation and return it. Raises Refusal.

    In a conversation of two the other must be writable; in a group membership is enough.
    """
    others = [other for other in to.member_ids if other != sender_id]
    if not others:
        raise Refusal("oneself", sender_id)
    if not to.group and not hold.world.allows(sender_id, hold.world.people.by_id[others[0]]):
        raise Refusal("closed", others[0])
    if media_id is not None:
        check_media(hold, sender_id, media_id)
    placed: Placed = "inbox" if to.group else _placed(hold, sender_id, others[0])
    number = hold.new_id()
    hold.record(Posted(number, to.id, sender_id, text, via, media_id, placed))
    return hold.world.threads.messages[int(number)]


def check_media(hold: Hold, account_id: str, media_id: str) -> None:
    """Raise Refusal unless `account_id` may attach that upload now."""
    upload = hold.world.uploads.get(media_id)
    if upload is None or not upload.attachable(account_id, hold.now):
        raise Refusal("media", media_id)


def open_group(hold: Hold, account_id: str, other_ids: Sequence[str]) -> Conversation:
    """Open a new group and return it, even where the same people have one. Raises Refusal."""
    for other_id in other_ids:
        other = person(hold, other_id)
        if other.id == account_id:
            raise Refusal("oneself", other_id)
        if not hold.world.allows(account_id, other):
            raise Refusal("closed", other_id)
    number = hold.new_id()
    hold.record(GroupOpened(number, (account_id, *other_ids)))
    return hold.world.threads.conversations[number]


def delete(hold: Hold, account_id: str, message_id: str) -> None:
    """Take one's own message out of one's own view. Raises Refusal."""
    if message(hold, account_id, message_id).sender_id != account_id:
        raise Refusal("not_yours", message_id)
    hold.record(Deleted(account_id, message_id))


def block(hold: Hold, account_id: str, other_id: str, *, on: bool) -> None:
    """Block somebody, or cease to. Raises Refusal."""
    if person(hold, other_id).id == account_id:
        raise Refusal("oneself", other_id)
    hold.record(Blocked(account_id, other_id, on))


def inject(hold: Hold, sender: Person, text: str, conversation_id: str | None) -> Message:
    """Let `sender` write to the owner, or into a conversation of theirs. Raises Refusal."""
    world = hold.world
    if conversation_id is None:
        to = world.threads.with_person(sender.id, world.owner_id)
    else:
        to = conversation(hold, sender.id, conversation_id)
    barred = sender.suspended or world.people.blocked(sender.id, world.owner_id)
    if sender.id == world.owner_id and conversation_id is None:
        raise Refusal("oneself", sender.id)
    if barred and not to.group:
        raise Refusal("closed", sender.id)
    number = hold.new_id()
    hold.record(Posted(number, to.id, sender.id, text, "control"))
    return world.threads.messages[int(number)]


def add_person(
    hold: Hold, handle: str, name: str, person_id: str | None, *, open_inbox: bool
) -> Person:
    """Let somebody new exist. Raises Refusal where taken, ValueError for an impossible handle."""
    people = hold.world.people
    made = Person(person_id or people.free_id(), handle, name, open_inbox=open_inbox)
    if made.id in people.by_id or people.with_handle(handle):
        raise Refusal("taken", handle)
    hold.record(PersonAdded(made.id, handle, name, open_inbox))
    return people.by_id[made.id]


def _possible(hold: Hold, conversation_id: str) -> Conversation:
    one, _, other = conversation_id.partition("-")
    people = hold.world.people.by_id
    made = hold.world.threads.with_person(one, other) if one in people and other in people else None
    if made is None or made.id != conversation_id:
        raise Refusal("no_such_conversation", conversation_id)
    return made


def _placed(hold: Hold, sender_id: str, recipient_id: str) -> Placed:
    world = hold.world
    if world.threads.encrypted_between(sender_id, recipient_id):
        return "unseen"
    follows = (recipient_id, sender_id) in world.people.follows
    known = follows or world.threads.wrote_to(recipient_id, sender_id)
    return "inbox" if known else "requests"
