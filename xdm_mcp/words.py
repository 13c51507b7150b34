"""The words of a text, as searching sees them: one pure function for what is kept and for what is
looked for.

Case, accents, width and hidden characters do not matter. Scripts that put no space between words
are cut into single characters, so that a Chinese word of two characters, or a Thai one of five, is
found as a phrase wherever it stands. So is Korean, whose words carry their particles with them, and
each emoji is a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xdm_mcp.characters import CACHED, Kind, kind_of

LONGEST = 100
"""How many characters of a word count; the engines bound the length of a word in bytes."""

SNIPPET = 280
"""How much of a text is shown around a hit, in characters."""

BEFORE = 80
"""How much of it lies before the hit."""

_SPANS = """
E00-EFF 1000-109F 1100-11FF 1780-17FF 1950-19DF 1A20-1AAF 3040-30FF 3100-312F 3130-318F 31A0-31BF
31F0-31FF 3400-4DBF 4E00-9FFF A000-A4CF A960-A9FF AA60-AADF AC00-D7FF F900-FAFF 16FE0-18DFF
1AFF0-1B2FF 20000-3FFFF
"""
"""Thai, Lao, Myanmar, Hangul, Khmer, the Tai scripts, kana, bopomofo, ideographs, Yi, Javanese,
Tangut (Unicode, "Blocks.txt", version 17.0, 2025-09)."""

_UNSPACED = tuple(
    (int(first, 16), int(last, 16))
    for first, _, last in (span.partition("-") for span in _SPANS.split())
)

_ACCENTS = range(200, 256)
"""Combining classes of marks above, below and through any letter (UAX #44, version 17.0,
2025-09)."""

_POINTS = range(10, 36)
"""Combining classes of Hebrew and Arabic points, which most people leave out (same source)."""

_ASCII = re.compile("[0-9a-z]+")
_QUOTES = '"\u201c\u201d\u201e\u201f\uff02'


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, and where it begins there."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand side by side, in this order; with `prefix` the last may go on."""

    words: tuple[str, ...]
    prefix: bool = False


def words(text: str) -> list[str]:
    """Return the words of a text as they are indexed, in their order."""
    if text.isascii():  # the same, ten times as fast
        return [word[:LONGEST] for word in _ASCII.findall(text.lower())]
    return [word.text for word in found_words(text)]


def found_words(text: str) -> Iterator[Word]:
    """Give the words of a text with the places at which they begin in its composed form
    (NFC)."""
    begun, at = "", 0
    for place, char in enumerate(unicodedata.normalize("NFC", text)):
        for folded, kind in _folded(char):
            if kind == "letter" and len(begun) < LONGEST:
                begun, at = begun + folded, at if begun else place
            elif kind != "letter":
                if begun:
                    yield Word(begun, at)
                begun = ""
                if kind == "word":
                    yield Word(folded, place)
    if begun:
        yield Word(begun, at)


def parse(query: str) -> tuple[Phrase, ...]:
    """Return what a query looks for, all of which a text must hold; empty where it names no word.

    Words side by side are looked for one by one, "words in quotes" as a phrase, `begin*` by their
    beginning. Nothing else has a meaning, and nothing is an error.
    """
    phrases = []
    for part, quoted in _parts(query):
        found = tuple(words(part))
        prefix = not quoted and part.endswith("*") and bool(words(part[-2:-1]))
        if found:
            phrases.append(Phrase(found, prefix))
    return tuple(dict.fromkeys(phrases))


def matches(text: str, phrases: Sequence[Phrase]) -> bool:
    """Whether a text holds all of these phrases."""
    found = words(text)
    return all(_stands(phrase, found) is not None for phrase in phrases)


def snippet(text: str, phrases: Sequence[Phrase]) -> tuple[str, bool]:
    """Return the piece of a text around the first place where a phrase stands, and whether that is
    less than the whole."""
    if len(text) <= SNIPPET:
        return text, False
    composed = unicodedata.normalize("NFC", text)
    found = list(found_words(composed))
    plain = [word.text for word in found]
    hits = (_stands(phrase, plain) for phrase in phrases)
    first = min((found[hit].at for hit in hits if hit is not None), default=0)
    begin = max(0, min(first - BEFORE, len(composed) - SNIPPET))
    piece = composed[begin : begin + SNIPPET]
    before, after = "…" if begin else "", "…" if begin + SNIPPET < len(composed) else ""
    return f"{before}{piece}{after}", True


def _parts(query: str) -> Iterator[tuple[str, bool]]:
    """Give the parts of a query that blanks and quotes make, and whether each was quoted."""
    for number, part in enumerate(re.split(f"[{_QUOTES}]", query)):
        if number % 2:
            yield part, True
        else:
            yield from ((word, False) for word in part.split())


def _stands(phrase: Phrase, found: Sequence[str]) -> int | None:
    """Return which word of a text begins the phrase there, None where it does not stand."""
    *heads, last = phrase.words
    for start in range(len(found) - len(heads)):
        end = found[start + len(heads)]
        fits = end.startswith(last) if phrase.prefix else end == last
        if fits and list(found[start : start + len(heads)]) == heads:
            return start
    return None


@lru_cache(maxsize=CACHED)
def _folded(char: str) -> tuple[tuple[str, str], ...]:
    """Return what a character is to a search: letters of words, words of their own, ends of words;
    nothing for what no reader sees."""
    if kind_of(char) in (Kind.JOINER, Kind.PRESENTATION, Kind.IDEOGRAPHIC, Kind.TAG):
        return ()
    parts = char if _is_unspaced(char) and char >= "\uac00" else _without_accents(char)
    return tuple((part, kind) for part in parts if (kind := _kind(part)))


def _without_accents(char: str) -> str:
    parts = unicodedata.normalize("NFKD", char)
    bare = "".join(part for part in parts if not _is_accent(part))
    folded = "".join(_lower(part) for part in bare)
    return unicodedata.normalize("NFC", folded)


def _lower(part: str) -> str:
    """Return the case-folded form, once more without the accents that it may bring."""
    folded = unicodedata.normalize("NFKD", part.casefold())
    return "".join(letter for letter in folded if not _is_accent(letter))


def _is_accent(part: str) -> bool:
    mark = unicodedata.combining(part)
    return mark == 1 or mark in _ACCENTS or mark in _POINTS


def _kind(part: str) -> str:
    category = unicodedata.category(part)
    if category[0] in "LNM" and kind_of(part) is not Kind.HIDDEN:
        return "word" if _is_unspaced(part) else "letter"
    if category == "So":
        return "word"
    return "" if category == "Cf" or category[0] in "LNM" else "end"


def _is_unspaced(char: str) -> bool:
    point = ord(char)
    return point >= 0xE00 and any(first <= point <= last for first, last in _UNSPACED)
