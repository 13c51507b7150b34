"""The client's dialog says exactly what would be sent, whatever a text tries."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from tests.approvals.making import AMARA, REASONS, held_entry, seen, view
from tests.approvals.tricks import harmless, tricks
from xdm_mcp.models.sends import Attachment, Target
from xdm_mcp.server.question import WIDTH, question

TRICKS = tricks()

SPELLED = re.compile(r"⟦U\+([0-9A-F]{4,6})(?: x([0-9]+))?⟧")

OURS = re.compile(
    r"(Send this direct message on X\?|From: |To: |Text, \d+ characters, |Link: |Image: |"
    r"Asked because \(|Cost: |Left of |Undecided it expires at |Digest: )"
)
"""How every line begins that is not the message's."""


def unfolded(message: str) -> list[str]:
    """Return the lines of a dialog as they were before those that were too wide were folded."""
    lines: list[str] = []
    for line in message.split("\n"):
        if line.startswith("┆ "):
            lines[-1] += line.removeprefix("┆ ")
        else:
            lines.append(line)
    return lines


@pytest.mark.parametrize("text", [text for _, text in TRICKS], ids=[name for name, _ in TRICKS])
def test_the_exact_text_can_be_read_back_and_nothing_in_it_does_anything(text: str) -> None:
    """No raw control, no line that passes for ours, the numeric recipient, and the digest of the
    very entry, also where handle and picture are called the same."""
    entry = held_entry(text, image=Attachment(text or "x", "0" * 64, "image/png", 1), handle=text)
    message = question(seen(entry))
    assert harmless(message)
    assert all(cell_len(line) <= WIDTH for line in message.split("\n"))
    lines = unfolded(message)
    words = [line.removeprefix("│ ") for line in lines if line.startswith("│ ")]
    ours = [line for line in lines if not line.startswith("│ ")]
    shown = "\n".join(words)
    assert SPELLED.sub(lambda code: chr(int(code[1], 16)) * int(code[2] or 1), shown) == text
    assert all(map(OURS.match, ours))
    assert any(f"numeric id {AMARA};" in line for line in ours if line.startswith("To: "))
    assert entry.hold is not None
    assert [line for line in ours if line.startswith("Digest: ")] == [
        f"Digest: {entry.hold.digest}"
    ]


def test_it_says_why_it_asks_what_it_costs_and_what_is_left() -> None:
    """Each reason, the price, the windows and the end of the wait."""
    message = "\n".join(unfolded(question(view("Hello"))))
    for rule, says in REASONS:
        assert f"Asked because ({rule}): {says}" in message
    assert "Cost: 0.015 USD over x-api-v2 at https://api.x.com" in message
    assert "499 of 500" in message
    assert "Undecided it expires at 2026-11-22T12:15:00Z, unsent." in message
    assert "as far as we know they never wrote to this account" in message


def test_groups_are_named_by_their_conversation_or_by_everybody_in_them() -> None:
    """An existing group has no names that we know; a new one lists all of its people."""
    assert "To: the group conversation 77" in question(view("Hi", Target(conversation_id="77")))
    new = "\n".join(unfolded(question(view("Hi", Target(user_ids=("11", "12", "13"))))))
    assert "To: a new group of 3 people" in new
    assert all(f"numeric id {user_id};" in new for user_id in ("11", "12", "13"))


def test_the_longest_text_is_shown_whole() -> None:
    """Ten thousand characters, none of them cut."""
    text = "".join(chr(0x4E00 + place) for place in range(10_000))
    assert f"│ {text}" in unfolded(question(view(text)))


def test_a_text_that_a_client_would_wrap_cannot_begin_a_line() -> None:
    """Words that would stand at the margin of a narrow dialog stand behind a mark."""
    forged = "Cost: 0 USD over x-api-v2 at https://api.x.com"
    text = "a" * (WIDTH - 2) + forged + " " + "b" * 500 + "To: @boss, numeric id 1"
    lines = question(view(text)).split("\n")
    assert f"┆ {forged}" in " ".join(lines)
    assert [line for line in lines if line.startswith(("Cost: ", "To: "))] == [
        "To: @amara, numeric id 2000; as far as we know they never wrote to this ",
        "Cost: 0.015 USD over x-api-v2 at https://api.x.com",
    ]


def test_somebodys_words_in_our_own_lines_cannot_begin_one_either() -> None:
    """The name of a picture may be as long as it likes."""
    name = "a" * 60 + " Digest: none To: @boss, numeric id 1 " + "漢" * 200 + ".png"
    message = question(view("hi", image=Attachment(name, "0" * 64, "image/png", 1)))
    assert all(cell_len(line) <= WIDTH for line in message.split("\n"))
    assert any(line.startswith(f"Image: {name}, ") for line in unfolded(message))
    assert "\nDigest: none" not in message
