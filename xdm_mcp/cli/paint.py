"""How things look: colour and alignment on a terminal, the same words without either elsewhere.

Words that came from outside this program pass `plain` before they are drawn, so that none of them
can move the cursor, change colours or turn the reading direction of a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

from xdm_mcp.spelling import gutter as lines_behind
from xdm_mcp.spelling import one_line, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

LABEL = 12
"""How wide the column of labels is, in cells."""

BAR = 20
"""How wide a bar is, in cells."""


def screen(*, stderr: bool = False) -> Console:
    """Return what is drawn on: colours only on a terminal, and none at all under NO_COLOR."""
    from rich.console import Console

    return Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


def tolerate_any_encoding() -> None:
    """Have a terminal that cannot show a character show its number instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: object) -> None:
    """Print a value as JSON in ASCII: stable, and inert on any terminal."""
    print(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def plain(text: str) -> str:
    """Return somebody's words as one line in which nothing is hidden and nothing steers a
    terminal."""
    return one_line(text)


def show(console: Console, label: str, value: str, style: str = "", *, right: bool = False) -> None:
    """Print a dim label and its value; on a terminal a long value continues in its own column.

    So no value can begin a line of the screen. `right` sets the label against the value.
    """
    from rich.text import Text

    head = f"{label:>{LABEL - 1}} " if right else f"{label:<{LABEL}}"
    text, room = Text(value, style), room_of(console)
    lines = [text] if room is None else text.wrap(console, max(20, room - LABEL), overflow="fold")
    for number, line in enumerate(lines):
        console.print(Text.assemble((" " * LABEL if number else head, "dim"), line))


def gutter(text: str, width: int | None) -> Iterator[Text]:
    """Yield the lines of a message behind a rule that nothing in it can leave.

    `width` is that of the terminal in cells, None to leave long lines whole. A line of the message
    begins with `│`, its continuation on a narrow terminal with `┆`: nothing is cut, not even a
    space.
    """
    from rich.text import Text

    room = None if width is None else max(20, width - LABEL - 2)
    for mark, part in lines_behind(visible(text), room):
        yield Text.assemble(" " * LABEL, (mark, "dim"), (part, "bold"))


def room_of(console: Console) -> int | None:
    """Return the width in cells of a terminal, None for what is none."""
    return console.width if console.is_terminal else None


def bar(used: int, limit: int, width: int = BAR) -> str:
    """Return how full something is as a bar: empty only at 0, whole only at the limit."""
    if limit <= 0:
        return "█" * width
    full = width * min(used, limit) // limit
    full = max(full, 1) if used > 0 else 0
    return "█" * full + "░" * (width - full)


def heat(used: int, limit: int) -> str:
    """Return the colour of a bar: green with room, yellow from four fifths, red when nothing is
    left."""
    if used >= limit:
        return "red"
    return "yellow" if used * 5 >= limit * 4 else "green"


def aligned(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[list[str]]:
    """Return rows whose cells are padded to their column's width; those of `right` to the left."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def pad(cell: str, column: int) -> str:
        space = " " * (widths[column] - cell_len(cell))
        return space + cell if column in right else cell + space

    return [[pad(cell, column) for column, cell in enumerate(row)] for row in rows]
