"""Results as they go over the wire: nothing said twice, nothing that is absent.

A page of messages is packed, because an agent pays for every word of it: people are named once and
then by their place, messages of one conversation and UTC day share one time, that of the newest.
Each message keeps its id, which is a snowflake and holds its exact time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal

from pydantic import BaseModel, Field

from xdm_mcp.models.results import ConversationRow, InboxPage, MessageRow, Person, Wire

US = 0
"""The place of the account itself; other people are counted from 1."""

NOBODY = -1
"""Stands for a sender whom the backend does not tell."""


class PackedMessage(Wire):
    """One message. `sender` n is the nth of `people`, -1 is nobody known; without one it is ours.

    There is no text in a picture alone, and none where somebody joined or left.
    """

    id: str
    sender: int = US
    text: str | None = None
    truncated: bool = False
    hidden_removed: int = 0


class Run(Wire):
    """Messages of one conversation and UTC day, newest first. `at` is the time of the newest."""

    conversation_id: str | None = None
    at: str
    rows: list[PackedMessage]


class PackedPage(Wire):
    """An `InboxPage` whose messages are packed."""

    untrusted: Literal[True] = True
    account_id: str
    conversation_id: str | None = None
    people: list[Person] = Field(default=[])
    conversations: list[ConversationRow] | None = None
    messages: list[Run] | None = None
    next_cursor: str | None = None
    coverage: str
    as_of: str
    notes: list[str] = Field(default=[])


def pack(page: InboxPage) -> PackedPage:
    """Return `page` packed. Nothing is lost but the clock time of all but the newest of a day."""
    rows = page.messages or []
    people = everybody(page)
    places = places_of(page.account_id, people)
    return PackedPage(
        account_id=page.account_id,
        conversation_id=page.conversation_id,
        people=people,
        conversations=page.conversations,
        messages=None if page.messages is None else [_run(run, places) for run in runs(rows)],
        next_cursor=page.next_cursor,
        coverage=page.coverage,
        as_of=page.as_of,
        notes=page.notes,
    )


def everybody(page: InboxPage) -> list[Person]:
    """Return the people of a page, with whoever wrote in it and was not named."""
    known = {person.id for person in page.people} | {page.account_id}
    senders = dict.fromkeys(row.from_id for row in page.messages or [] if row.from_id)
    return [*page.people, *(Person(id=sender) for sender in senders if sender not in known)]


def places_of(account_id: str, people: list[Person]) -> dict[str | None, int]:
    """Return each person's place by id: 0 is the account itself, None is nobody."""
    places: dict[str | None, int] = {p.id: place for place, p in enumerate(people, start=1)}
    return places | {account_id: US, None: NOBODY}


def runs(rows: list[MessageRow]) -> Iterator[list[MessageRow]]:
    """Split messages, in the order given, wherever the conversation or the UTC day changes."""
    for _, run in groupby(rows, key=lambda row: (row.conversation_id, row.at[:10])):
        yield list(run)


def structured(answer: BaseModel) -> dict[str, Any]:
    """Return an answer as the structured content of a tool result, without what is absent."""
    value = pack(answer) if isinstance(answer, InboxPage) else answer
    dumped = value.model_dump(mode="json", exclude_defaults=True)
    return {"untrusted": True, **dumped} if isinstance(value, PackedPage) else dumped


def _run(rows: list[MessageRow], places: dict[str | None, int]) -> Run:
    newest = rows[0]
    return Run(
        conversation_id=newest.conversation_id,
        at=newest.at,
        rows=[
            PackedMessage(
                id=row.id,
                sender=places[row.from_id],
                text=row.text,
                truncated=row.truncated,
                hidden_removed=row.hidden_removed,
            )
            for row in rows
        ],
    )
