"""Colour where it helps, alignment always, and nothing of an outside text that steers a
terminal."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.cli.paint import aligned, bar, gutter, heat, plain, print_json
from xdm_mcp.clock import span
from xdm_mcp.spelling import visible

HOSTILE = "\x1b[2J\x1b]0;owned\x07\rSENT\x08\u202eevil\u2066\u200b\x9b31m\u2028"


def lines(text: str, width: int | None = None) -> list[str]:
    """Return a message as it is drawn, without colours."""
    return [line.plain for line in gutter(text, width)]


def inert(text: str) -> bool:
    """Whether no control or format character is left but the line feeds between lines."""
    return all(unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"} for char in text)


def test_what_steers_a_terminal_is_spelled_out_and_not_obeyed() -> None:
    """Escape sequences, bells, returns, bidirectional and zero-width characters all become
    words."""
    shown = plain(HOSTILE)
    assert inert(shown)
    for code in ("U+001B", "U+0007", "U+000D", "U+0008", "U+202E", "U+2066", "U+200B", "U+009B"):
        assert f"⟦{code}⟧" in shown


def test_a_line_break_in_a_name_stays_on_its_line() -> None:
    """A name cannot begin a line of its own."""
    assert "\n" not in plain("friend\nSENT once")


@given(st.text(max_size=300), st.none() | st.integers(20, 120))
def test_no_text_escapes_its_gutter(text: str, width: int | None) -> None:
    """Whatever a message holds, each line of it stands behind the rule and is inert."""
    for line in lines(text, width):
        assert line.startswith((" " * 12 + "│ ", " " * 12 + "┆ "))
        assert not {"\n", "\r", "\x1b", "\u202e"} & set(line)


@given(st.text(alphabet="ab 漢🙂\n", max_size=200), st.integers(20, 60))
def test_a_narrow_terminal_loses_nothing(text: str, width: int) -> None:
    """The pieces of a wrapped message put together are the message as it is spelled."""
    drawn = lines(text, width)
    pieces = [("\n" if line[12] == "│" else "") + line[14:] for line in drawn]
    assert "".join(pieces)[1:] == visible(text)


@pytest.mark.parametrize(
    ("used", "limit", "drawn"),
    [
        (0, 10, "░░░░░░░░░░"),
        (1, 1000, "█░░░░░░░░░"),
        (999, 1000, "█████████░"),
        (10, 10, "██████████"),
    ],
)
def test_a_bar_is_empty_only_at_nothing_and_whole_only_at_the_limit(
    used: int, limit: int, drawn: str
) -> None:
    """Rounding never hides a first charge or the last one left."""
    assert bar(used, limit, 10) == drawn


def test_a_bar_past_its_limit_is_whole_and_red() -> None:
    """A limit that was lowered below what is used draws no longer bar."""
    assert bar(12, 10, 10) == "██████████"
    assert (heat(12, 10), heat(8, 10), heat(7, 10)) == ("red", "yellow", "green")


def test_columns_line_up_for_wide_characters_too() -> None:
    """A cell is padded to its width on the screen, not to its number of characters."""
    assert aligned([("漢", "1"), ("abc", "22")], frozenset({1})) == [["漢 ", " 1"], ["abc", "22"]]


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=14, seconds=59), "14 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=9), "9 days"),
    ],
)
def test_a_length_of_time_is_said_in_one_unit(length: timedelta, said: str) -> None:
    """Lengths are rounded down, and none is negative."""
    assert span(length) == said


def test_json_is_inert_on_any_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON output is ASCII: a text in it cannot reach the terminal raw."""
    print_json({"text": HOSTILE})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert inert(printed.replace("\n", ""))
