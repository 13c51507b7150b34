"""What may be written."""

from __future__ import annotations

import pytest

from tests.approvals.tricks import DRAWN_AS_NOTHING
from tests.guard.making import IMAGE, NOW, draft, facts
from xdm_mcp.guard.text import Text
from xdm_mcp.models.sends import Draft


def refusal(wanted: Draft, rule: Text | None = None) -> str | None:
    """Return the sentence of the refusal, or None."""
    finding = (rule or Text()).judge(wanted, facts(), NOW)
    return finding.says if finding else None


@pytest.mark.parametrize("text", ["Good morning", "می‌خواهم", "👩‍👩‍👧 ❤️ 1️⃣", "a\nb\tc", "x" * 10_000])
def test_text_that_a_person_can_see_passes(text: str) -> None:
    """Joiners that spell words or emoji are no hidden characters."""
    assert refusal(draft(text)) is None


def test_hidden_characters_are_refused_and_listed() -> None:
    """Each with its place, so that the agent can remove it."""
    assert refusal(draft("pay\u202e 5\u200b")) == (
        "The text holds characters that a reader cannot see"
        " (U+202E at 3, U+200B at 6); remove them."
    )


@pytest.mark.parametrize("char", DRAWN_AS_NOTHING)
def test_a_letter_that_draws_nothing_is_refused(char: str) -> None:
    """A blank of braille hides as well as one without a width."""
    assert f"U+{ord(char):04X} at 3" in (refusal(draft(f"pay{char}5")) or "")


def test_only_the_first_hidden_characters_are_listed() -> None:
    """A longer list is counted."""
    three, nine = refusal(draft("a" + "\u202e" * 3)), refusal(draft("a" + "\u202e" * 9))

    assert three is not None
    assert nine is not None
    assert "(U+202E at 1, U+202E at 2, U+202E at 3)" in three
    assert "(U+202E at 1, U+202E at 2, U+202E at 3 and 6 more)" in nine


def test_length_counts_code_points() -> None:
    """An emoji outside the first plane is one."""
    assert refusal(draft("🙂" * 10_000)) is None
    assert refusal(draft("🙂" * 10_001)) == (
        "The text has 10001 characters and may have 10000; shorten it."
    )


def test_the_owner_may_shorten_texts() -> None:
    """The bound itself still fits."""
    short = Text(max_length=3)

    assert refusal(draft("abc"), short) is None
    assert refusal(draft("abcd"), short) is not None


def test_an_empty_text_needs_an_image() -> None:
    """Blanks alone are empty."""
    assert refusal(draft(" \n")) == "The text is empty; write something."
    assert refusal(draft("", attachment=IMAGE)) is None
