"""Words as a person must see them who decides about them: nothing in them unseen, nothing that
does anything, nothing that looks like something else.

What a reader does not see is spelled out (`⟦U+202E⟧`), a stretch of one character with its length
(`⟦U+0020 x12⟧`). So are blanks that could carry a message of their own: every one but a single
space between two characters of a line. All views of a held send are made of these pieces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from xdm_mcp.characters import code_of, name_of
from xdm_mcp.sanitizer import hidden

NOTATION = "\t\r⟦"
"""What is spelled out wherever it stands beside all that is hidden: two blanks that look like
others, and the notation itself, so that a text cannot forge it."""

IDEOGRAPHIC_SPACE = "\u3000"

_BLANKS = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]++|\n++\Z")
"""Runs of what separates words (category Zs, Unicode, "UnicodeData.txt", version 17.0, 2025-09),
and line feeds that nothing follows: a page draws nothing for the last one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text.

    Ordinary words have no `code`: `shown` is exactly what would be sent, and the only control
    character in it is LF. Else the piece is `count` times one character that must be seen: `shown`
    spells it out (`⟦U+200B⟧`, `⟦U+0020 x3⟧`), `code` and `name` are Unicode's.
    """

    shown: str
    code: str | None = None
    name: str | None = None
    count: int = 1


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Return `text` in pieces that show everything and do nothing."""
    return tuple(_pieces(text))


def exact(pieces: Sequence[Piece]) -> str:
    """Return the text that `pieces_of` was given, to the last character."""
    return "".join(
        piece.shown
        if piece.code is None
        else chr(int(piece.code.removeprefix("U+"), 16)) * piece.count
        for piece in pieces
    )


def visible(text: str) -> str:
    """Return `text` with all that would not be seen in it spelled out, for example as `⟦U+202E⟧`.

    Nothing is left out, and no control character but LF remains. A `⟦` of the text itself is
    spelled out too, so the text can be read back exactly and cannot forge the notation.
    """
    return "".join(piece.shown for piece in _pieces(text))


def one_line(text: str) -> str:
    """Return somebody's words as one line in which everything is seen and nothing does
    anything."""
    return visible(text).replace("\n", "⟦U+000A⟧")


def folded(line: str, room: int | None) -> list[str]:
    """Return a line in parts of at most `room` cells each, whole if that is None.

    Nothing is cut, not even a space, and there is one part at least.
    """
    from rich.cells import chop_cells

    # What takes no cell, as a lone accent, leaves rich with no part.
    return [line] if room is None else chop_cells(line, room) or [line]


def gutter(shown: str, room: int | None) -> Iterator[tuple[str, str]]:
    """Yield the lines of a message that was made visible, each with the mark that goes before it.

    A line of the message has `│ `, each further part of one that is wider than `room` cells `┆ `:
    nothing in the message can begin a line of its own.
    """
    for line in shown.split("\n"):
        for number, part in enumerate(folded(line, room)):
            yield "┆ " if number else "│ ", part


def _pieces(text: str) -> Iterator[Piece]:
    start = 0
    for at, count in _stretches(text, sorted(_unseen(text))):
        if start < at:
            yield Piece(text[start:at])
        code = code_of(text[at])
        times = f" x{count}" if count > 1 else ""
        yield Piece(f"⟦{code}{times}⟧", code, name_of(text[at]), count)
        start = at + count
    if start < len(text):
        yield Piece(text[start:])


def _stretches(text: str, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where each stretch of one character begins among `places`, and how long it is."""
    numbered = enumerate(places)
    for _, run in groupby(numbered, key=lambda each: (each[1] - each[0], text[each[1]])):
        (_, at), *rest = run
        yield at, 1 + len(rest)


def _unseen(text: str) -> set[int]:
    places = {found.position for found in hidden(text)}
    places |= {at for at, char in enumerate(text) if char in NOTATION}
    for run in _BLANKS.finditer(text):
        if not _is_ordinary(
            run[0], text[max(run.start() - 1, 0) : run.start()], text[run.end() : run.end() + 1]
        ):
            places.update(range(*run.span()))
    return places


def _is_ordinary(blanks: str, before: str, after: str) -> bool:
    """Tell whether a run of blanks between two characters, or none, looks like what it is."""
    if blanks == " ":
        return before not in ("", "\n") and after not in ("", "\n", "\r")
    if blanks == IDEOGRAPHIC_SPACE:
        return after not in ("", "\n", "\r") and (_is_square(before) or _is_square(after))
    return False


def _is_square(char: str) -> bool:
    """Tell whether `char` (one or none) is a letter or stop of a script that is as wide as the
    ideographic space, which belongs beside it."""
    wide = bool(char) and unicodedata.east_asian_width(char) in ("W", "F")
    return wide and unicodedata.category(char)[0] in "LP"
