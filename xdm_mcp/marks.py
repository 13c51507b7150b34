"""Marks of a text: keyed digests by which a later text shows that it carries a piece of this one.

Words are marked by winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of each `WINDOW` runs of
`RUN` letters in a row the one with the smallest hash is kept, so two texts that share `SHORTEST`
letters and digits in a row share a mark, wherever the piece stands in either. Case, accents,
blanks, punctuation and look-alike letters are gone before: what is left of 24 characters of
ordinary prose is 18 to 20. So that no shorter coincidence counts, a mark also holds a few bits of
the digest of each `SHORTEST` letters around its run (`shared`). Things that are secret though they
are short have marks of their own, found by `particulars`. Nothing of a text can be read from its
marks; whoever has the key can try texts, and go on from a right guess letter by letter.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from zlib import crc32

from xdm_mcp.digests import unescaped
from xdm_mcp.particulars import particulars

RUN = 12
"""Letters and digits in one mark of words."""

WINDOW = 7
"""Among how many neighbouring runs one is kept."""

SHORTEST = RUN + WINDOW - 1
"""Letters and digits in a row that are sure to be seen, and the fewest that count."""

BITS = 9
"""Bits that are kept of each stretch around a run: seven of them fit into 63."""

EDGE = 4
"""Letters by which a run that is free is taken for longer at each end: what is kept of a phrase
seldom begins and ends with it."""

VARIED = 4
"""Different characters that a run has at least: laughter is nobody's secret."""

SIZE = 8
"""Bytes of a digest: it fits a 64-bit integer of a database."""

WIDTH = 4
"""Bytes of a character while it is digested."""


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
    "l10vhuq": "iionnyg",
}

_FOLD = {
    ord(drawn): like
    for many, likes in _ALIKE.items()
    for drawn, like in zip(many, likes, strict=True)
}
_FOLD = {drawn: like.translate(_FOLD) for drawn, like in _FOLD.items()}
"""A small letter or digit and what stands for everything that looks like it, in either case."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a digest stands for. Of words: at which letter of the text the run begins first, and
    `around`, the bits of the stretches that it lies in."""

    kind: MarkKind
    place: int = -1
    around: int = 0


Marks = dict[int, Mark]
"""Marks by their digests, which are signed 64-bit integers."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text that is to be sent, with its marks; `runs` makes more of them where they are asked
    for."""

    marks: Marks
    letters: str
    key: bytes
    owner: str

    def runs(self, places: Iterable[int]) -> dict[int, int]:
        """Return the runs of letters that begin at `places`, kept by winnowing or not, as digests
        with their places."""
        found = [at for at in places if 0 <= at <= len(self.letters) - RUN]
        data = (_bytes(self.letters[at : at + RUN]) for at in found)
        return dict(zip(_digests(data, f"words/1:{self.owner}", self.key), found, strict=True))


def marked(text: str, key: bytes, owner: str) -> Marked:
    """Return a text that is to be sent with its marks; see `marks_of`."""
    return Marked(marks_of(text, key, owner), plain(unescaped(text)), key, owner)


def marks_of(text: str, key: bytes, owner: str) -> Marks:
    """Return the marks of a text under a secret `key` of 16 to 64 bytes.

    Marks of two owners never meet. There are about a quarter as many as the text has letters, plus
    its particulars.
    """
    text = unescaped(text)
    marks = _words(plain(text), key, owner)
    for kind, what in particulars(text):
        told = what.encode("utf-8", "replace")
        [digest] = _digests([told], f"{kind}/1:{owner}", key)
        marks[digest] = Mark(MarkKind[kind.upper()])
    return marks


def shared(one: int, other: int) -> int | None:
    """Return where, from its run on backwards, the first stretch begins that two marks of one
    digest share, None where what stands around them differs."""
    for back in range(WINDOW):
        mask = ((1 << BITS) - 1) << (back * BITS)
        if one & mask and one & mask == other & mask:
            return back
    return None


def uncovered(begin: int, free: Collection[int]) -> int:
    """Return how many letters of the stretch that begins at `begin` lie in no run that begins at
    one of `free`."""
    letters = set(range(begin, begin + SHORTEST))
    for other in range(begin - RUN - EDGE + 1, begin + SHORTEST + EDGE):
        if other in free:
            letters.difference_update(range(other - EDGE, other + RUN + EDGE))
    return len(letters)


def plain(text: str) -> str:
    """Return the letters and digits of `text` alone, look-alikes as one, whatever its case."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_FOLD)
    return unicodedata.normalize("NFC", "".join(filter(str.isalnum, folded)))


def _words(letters: str, key: bytes, owner: str) -> Marks:
    data = _bytes(letters)
    kept = _kept(letters, data)
    runs = (data[at * WIDTH : (at + RUN) * WIDTH] for at in kept)
    stretches = (
        data[at : at + SHORTEST * WIDTH] for at in range(0, len(data) - SHORTEST * WIDTH + 1, WIDTH)
    )
    bits = [d % ((1 << BITS) - 1) + 1 for d in _digests(stretches, f"around/1:{owner}", key)]
    marks: Marks = {}
    digests = _digests(runs, f"words/1:{owner}", key)
    for digest, at in zip(digests, kept, strict=True):
        around = 0
        for back in range(min(WINDOW, at + 1)):
            if at - back < len(bits):
                around |= bits[at - back] << (back * BITS)
        marks.setdefault(digest, Mark(MarkKind.WORDS, at, around))
    return marks


def _kept(letters: str, data: bytes) -> list[int]:
    """Return where the runs begin that winnowing keeps."""
    ends = range(RUN * WIDTH, len(data) + 1, WIDTH)
    ranks = [crc32(data[end - RUN * WIDTH : end]) for end in ends]
    least = map(min, *(ranks[offset:] for offset in range(WINDOW)))
    kept = sorted({ranks.index(rank, start) for start, rank in enumerate(least)})
    if len(set(ranks)) < len(ranks):  # without a repeat nothing is monotonous
        kept = [at for at in kept if len(set(letters[at : at + RUN])) >= VARIED]
    return kept


def _bytes(letters: str) -> bytes:
    return letters.encode("utf-32-le", "replace")


def _digests(pieces: Iterable[bytes], tag: str, key: bytes) -> tuple[int, ...]:
    begun = blake2b(f"{tag}\0".encode(), digest_size=SIZE, key=key)
    told = []
    for piece in pieces:
        state = begun.copy()
        state.update(piece)
        told.append(state.digest())
    return struct.unpack(f">{len(told)}q", b"".join(told))
