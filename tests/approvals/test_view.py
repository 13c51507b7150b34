"""The view of a held send: what is shown, what was digested and what would leave are one."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.approvals.making import AMARA, ME, NOW, held_entry, seen, view
from tests.approvals.tricks import BLANKS, harmless, tricks
from xdm_mcp.approvals.view import LAST_WORDS, conversation_of
from xdm_mcp.models.messages import Message
from xdm_mcp.models.sends import Attachment, Target
from xdm_mcp.outbox.drafts import draft_of
from xdm_mcp.sanitizer import hidden
from xdm_mcp.spelling import exact

TRICKS = tricks()


def words_of(value: Any) -> list[str]:
    """Return every word anywhere in a view."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for item in value.values() for word in words_of(item)]
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in words_of(item)]
    return []


def said(text: str, *, at: datetime = NOW, sender: str = AMARA) -> Message:
    """Return a message of the conversation."""
    return Message("1", f"{ME}-{AMARA}", sender, at, text)


def test_there_are_enough_tricks() -> None:
    """The list holds at least 300 different texts, most of which hide something."""
    assert len({text for _, text in TRICKS}) >= 300
    assert sum(bool(hidden(text)) for _, text in TRICKS) >= 200


@pytest.mark.parametrize(("name", "text"), TRICKS, ids=[name for name, _ in TRICKS])
def test_what_is_shown_is_what_is_digested_is_what_is_sent(name: str, text: str) -> None:
    """No raw control is anywhere in the view, the numeric recipient is there, the text can be read
    back exactly, and the digest shown is the one that the send was held under."""
    held = held_entry(text, image=Attachment(text or "x", "0" * 64, "image/png", 1), handle=text)
    shown = seen(held, said=[said(text)])
    assert held.hold is not None
    assert all(harmless(word) for word in words_of(asdict(shown)))
    assert [recipient.user_id for recipient in shown.recipients] == [AMARA]
    assert exact(shown.pieces) == draft_of(held).text == text
    assert shown.digest == held.hold.digest
    assert shown.characters == len(text)


@pytest.mark.parametrize("text", BLANKS)
def test_a_blank_that_could_say_something_is_seen(text: str) -> None:
    """No view draws nothing, or the same, for two texts that differ in their blanks."""
    assert any(piece.code for piece in view(text).pieces)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "hello."},
        {"target": Target(user_ids=("6666",))},
        {"target": Target(conversation_id="1234567890123456")},
        {"cost": 1},
        {"account_id": "1"},
        {"backend": "sandbox"},
        {"origin": "https://evil.example"},
        {"attachment": Attachment("a.png", "0" * 64, "image/png", 1)},
        {"text": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_row_altered_after_it_was_held_has_no_digest(change: dict[str, Any]) -> None:
    """There is nothing to approve once the row says something else."""
    assert seen(held_entry("hello")).digest is not None
    assert seen(held_entry("hello"), **change).digest is None


def test_who_never_wrote_is_a_first_contact_and_who_wrote_is_not() -> None:
    """Whether they ever wrote, and when they last did, stands beside the number."""
    (stranger,) = view("hi").recipients
    assert (stranger.first_contact, stranger.last_wrote_at) == (True, None)
    wrote = NOW - timedelta(days=2)
    (friend,) = seen(held_entry("hi"), last_inbound_at=wrote).recipients
    assert (friend.first_contact, friend.last_wrote_at) == (False, wrote)


def test_everybody_of_a_new_group_is_there_by_number() -> None:
    """A group hides nobody, and a handle is not put on the wrong person."""
    shown = view("hi", target=Target(user_ids=("1", "2", "3")))
    assert [(r.user_id, r.handle) for r in shown.recipients] == [
        ("1", None),
        ("2", None),
        ("3", None),
    ]
    assert shown.form == "new_group"
    assert conversation_of(held_entry("hi", Target(user_ids=("1", "2")))) is None


def test_an_existing_group_is_named_by_its_number() -> None:
    """Its people are not known; its id is, and nobody is made up."""
    shown = view("hi", target=Target(conversation_id="1234567890123456"))
    assert (shown.form, shown.recipients) == ("conversation", ())
    assert shown.conversation_id == "1234567890123456"


def test_the_last_messages_are_the_newest_ones_in_the_order_they_were_said() -> None:
    """At most six, oldest first, and it is clear which are ours."""
    talk = [
        said(
            f"word {number}", at=NOW - timedelta(minutes=number), sender=ME if number % 2 else AMARA
        )
        for number in range(LAST_WORDS + 3)
    ]
    shown = seen(held_entry("hi"), said=talk)
    assert [exact(s.pieces) for s in shown.last_messages] == [
        f"word {number}" for number in reversed(range(LAST_WORDS))
    ]
    assert [s.ours for s in shown.last_messages[-2:]] == [True, False]


def test_links_show_the_host_they_lead_to() -> None:
    """A name before an @ is not taken for the host, and look-alikes are in punycode."""
    shown = view("https://x.com@evil.example/b and https://\u0430pple.com")
    assert [link.host for link in shown.links] == ["evil.example", "xn--pple-43d.com"]


def test_what_was_never_held_has_no_view() -> None:
    """A view is of a send that waits for a person, or waited."""
    with pytest.raises(ValueError, match="waits for nobody"):
        seen(held_entry("hi"), hold=None)


def test_a_view_says_whether_it_is_too_late() -> None:
    """It is from the moment of expiry on."""
    assert view("hi").expired is False
    assert replace(view("hi"), now=NOW + timedelta(minutes=15)).expired is True
