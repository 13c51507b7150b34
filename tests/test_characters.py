"""What single characters are to a reader."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from xdm_mcp.characters import (
    FLAG_LENGTH,
    FLAGS,
    REMARKABLE,
    Kind,
    code_of,
    is_ideograph,
    is_pictograph,
    is_virama,
    joining_script,
    kind_of,
    name_of,
)

EVERY = [chr(point) for point in range(sys.maxunicode + 1)]


def test_what_needs_no_look_is_plain() -> None:
    """Each character that the search for remarkable ones passes over is of the kind PLAIN."""
    ordinary = REMARKABLE.sub("", "".join(EVERY))
    assert len(ordinary) > 30_000
    assert [char for char in ordinary if kind_of.__wrapped__(char) is not Kind.PLAIN] == []


def test_controls_formats_and_surrogates_are_never_plain() -> None:
    """Of all these only LF, TAB and the format characters that are drawn count as seen."""
    unseen = [
        char for char in EVERY if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    plain = [code_of(char) for char in unseen if kind_of.__wrapped__(char) is Kind.PLAIN]
    drawn = "U+0600 U+0601 U+0602 U+0603 U+0604 U+0605 U+06DD U+070F U+0890 U+0891 U+08E2"
    assert plain == ["U+0009", "U+000A", *drawn.split(), "U+110BD", "U+110CD"]


def test_private_use_is_hidden() -> None:
    """Nobody but the font's maker knows what a private character looks like."""
    private = [char for char in EVERY if unicodedata.category(char) == "Co"]
    assert {kind_of.__wrapped__(char) for char in private} == {Kind.HIDDEN}


def test_every_nonspacing_mark_is_a_mark_a_selector_or_hidden() -> None:
    """No character that is drawn on another, or not at all, passes for a character of its own."""
    marks = [char for char in EVERY if unicodedata.category(char) in ("Mn", "Me")]
    assert {kind_of.__wrapped__(char) for char in marks} == {
        Kind.MARK,
        Kind.SPELLING_MARK,
        Kind.PRESENTATION,
        Kind.IDEOGRAPHIC,
        Kind.HIDDEN,
    }


@pytest.mark.parametrize(
    ("char", "seen"),
    [
        ("\U0001fae8", True),  # shaking face, Unicode 15
        ("\U0001fadf", True),  # splatter, Unicode 16
        ("\U0002ebf0", True),  # an ideograph of Unicode 15.1
        ("\U0002fffe", False),  # noncharacter
        ("\U0010ffff", False),  # noncharacter
        ("\u0378", False),  # unassigned
        ("\U000e0fff", False),  # unassigned, default ignorable
        ("\ufff0", False),  # unassigned, default ignorable
    ],
)
def test_what_is_younger_than_the_tables_is_seen_only_among_emoji_and_ideographs(
    char: str, seen: bool
) -> None:
    """Where only emoji or ideographs can come, newer phones draw what has no name yet."""
    assert (kind_of(char) is Kind.PLAIN) is seen


def test_a_pictograph_is_always_plain() -> None:
    """What a joiner or selector may lean on is never itself taken away."""
    pictographs = [char for char in EVERY if is_pictograph.__wrapped__(char)]
    assert len(pictographs) > 1_000
    assert {kind_of.__wrapped__(char) for char in pictographs} == {Kind.PLAIN}


def test_letters_of_joining_scripts_are_plain() -> None:
    """What follows a joiner that stays, stays too."""
    letters = [char for char in EVERY if char.isalpha() and joining_script.__wrapped__(char)]
    assert len(letters) > 1_000
    assert {kind_of.__wrapped__(char) for char in letters} == {Kind.PLAIN}


def test_scripts_viramas_and_ideographs_are_told_by_name_and_class() -> None:
    """Persian and Hindi letters join; Latin, digits and nothing at all do not."""
    assert [joining_script(char) for char in ("\u06cc", "\u0915", "a", "\u0661", "")] == [
        "ARABIC",
        "DEVANAGARI",
        "",
        "",
        "",
    ]
    assert [is_virama(char) for char in ("\u094d", "\u17d2", "\u0915", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert [is_ideograph(char) for char in ("\u8fba", "\uf900", "\u3042", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_each_subdivision_flag_has_the_length_that_is_searched() -> None:
    """The flags of England, Scotland and Wales are seven characters each."""
    assert [len(flag) for flag in FLAGS] == [FLAG_LENGTH] * 3


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("\x1b", "CONTROL"),
        ("\ud800", "SURROGATE"),
        ("\ue000", "PRIVATE USE"),
        ("\u0378", "UNASSIGNED"),
    ],
)
def test_every_character_has_a_name(char: str, name: str) -> None:
    """Where Unicode gives none, the name says what kind of code point it is."""
    assert name_of(char) == name


@pytest.mark.parametrize("char", "\u2800\ufffc\U00013441\U00013442\U0001d159\U00016fe4\u3164")
def test_letters_that_draw_nothing_are_hidden(char: str) -> None:
    """Whatever category Unicode gives them."""
    assert kind_of(char) is Kind.HIDDEN
