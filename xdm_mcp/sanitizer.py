"""The one sanitizer for text that strangers wrote, and for what is hidden in our own.

What a person sees and what a model reads should be one text. So characters that a reader does not
see, or that turn the direction of reading, are taken out of what comes in (`clean`) and named in
what would go out (`hidden`, which changes nothing); `xdm_mcp.spelling` spells them out where a
person decides. They are judged by context, because a joiner that hides a message in English spells
a word in Persian. This stops hidden text; it does not stop a prompt injection in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdm_mcp.characters import (
    BLACK_FLAG,
    EMOJI_STYLE,
    FLAG_LENGTH,
    FLAGS,
    JOINER,
    KEYCAP,
    KEYCAP_BASES,
    REMARKABLE,
    Kind,
    code_of,
    is_ideograph,
    is_pictograph,
    is_skin_tone,
    is_virama,
    joining_script,
    kind_of,
    name_of,
)

MAX_MARKS = {Kind.MARK: 3, Kind.SPELLING_MARK: 5}
"""How many marks a character may have once a mark of the kind is added to it. Spelling needs more
than accents do: the Burmese word for "secret" has four on one letter, pointed Hebrew up to five."""

_OTHER_LINE_ENDS = dict.fromkeys(map(ord, "\x85\u2028\u2029"), "\n")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*+\n){3,}+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A stranger's text that may be shown.

    `removed` counts the hidden characters taken out, `truncated` says that the text was longer than
    allowed, `total` is its length before, in code points.
    """

    text: str
    removed: int
    truncated: bool
    total: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """A character that a reader does not see, at `position` (in code points, from 0)."""

    position: int
    code: str
    name: str


def clean(text: str, *, limit: int = 10_000) -> Cleaned:
    """Return `text` without hidden characters, with LF line ends, of at most `limit` characters.

    More than three newlines in a row, with or without blanks between them, become three. A clean
    text comes back as it was. `limit` is 1 or more; raises ValueError for less.
    """
    if limit < 1:
        raise ValueError("a limit is 1 or more characters")
    lines = text.replace("\r\n", "\n")
    seen = _without_hidden(lines.replace("\r", "").translate(_OTHER_LINE_ENDS))
    short = _BLANK_LINES.sub("\n\n\n", seen)
    truncated = len(short) > limit
    # A cut may leave a joiner at the end, which joins nothing there.
    cut = _without_hidden(short[:limit]) if truncated else short
    return Cleaned(cut, len(lines) - len(seen), truncated, len(text))


def clean_name(text: str, limit: int = 50) -> str:
    """Return a handle or display name, cleaned, as one line of at most `limit` characters.

    Runs of blanks and line ends become one space, and "…" marks a cut. `limit` is 1 or more; raises
    ValueError for less.
    """
    if limit < 1:
        raise ValueError("a limit is 1 or more characters")
    line = " ".join(clean(text, limit=max(len(text), 1)).text.split())
    if len(line) <= limit:
        return line
    return _without_hidden(line[: limit - 1]).rstrip() + "…"


def hidden(text: str) -> list[Hidden]:
    """Return, in order, what a reader of `text` would not see or what turns its direction.

    A lone carriage return counts, and every other control character but LF, TAB and the CR of a
    CRLF; so does a combining mark beyond those that one character may carry.
    """
    return [Hidden(at, code_of(text[at]), name_of(text[at])) for at in _hidden_positions(text)]


def _without_hidden(text: str) -> str:
    return "".join(_pieces(text, _hidden_positions(text)))


def _pieces(text: str, gaps: Iterable[int]) -> Iterator[str]:
    start = 0
    for gap in gaps:
        yield text[start:gap]
        start = gap + 1
    yield text[start:]


def _hidden_positions(text: str) -> Iterator[int]:
    for run in REMARKABLE.finditer(text):
        yield from _hidden_in(text, run.start(), run.end())


def _hidden_in(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the hidden positions of a run that begins the text or follows a PLAIN character.

    What depends on its neighbours stays only between neighbours that stay. So what is left when the
    others are gone would be judged the same again.
    """
    before = text[max(start - 1, 0) : start]
    marks = 0
    for at in range(start, end):
        char = text[at]
        kind = kind_of(char)
        if kind is Kind.PLAIN:
            before, marks = char, 0
        elif _stays(text, at, kind, before, marks):
            before, marks = char, marks + (kind in MAX_MARKS)
        else:
            before = ""
            yield at


def _stays(text: str, at: int, kind: Kind, before: str, marks: int) -> bool:
    """Tell whether `text[at]`, of a kind that is not PLAIN, changes what a reader sees.

    `before` is the character before it, or "" if that is hidden; `marks` is how many marks its base
    has.
    """
    match kind:
        case Kind.MARK | Kind.SPELLING_MARK:
            return marks < MAX_MARKS[kind]
        case Kind.RETURN:
            return text.startswith("\n", at + 1)
        case Kind.JOINER:
            return _joins(before, text[at], text[at + 1 : at + 2], marks)
        case Kind.PRESENTATION:
            keycap = before in KEYCAP_BASES and text.startswith(KEYCAP, at + 1)
            return is_pictograph(before) or keycap
        case Kind.IDEOGRAPHIC:
            return is_ideograph(before)
        case Kind.TAG:
            flag = text.rfind(BLACK_FLAG, max(at - FLAG_LENGTH + 1, 0), at)
            return flag >= 0 and text.startswith(FLAGS, flag)
        case _:
            return False


def _joins(before: str, joiner: str, after: str, marks: int) -> bool:
    """Tell whether a joiner changes how its neighbours are drawn.

    Emoji follow UTS #51. Letters follow chapters 9 and 12 of The Unicode Standard 17.0, 2025-09: a
    joiner after a virama asks for a half form or chillu, which may end a word.
    """
    if joiner == JOINER:
        emoji = is_pictograph(before) or is_skin_tone(before) or before == EMOJI_STYLE
        if emoji and is_pictograph(after):
            return True
        if joining_script(before) and is_virama(before):
            return True
    script = joining_script(before)
    if not script or script != joining_script(after):
        return False
    return after.isalpha() or (is_virama(after) and marks == 0)
