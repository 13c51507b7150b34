"""The world: a pure fold of a story and of the events of a journal. It knows no wire and no clock.

`World.apply` is the only way in which it changes. People's answers are no events: they follow
from the story, the messages and the time, so every process that folds the same journal at the same
time sees the same world. `reads` alone is not folded: reads leave no trace in a journal, so their
windows and their bill belong to one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from xdm_mcp.sandbox import events as ev
from xdm_mcp.sandbox import story as stories
from xdm_mcp.sandbox.faults import Fault, used_once
from xdm_mcp.sandbox.media import Upload
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.prices import Bill, ReadBill
from xdm_mcp.sandbox.snowflake import answer_id
from xdm_mcp.sandbox.threads import Conversation, Message, one_to_one
from xdm_mcp.sandbox.windows import Windows


@dataclass(slots=True)
class Reads:
    """What one process remembers of its own reads."""

    windows: Windows = field(default_factory=Windows)
    bill: ReadBill = field(default_factory=ReadBill)


class World:
    """Everything that is so at one point of a journal."""

    def __init__(self, story: stories.Story, created_at: datetime) -> None:
        """Tell `story` as of `created_at`."""
        self.story = story.name
        self.created_at = created_at
        self.owner_id = story.owner_id
        self.people = stories.people_of(story)
        self.threads = stories.threads_of(story, self.people, created_at)
        self.last_id = self.threads.last_id
        self.uploads: dict[str, Upload] = {}
        self.faults: dict[str, Fault] = {}
        self.faults_set = 0
        self.attempts = Windows()
        self.bill = Bill()
        self.credit = story.credit
        self.shift = timedelta()
        self.reads = Reads()
        self._answers_due: list[tuple[int, Message]] = []
        self._answered: dict[str, int] = {}
        self._folds: dict[type[Any], Callable[[datetime, Any], None]] = {
            ev.Posted: self._posted,
            ev.GroupOpened: self._group_opened,
            ev.PersonAdded: self._person_added,
            ev.Deleted: self._deleted,
            ev.Blocked: self._blocked,
            ev.Attempted: self._attempted,
            ev.Charged: self._charged,
            ev.CreditSet: self._credit_set,
            ev.MediaBegun: self._media_begun,
            ev.MediaAppended: self._media_appended,
            ev.MediaFinished: self._media_finished,
            ev.FaultSet: self._fault_set,
            ev.FaultUsed: self._fault_used,
            ev.FaultsCleared: self._faults_cleared,
            ev.ClockShifted: self._clock_shifted,
        }

    @property
    def balance(self) -> int:
        """What is left of the credit after everything billed, in micro-dollars."""
        return self.credit - self.bill.total - self.reads.bill.total

    def apply(self, at: datetime, events: Iterable[ev.Event]) -> None:
        """Let `events` happen at `at`, after every answer that was due by then."""
        self.settle(at)
        for event in events:
            self._folds[type(event)](at, event)

    def settle(self, now: datetime) -> None:
        """Let everybody say what they would have said by `now`."""
        while self._answers_due and self._answers_due[0][1].created_at <= now:
            _, answer = heappop(self._answers_due)
            if not self.people.blocked(answer.sender_id, self.owner_id):
                self._add(answer)

    def allows(self, sender_id: str, recipient: Person) -> bool:
        """Whether X would let `sender_id` write to `recipient` (docs.x.com, receives_your_dm)."""
        if recipient.suspended or self.people.blocked(sender_id, recipient.id):
            return False
        known = (recipient.id, sender_id) in self.people.follows
        return recipient.open_inbox or known or self.threads.wrote_to(recipient.id, sender_id)

    def is_request(self, conversation: Conversation, account_id: str) -> bool:
        """Whether a conversation waits among an account's message requests."""
        others = [other for other in conversation.member_ids if other != account_id]
        if conversation.group or len(others) != 1:
            return False
        follows = (account_id, others[0]) in self.people.follows
        return not follows and not self.threads.wrote_to(account_id, others[0])

    def _add(self, message: Message) -> None:
        self.threads.add(message)
        self.last_id = max(self.last_id, int(message.id))

    def _posted(self, _at: datetime, event: ev.Posted) -> None:
        if event.conversation_id not in self.threads.conversations:
            one, other = event.conversation_id.split("-")
            self.threads.open(one_to_one(one, other))
        if event.media_id is not None:
            self.uploads[event.media_id].used = True
        message = Message(
            id=event.id,
            conversation_id=event.conversation_id,
            sender_id=event.sender_id,
            text=event.text,
            media_id=event.media_id,
            via=event.via,
            placed=event.placed,
        )
        self._add(message)
        self._expect_answer(message)

    def _expect_answer(self, message: Message) -> None:
        conversation = self.threads.conversations[message.conversation_id]
        if message.sender_id != self.owner_id or conversation.group or message.placed == "unseen":
            return
        for member_id in conversation.member_ids:
            person = self.people.by_id[member_id]
            if person.answers and member_id != self.owner_id:
                turn = self._answered.get(conversation.id, 0)
                self._answered[conversation.id] = turn + 1
                number = answer_id(int(message.id), person.answers_after, person.origin)
                text = person.answers[turn % len(person.answers)]
                answer = Message(str(number), conversation.id, member_id, text, via="answer")
                heappush(self._answers_due, (number, answer))

    def _group_opened(self, _at: datetime, event: ev.GroupOpened) -> None:
        self.threads.open(Conversation(event.id, event.member_ids, group=True))
        self.last_id = max(self.last_id, int(event.id))

    def _person_added(self, _at: datetime, event: ev.PersonAdded) -> None:
        self.people.add(Person(event.id, event.handle, event.name, open_inbox=event.open_inbox))

    def _deleted(self, _at: datetime, event: ev.Deleted) -> None:
        self.threads.deleted.add((event.account_id, event.message_id))

    def _blocked(self, _at: datetime, event: ev.Blocked) -> None:
        pair = (event.account_id, event.other_id)
        (self.people.blocks.add if event.on else self.people.blocks.discard)(pair)

    def _attempted(self, at: datetime, event: ev.Attempted) -> None:
        for scope, seconds in zip(event.scopes, event.periods, strict=True):
            self.attempts.count(scope, event.name, seconds, at)

    def _charged(self, _at: datetime, event: ev.Charged) -> None:
        self.bill.add(event.item, event.micro)

    def _credit_set(self, _at: datetime, event: ev.CreditSet) -> None:
        self.credit = event.micro

    def _media_begun(self, at: datetime, event: ev.MediaBegun) -> None:
        self.last_id = max(self.last_id, int(event.id))
        self.uploads[event.id] = Upload(
            id=event.id,
            owner_id=event.owner_id,
            media_type=event.media_type,
            category=event.category,
            total_bytes=event.total_bytes,
            shared=event.shared,
            begun_at=at,
        )

    def _media_appended(self, _at: datetime, event: ev.MediaAppended) -> None:
        self.uploads[event.id].segments[event.segment] = (event.sha256, event.size)

    def _media_finished(self, at: datetime, event: ev.MediaFinished) -> None:
        upload = self.uploads[event.id]
        upload.sha256, upload.ready_at = event.sha256, at + timedelta(seconds=event.ready_after)

    def _fault_set(self, _at: datetime, event: ev.FaultSet) -> None:
        self.faults[event.fault.id] = event.fault
        self.faults_set += 1

    def _fault_used(self, _at: datetime, event: ev.FaultUsed) -> None:
        used_once(self.faults, event.id)

    def _faults_cleared(self, _at: datetime, _event: ev.FaultsCleared) -> None:
        self.faults.clear()

    def _clock_shifted(self, _at: datetime, event: ev.ClockShifted) -> None:
        self.shift = timedelta(milliseconds=event.shift_ms)
