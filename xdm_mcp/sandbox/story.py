"""Stories: who lives in a new world and what was said there before it began.

A story is a TOML file of `stories/`. Its times are ages (`ago = "2d 3h"`) that count back from the
moment at which the world was created.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from xdm_mcp.models.quota import MICRO
from xdm_mcp.sandbox.people import People, Person
from xdm_mcp.sandbox.snowflake import next_id
from xdm_mcp.sandbox.threads import Conversation, Message, Threads, one_to_one

AGE = re.compile(r"(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ?(?:(\d+)s)?\Z")


@dataclass(frozen=True, slots=True)
class Story:
    """A story as written; `tables` are those of its file."""

    name: str
    tables: dict[str, Any]

    @property
    def owner_id(self) -> str:
        """The id of the account that the sandbox's token speaks for."""
        return str(self.tables["owner"]["id"])

    @property
    def credit(self) -> int:
        """The prepaid balance in micro-dollars."""
        return int(self.tables["credit_usd"]) * MICRO


class NoSuchStory(ValueError):
    """There is no story of that name; the sentence names those that there are."""


def names() -> list[str]:
    """Return the names of all stories."""
    files = resources.files("xdm_mcp.sandbox").joinpath("stories").iterdir()
    return sorted(file.name[: -len(".toml")] for file in files if file.name.endswith(".toml"))


@cache
def load(name: str) -> Story:
    """Return the story called `name`. Raises NoSuchStory."""
    if name not in names():
        raise NoSuchStory(f"There is no story {name!r}; choose one of: {', '.join(names())}.")
    file = resources.files("xdm_mcp.sandbox").joinpath("stories", f"{name}.toml")
    return Story(name, tomllib.loads(file.read_text(encoding="utf-8")))


def people_of(story: Story) -> People:
    """Return everybody in `story`, with who follows and blocks whom."""
    people = People()
    me = story.owner_id
    people.add(_person(story.tables["owner"], 0))
    for origin, told in enumerate(story.tables["people"], start=1):
        person = _person(told, origin)
        people.add(person)
        if told.get("follows_you"):
            people.follows[(person.id, me)] = None
        if told.get("you_follow"):
            people.follows[(me, person.id)] = None
        if told.get("blocks_you"):
            people.blocks.add((person.id, me))
        if told.get("you_block"):
            people.blocks.add((me, person.id))
    return people


def threads_of(story: Story, people: People, created_at: datetime) -> Threads:
    """Return what was said in `story` before `created_at`."""
    told = [
        (_age(line["ago"]), thread, line)
        for thread in story.tables.get("threads", [])
        for line in thread["messages"]
    ]
    threads = Threads()
    opened: dict[int, Conversation] = {}
    for age, thread, line in sorted(told, key=lambda each: each[0], reverse=True):
        conversation = opened.get(id(thread))
        if conversation is None:
            new_id = str(next_id(threads.last_id, created_at - age))
            conversation = opened[id(thread)] = _conversation(thread, story, people, new_id)
            threads.open(conversation)
        number = next_id(threads.last_id, created_at - age)
        threads.add(_message(str(number), conversation, line, people))
    return threads


def _person(told: dict[str, Any], origin: int) -> Person:
    return Person(
        id=told["id"],
        handle=told["handle"],
        name=told["name"],
        bio=told.get("bio", ""),
        protected=told.get("protected", False),
        suspended=told.get("suspended", False),
        open_inbox=told.get("open_inbox", False),
        answers=tuple(told.get("answers", ())),
        answers_after=_age(told.get("answers_after", "20s")),
        origin=origin,
    )


def _conversation(
    thread: dict[str, Any], story: Story, people: People, new_id: str
) -> Conversation:
    others = tuple(_id_of(handle, people) for handle in thread["with"])
    if len(others) == 1:
        return one_to_one(story.owner_id, others[0], encrypted=thread.get("encrypted", False))
    return Conversation(new_id, (story.owner_id, *others), group=True)


def _message(
    number: str, conversation: Conversation, line: dict[str, Any], people: People
) -> Message:
    return Message(
        id=number,
        conversation_id=conversation.id,
        sender_id=_id_of(line["from"], people),
        text=line.get("text", ""),
        kind=line.get("kind", "message"),
        participant_ids=tuple(_id_of(handle, people) for handle in line.get("who", ())),
    )


def _id_of(handle: str, people: People) -> str:
    person = people.find(handle)
    if person is None:
        raise ValueError(f"the story speaks of @{handle}, who is not in it")
    return person.id


def _age(text: str) -> timedelta:
    match = AGE.match(text)
    if match is None or not text:
        raise ValueError(f"{text!r} is not an age such as 2d 3h, 40m or 20s")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
