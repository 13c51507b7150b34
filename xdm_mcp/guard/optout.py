"""Whether somebody asks to be left alone. A yes is for good: only the owner clears it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u02b9\u02bc\u2018\u2019\u201b\u2032\uff07"))
"""Dropped first of all, so that `don't` and `dont` are one word however it is typed."""

JOINING = frozenset({"Cf", "Mn", "Me"})
"""Invisible characters and marks belong to what stands beside them; all else parts words."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's ways to say stop, in any spelling that `_plain` brings together.

    `whole` phrases mean it only as the whole message, `contained` ones wherever they stand.
    """

    whole: tuple[str, ...]
    contained: tuple[str, ...]


ENGLISH = Phrases(
    whole=(
        "stop",
        "stop it",
        "unsubscribe",
        "opt out",
        "optout",
        "cancel",
        "end",
        "quit",
        "remove me",
    ),
    contained=(
        "unsubscribe me",
        "stop messaging me",
        "don't message me",
        "do not contact me",
        "remove me from",
        "leave me alone",
    ),
)

LANGUAGES = (ENGLISH,)
"""Every language that is listened for; a new one is one more value here."""


def opted_out(text: str, own: Iterable[str] = ()) -> bool:
    """Whether an incoming `text` asks us to stop, in a known language or by one of the owner's
    `own` phrases.

    Case, punctuation, spacing and emoji do not matter. The owner's phrases count as whole messages
    only.
    """
    said = _plain(text)
    return said in WHOLE or said in _plains(own) or any(f" {p} " in f" {said} " for p in CONTAINED)


def _plain(text: str) -> str:
    """Return the words of `text` in lower case with single spaces, without anything else."""
    folded = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    return " ".join("".join(map(_letter, folded)).split())


def _letter(character: str) -> str:
    if character.isalnum():
        return character
    return "" if unicodedata.category(character) in JOINING else " "


def _plains(phrases: Iterable[str]) -> frozenset[str]:
    """Return the phrases in plain words; one without any words means nothing."""
    return frozenset(filter(None, map(_plain, phrases)))


WHOLE = frozenset().union(*(_plains(language.whole) for language in LANGUAGES))
CONTAINED = frozenset().union(*(_plains(language.contained) for language in LANGUAGES))
