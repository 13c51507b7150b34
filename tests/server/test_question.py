"""The client's dialog says exactly what would be sent, whatever a text tries."""

from __future__ import annotations

import re

import pytest

from tests.approvals.making import AMARA, REASONS, held_entry, seen, view
from tests.approvals.tricks import harmless, tricks
from xdm_mcp.models.sends import Attachment, Target
from xdm_mcp.server.question import GUTTER, question

TRICKS = tricks()

SPELLED = re.compile(r"⟦U\+([0-9A-F]{4,6})⟧")

OURS = re.compile(
    r"(Send this direct message on X\?|From: |To: |Text, \d+ characters, |Link: |Image: |"
    r"Asked because \(|Cost: |Left of |Undecided it expires at |Digest: )"
)
"""How every line begins that is not the message's."""


@pytest.mark.parametrize("text", [text for _, text in TRICKS], ids=[name for name, _ in TRICKS])
def test_the_exact_text_can_be_read_back_and_nothing_in_it_does_anything(text: str) -> None:
    """No raw control, no line that passes for ours, the numeric recipient, and the digest of the
    very entry, also where handle and picture are called the same."""
    entry = held_entry(text, image=Attachment(text or "x", "0" * 64, "image/png", 1), handle=text)
    message = question(seen(entry))
    assert harmless(message)
    lines = message.split("\n")
    words = [line.removeprefix(GUTTER) for line in lines if line.startswith(GUTTER)]
    ours = [line for line in lines if not line.startswith(GUTTER)]
    assert SPELLED.sub(lambda code: chr(int(code[1], 16)), "\n".join(words)) == text
    assert all(map(OURS.match, ours))
    assert any(f"numeric id {AMARA};" in line for line in ours if line.startswith("To: "))
    assert entry.hold is not None
    assert [line for line in ours if line.startswith("Digest: ")] == [
        f"Digest: {entry.hold.digest}"
    ]


def test_it_says_why_it_asks_what_it_costs_and_what_is_left() -> None:
    """Each reason, the price, the windows and the end of the wait."""
    message = question(view("Hello"))
    for rule, says in REASONS:
        assert f"Asked because ({rule}): {says}" in message
    assert "Cost: 0.015 USD over x-api-v2 at https://api.x.com" in message
    assert "499 of 500" in message
    assert "Undecided it expires at 2026-11-22T12:15:00Z, unsent." in message
    assert "as far as we know they never wrote to this account" in message


def test_groups_are_named_by_their_conversation_or_by_everybody_in_them() -> None:
    """An existing group has no names that we know; a new one lists all of its people."""
    assert "To: the group conversation 77" in question(view("Hi", Target(conversation_id="77")))
    new = question(view("Hi", Target(user_ids=("11", "12", "13"))))
    assert "To: a new group of 3 people" in new
    assert all(f"numeric id {user_id};" in new for user_id in ("11", "12", "13"))


def test_the_longest_text_is_shown_whole() -> None:
    """Ten thousand characters, none of them cut."""
    text = "".join(chr(0x4E00 + place) for place in range(10_000))
    assert f"{GUTTER}{text}\n" in question(view(text))
