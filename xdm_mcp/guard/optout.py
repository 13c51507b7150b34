"""Whether somebody asks to be left alone. A yes is for good: only the owner clears it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from xdm_mcp.guard.languages import LANGUAGES

APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u02b9\u02bc\u2018\u2019\u201b\u2032\uff07"))
"""Dropped first of all, so that `don't` and `dont` are one word however it is typed."""

ACCENTS = range(0x300, 0x370)
"""Accents of Latin, Greek and Cyrillic letters, which people leave out in haste and in capitals."""

SELECTORS = range(0xFE00, 0xFE10)
"""Marks that choose how the sign before them is drawn."""

JOINING = frozenset({"Cf", "Mn", "Me"})
"""Invisible characters and marks belong to what stands beside them; all else parts words."""

ALIKE = {
    ord(one): other
    for one, other in zip("ıآأإٱىيكةۀ", "iااااییکهه", strict=True)
} | {0x640: None}  # fmt: skip
"""Letters that are typed one for the other, in Turkish capitals and on Arabic and Persian
keyboards, and the stroke that only stretches a word."""


def opted_out(text: str, own: Iterable[str] = ()) -> bool:
    """Whether an incoming `text` asks us to stop, in a known language or by one of the owner's
    `own` phrases.

    Case, punctuation, spacing and emoji do not matter. The owner's phrases count as whole messages
    only.
    """
    said = plain(text)
    together = said.replace(" ", "")
    return (
        said in WHOLE
        or together in WHOLE_JOINED
        or said in _plains(own)
        or any(f" {phrase} " in f" {said} " for phrase in CONTAINED)
        or any(phrase in together for phrase in CONTAINED_JOINED)
    )


def plain(text: str) -> str:
    """Return the words of `text` in lower case with single spaces, without accents or anything
    else."""
    parted = unicodedata.normalize("NFKD", text.translate(APOSTROPHES)).casefold()
    bare = "".join(char for char in parted if ord(char) not in ACCENTS)
    folded = unicodedata.normalize("NFKC", bare).translate(ALIKE)
    return " ".join("".join(map(_letter, folded)).split())


def _letter(character: str) -> str:
    if character.isalnum() or _spells(character):
        return character
    return "" if unicodedata.category(character) in JOINING else " "


def _spells(character: str) -> bool:
    """Whether it is a mark that spells: a vowel sign of an Indic or Thai script, a virama."""
    category = unicodedata.category(character)
    if category not in {"Mc", "Mn"} or ord(character) in SELECTORS:
        return False
    return category == "Mc" or unicodedata.combining(character) in {0, 7, 8, 9, 103, 107}


def _plains(phrases: Iterable[str]) -> frozenset[str]:
    """Return the phrases in plain words; one without any words means nothing."""
    return frozenset(filter(None, map(plain, phrases)))


def _joined(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(phrase.replace(" ", "") for phrase in _plains(phrases))


_PARTED = tuple(language for language in LANGUAGES.values() if not language.joined)
_JOINED = tuple(language for language in LANGUAGES.values() if language.joined)

WHOLE = frozenset().union(*(_plains(language.whole) for language in _PARTED))
WHOLE_JOINED = frozenset().union(*(_joined(language.whole) for language in _JOINED))
CONTAINED = frozenset().union(*(_plains(language.contained) for language in _PARTED))
CONTAINED_JOINED = frozenset().union(*(_joined(language.contained) for language in _JOINED))
