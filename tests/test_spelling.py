"""What a person who decides would not see is spelled out, and nothing of a text is lost."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.approvals.tricks import BLANKS, DRAWN_AS_NOTHING, ODD_BLANKS, harmless, tricks
from tests.scripts import BENIGN, HOSTILE
from xdm_mcp.sanitizer import hidden
from xdm_mcp.spelling import Piece, exact, folded, gutter, one_line, pieces_of, visible

NOTATION = re.compile(r"⟦U\+([0-9A-F]{4,6})(?: x([0-9]+))?⟧")

TEXTS = st.lists(
    st.sampled_from([*" \n\t⟦\u00a0\u2009\u3000\u200b\u0301\u0628\u200c你。a"])
    | st.characters(exclude_categories=[])
    | st.sampled_from(sorted({text for _, text in tricks() if len(text) < 200})),
    max_size=30,
).map("".join)


def read_back(shown: str) -> str:
    """Return the text of which `shown` is the spelling, from its words alone."""
    return NOTATION.sub(lambda found: chr(int(found[1], 16)) * int(found[2] or 1), shown)


def twice_or_at_an_edge(text: str) -> bool:
    """Whether a text has a space beside another one, or at an end of one of its lines."""
    return any(line != line.strip(" ") or "  " in line for line in text.split("\n"))


@given(TEXTS)
@example("\u0628\u200b\u200c\u0628")
@example("\u0e01" + "\u0e47" * 4 + "\u200b" + "\u0e47" * 4)
def test_what_is_spelled_out_holds_nothing_unseen_and_can_be_read_back(text: str) -> None:
    """No hidden or control character is left, no blank that could speak, and none is lost."""
    shown = visible(text)
    assert read_back(shown) == text
    assert exact(pieces_of(text)) == text
    assert hidden(shown) == []
    assert harmless(shown)
    assert not twice_or_at_an_edge(shown)
    assert not shown.endswith("\n")
    odd = {char for char in shown if unicodedata.category(char) == "Zs"} - {" ", "\u3000"}
    assert not odd


@given(TEXTS, TEXTS)
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    """Where two spellings are equal, the texts are."""
    assert (visible(one) == visible(other)) is (one == other)


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_reader_does_not_see_is_spelled_out(text: str, expected: str) -> None:
    """A person who approves sees that something is there, and where."""
    shown = visible(text)
    assert NOTATION.search(shown)
    assert NOTATION.sub("", shown) == NOTATION.sub("", visible(expected))


@pytest.mark.parametrize("text", BENIGN.values(), ids=BENIGN.keys())
def test_the_scripts_of_the_world_are_shown_as_they_are(text: str) -> None:
    """What spells a word or an emoji is not taken apart; only odd blanks are named."""
    spelled = {chr(int(code, 16)) for code, _ in NOTATION.findall(visible(text))}
    assert spelled <= {"\t", " ", *ODD_BLANKS}


@pytest.mark.parametrize("char", ODD_BLANKS + DRAWN_AS_NOTHING)
def test_what_looks_like_a_space_or_like_nothing_is_named(char: str) -> None:
    """Wherever it stands in English words: no one of them can be told from another by eye."""
    for text in (f"a{char}b", f"{char}a", f"a{char}", f"a {char}b"):
        assert f"⟦U+{ord(char):04X}⟧" in visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one two", "one two"),
        ("one  two", "one⟦U+0020 x2⟧two"),
        ("x" + " " * 4_000 + "y", "x⟦U+0020 x4000⟧y"),
        (" a", "⟦U+0020⟧a"),
        ("a \nb ", "a⟦U+0020⟧\nb⟦U+0020⟧"),
        ("a \r\nb", "a⟦U+0020⟧⟦U+000D⟧\nb"),
        ("    if x:", "⟦U+0020 x4⟧if x:"),
        ("a\n\nb\n\n", "a\n\nb⟦U+000A x2⟧"),
        ("\u00a0 \u00a0\u00a0", "⟦U+00A0⟧⟦U+0020⟧⟦U+00A0 x2⟧"),
        ("你好\u3000世界", "你好\u3000世界"),
        ("一。\n\u3000二", "一。\n\u3000二"),
        ("你好\u3000\u3000世界\u3000", "你好⟦U+3000 x2⟧世界⟦U+3000⟧"),
        ("wide\u3000blank", "wide⟦U+3000⟧blank"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "⟦U+0301 x2⟧"),
        ("a\u200b\u200bb\u200b", "a⟦U+200B x2⟧b⟦U+200B⟧"),
        ("⟦U+202E⟧ \u202e", "⟦U+27E6⟧U+202E⟧ ⟦U+202E⟧"),
    ],
)
def test_only_a_single_space_between_words_is_ordinary(text: str, shown: str) -> None:
    """A run is one piece with its length, an edge of a line hides none, and an ideographic space
    belongs beside letters as wide."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", BLANKS)
def test_blanks_that_could_carry_a_message_are_seen(text: str) -> None:
    """Each of these texts has a piece that is spelled out."""
    assert any(piece.code for piece in pieces_of(text))


def test_a_piece_has_a_name_and_says_how_often() -> None:
    """Whoever draws it can mark it and say what it is."""
    assert pieces_of("a\u202eb  c") == (
        Piece("a"),
        Piece("⟦U+202E⟧", "U+202E", "RIGHT-TO-LEFT OVERRIDE"),
        Piece("b"),
        Piece("⟦U+0020 x2⟧", "U+0020", "SPACE", 2),
        Piece("c"),
    )


@pytest.mark.parametrize("point", [*range(0x20), *range(0x7F, 0xA0)])
def test_no_control_character_reaches_the_person_who_decides(point: int) -> None:
    """Every control character but LF is spelled out, TAB and both halves of CRLF among them."""
    char = chr(point)
    expected = "\n" if char == "\n" else f"⟦U+{point:04X}⟧"
    assert visible(f"a{char}b") == f"a{expected}b"
    assert one_line("a\r\nb") == "a⟦U+000D⟧⟦U+000A⟧b"


@given(TEXTS, st.none() | st.integers(2, 90))
def test_behind_the_gutter_every_part_has_its_mark_and_none_is_lost(
    text: str, room: int | None
) -> None:
    """A line feed makes a line, a narrow room makes parts, and together they are the text."""
    shown = visible(text)
    rows = list(gutter(shown, room))
    assert {mark for mark, _ in rows} <= {"│ ", "┆ "}
    assert not any("\n" in part for _, part in rows)
    whole = "".join("\n" * (mark == "│ ") + part for mark, part in rows)
    assert whole == "\n" + shown


def test_a_line_is_folded_by_cells() -> None:
    """Wide characters count as two; an empty line is one part, and so is one that takes no cell."""
    assert folded("你好世界", 4) == ["你好", "世界"]
    assert folded("", 4) == [""]
    assert folded("\u0301", 4) == ["\u0301"]
    assert folded("a" * 9, None) == ["a" * 9]
