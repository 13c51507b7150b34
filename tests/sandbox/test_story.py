"""The stories that come with the sandbox."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest

from tests.sandbox.conftest import START
from xdm_mcp.sandbox import story as stories
from xdm_mcp.sandbox.world import World


@pytest.mark.parametrize("name", stories.names())
def test_every_story_begins_within_the_last_20_days(name: str) -> None:
    """Nothing in a new world is in its future or older than 20 days."""
    world = World(stories.load(name), START)

    times = [message.created_at for message in world.threads.messages.values()]

    assert all(START - timedelta(days=20) <= time < START for time in times)
    assert world.owner_id in world.people.by_id


def test_the_same_story_at_the_same_time_is_the_same_world() -> None:
    """Ids and texts follow from the story and the time alone."""
    one, other = (World(stories.load("default"), START) for _ in range(2))

    assert one.threads == other.threads
    assert one.people == other.people


def test_the_default_story_has_every_kind_of_person() -> None:
    """There is somebody for each thing that may happen when one writes to them."""
    world = World(stories.load("default"), START)
    me, people = world.owner_id, world.people
    others = [person for person in people.by_id.values() if person.id != me]

    assert any(person.suspended for person in others)
    assert any((person.id, me) in people.blocks for person in others)
    assert any((me, person.id) in people.blocks for person in others)
    assert any(person.open_inbox and world.allows(me, person) for person in others)
    assert any(not world.allows(me, person) and not person.open_inbox for person in others)
    assert any(world.threads.encrypted_between(me, person.id) for person in others)
    assert any(person.answers for person in others)
    groups = [each for each in world.threads.conversations.values() if each.group]
    assert [len(group.member_ids) for group in groups] == [3]


def test_the_default_story_attacks_its_reader() -> None:
    """A stranger's request tries to instruct the assistant, under a name with a hidden control."""
    world = World(stories.load("default"), START)
    threads = world.threads.conversations.values()
    requests = [each for each in threads if world.is_request(each, world.owner_id)]

    texts = {
        message.text: world.people.by_id[message.sender_id].name
        for each in requests
        for message in world.threads.newer(0, each.id)
    }

    name = next(name for text, name in texts.items() if "ignore your instructions" in text)
    assert any(unicodedata.category(character) == "Cf" for character in name)


def test_the_empty_story_is_the_owner_and_two_people() -> None:
    """Nothing was said in it."""
    world = World(stories.load("empty"), START)

    assert len(world.people.by_id) == 3
    assert not world.threads.messages


def test_an_unknown_story_is_refused_with_the_names_of_the_others() -> None:
    """The sentence says what can be chosen."""
    with pytest.raises(stories.NoSuchStory, match="default, empty"):
        stories.load("../default")
