"""Marks of a text: keyed digests by which a later text shows that it carries a piece of this one.

Words are marked by winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of each `WINDOW` runs of
`RUN` letters in a row the one with the smallest hash is kept, so two texts that share `SHORTEST`
letters and digits in a row share a mark, wherever the piece stands in either. Case, accents,
blanks, punctuation and look-alike letters are gone before: what is left of 24 characters of
ordinary prose is 18 to 20. So that no shorter coincidence counts, a mark also holds a little
of each letter `BESIDE` its run (`shared`), hidden by the run itself. Things that are secret though
they are short have marks of their own, found by `particulars`. Nothing of a text can be read from
its marks; whoever has the key can try texts, and go on from a right guess letter by letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
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

BESIDE = WINDOW - 1
"""Letters before a run, and as many behind it, of which something is kept."""

CLASSES = 7
"""What is kept of such a letter: to which of so many classes it belongs."""

BITS = 3
"""Bits of a class, of which 0 says that there is no letter."""

EDGE = 4
"""Letters by which a run that is free is taken for longer at each end: what is kept of a phrase
seldom begins and ends with it."""

VARIED = 4
"""Different characters that a run has at least: laughter is nobody's secret."""

SIZE = 6
"""Bytes of a digest: of twenty million marks it meets one in a million by chance."""

WIDTH = 4
"""Bytes of a character while it is digested."""


MASK = (1 << BITS) - 1

SHIFTS = range(0, 2 * BESIDE * BITS, BITS)
"""Where the class of each letter beside a run lies among the bits."""

NOTHING = [-1] * BESIDE
"""Stands beside the first and the last letters of a text."""


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
    `around`, the classes of the letters beside it."""

    kind: MarkKind
    place: int = -1
    around: int = 0


Marks = dict[int, Mark]
"""Marks by their digests, which are signed integers of `SIZE` bytes."""


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
        data = [_bytes(self.letters[at : at + RUN]) for at in found]
        told = _digests(data, f"words/1:{self.owner}", self.key)
        return {digest: at for (digest, _), at in zip(told, found, strict=True)}


def marked(text: str, key: bytes, owner: str) -> Marked:
    """Return a text that is to be sent with its marks; see `marks_of`."""
    text = unescaped(text)
    letters = plain(text)
    return Marked(_marks(text, letters, key, owner), letters, key, owner)


def marks_of(text: str, key: bytes, owner: str) -> Marks:
    """Return the marks of a text under a secret `key` of 16 to 64 bytes.

    Marks of two owners never meet. There are about a quarter as many as the text has letters, plus
    its particulars.
    """
    text = unescaped(text)
    return _marks(text, plain(text), key, owner)


def _marks(text: str, letters: str, key: bytes, owner: str) -> Marks:
    marks = _words(letters, key, owner)
    for kind, what in particulars(text):
        told = what.encode("utf-8", "replace")
        [(digest, _)] = _digests([told], f"{kind}/1:{owner}", key)
        marks[digest] = Mark(MarkKind[kind.upper()])
    return marks


def shared(one: int, other: int) -> int | None:
    """Return where, from its run on backwards, the first stretch begins that two marks of one
    digest share, None where what stands around them differs."""
    same = [one >> bit & MASK == other >> bit & MASK != 0 for bit in SHIFTS]
    for back in range(WINDOW):
        if all(same[BESIDE - back : 2 * BESIDE - back]):
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
    runs = [data[at * WIDTH : (at + RUN) * WIDTH] for at in kept]
    numbers = [*NOTHING, *map(ord, letters), *NOTHING]
    marks: Marks = {}
    for at, (digest, pad) in zip(kept, _digests(runs, f"words/1:{owner}", key), strict=True):
        if digest not in marks:
            before = numbers[at : at + BESIDE]
            behind = numbers[at + BESIDE + RUN : at + BESIDE + RUN + BESIDE]
            marks[digest] = Mark(MarkKind.WORDS, at, _around(before + behind, pad))
    return marks


def _around(beside: Iterable[int], pad: bytes) -> int:
    """Return the classes of the letters beside a run: each is moved on by a byte that only who
    knows the run can know, so that alone they say nothing."""
    around = 0
    for letter, secret, shift in zip(beside, pad, SHIFTS, strict=True):
        if letter >= 0:
            around |= ((letter + secret) % CLASSES + 1) << shift
    return around


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


def _digests(pieces: Iterable[bytes], tag: str, key: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the digest of each piece, and bytes for what stands beside it."""
    begun = blake2b(f"{tag}\0".encode(), digest_size=SIZE + 2 * BESIDE, key=key)
    for piece in pieces:
        state = begun.copy()
        state.update(piece)
        told = state.digest()
        yield int.from_bytes(told[:SIZE], "big", signed=True), told[SIZE:]
