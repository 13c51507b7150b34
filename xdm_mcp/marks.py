"""Marks of a text: keyed digests by which a later text shows that it carries a piece of this one.

Words are marked by winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of each `WINDOW` runs of
`RUN` letters in a row the one with the smallest hash is kept, so two texts that share `SHORTEST`
letters and digits in a row share a mark, wherever the piece stands in either. Case, accents,
blanks, punctuation and look-alike letters are gone before: what is left of 24 characters of
ordinary prose is 18 to 20. Things that are secret though they are short have marks of their own,
found by `particulars`. Nothing of a text can be read from its marks; whoever has the key can only
try texts.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Collection, Iterable
from enum import IntEnum
from hashlib import blake2b
from zlib import crc32

from xdm_mcp.digests import unescaped
from xdm_mcp.particulars import particulars

RUN = 14
"""Letters and digits in one mark of words: shorter coincidences are never seen."""

WINDOW = 3
"""Among how many neighbouring runs one is kept."""

SHORTEST = RUN + WINDOW - 1
"""Letters and digits in a row that are sure to be seen."""

VARIED = 4
"""Different characters that a run has at least: laughter is nobody's secret."""

SIZE = 8
"""Bytes of a digest: it fits a 64-bit integer of a database."""


class MarkKind(IntEnum):
    """What a mark stands for; the numbers are stored, and the smaller one wins where two meet."""

    WORDS = 1
    CODE = 2
    KEY = 3
    ADDRESS = 4
    AMOUNT = 5
    SAID = 6
    """Words that an agent sent without a person; how a message is stored decides that."""


_ALIKE = {
    # The order is that of the Cyrillic and Greek letters, each twice-looking one once.
    "авекмнорстухіїјѕԁһԛԝӏгп": "abekmhopctyxiijsdhqwirn",
    "αβγεζηικμνορτυχω": "abyezhikmnoptyxw",
    "ıɩɑɡøđłħ": "iiagodih",
    # One class each for what is drawn alike in one font or in one case.
    "l1|0vhuq": "iiionnyg",
}

_FOLD = {
    ord(drawn): like
    for many, likes in _ALIKE.items()
    for drawn, like in zip(many, likes, strict=True)
}
_FOLD = {drawn: like.translate(_FOLD) for drawn, like in _FOLD.items()}
"""A small letter or digit and what stands for everything that looks like it, in either case."""


Marks = dict[int, tuple[MarkKind, int]]
"""Digests, each with its kind and, for words, at which letter of the text they begin first."""


def marks_of(text: str, key: bytes, owner: str) -> Marks:
    """Return the marks of a text under a secret `key` of 16 to 64 bytes.

    Marks of two owners never meet. Digests are signed 64-bit integers. At most half as many as the
    text has letters, plus its particulars.
    """
    text = unescaped(text)
    places, runs = _kept(plain(text))
    marks: Marks = {}
    digests = _digests(runs, f"words/1:{owner}", key)
    for digest, place in zip(digests, places, strict=True):
        marks.setdefault(digest, (MarkKind.WORDS, place))
    for kind, what in particulars(text):
        told = what.encode("utf-8", "replace")
        [digest] = _digests([told], f"{kind}/1:{owner}", key)
        marks[digest] = (MarkKind[kind.upper()], -1)
    return marks


def uncovered(place: int, free: Collection[int]) -> int:
    """Return how many letters of the run that begins at `place` lie in no run that begins at one
    of `free`."""
    letters = set(range(place, place + RUN))
    for other in range(place - RUN + 1, place + RUN):
        if other in free:
            letters.difference_update(range(other, other + RUN))
    return len(letters)


def plain(text: str) -> str:
    """Return the letters and digits of `text` alone, look-alikes as one, whatever its case."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_FOLD)
    return unicodedata.normalize("NFC", "".join(filter(str.isalnum, folded)))


def _kept(letters: str) -> tuple[list[int], list[bytes]]:
    """Return where the runs begin that winnowing keeps, and the runs as bytes."""
    width = 4
    data, span = letters.encode("utf-32-le", "replace"), RUN * width
    ranks = [crc32(data[at : at + span]) for at in range(0, len(data) - span + 1, width)]
    least = map(min, *(ranks[offset:] for offset in range(WINDOW)))
    kept = sorted({ranks.index(rank, start) for start, rank in enumerate(least)})
    if len(set(ranks)) < len(ranks):  # without a repeat nothing is monotonous
        kept = [at for at in kept if len(set(letters[at : at + RUN])) >= VARIED]
    return kept, [data[at * width : at * width + span] for at in kept]


def _digests(pieces: Iterable[bytes], tag: str, key: bytes) -> tuple[int, ...]:
    begun = blake2b(f"{tag}\0".encode(), digest_size=SIZE, key=key)
    told = []
    for piece in pieces:
        state = begun.copy()
        state.update(piece)
        told.append(state.digest())
    return struct.unpack(f">{len(told)}q", b"".join(told))
