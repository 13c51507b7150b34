"""What a character is to a reader: seen, hidden, or seen only where it belongs.

Categories and names come from `unicodedata`. What it lacks is written out here, each with its
source.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto
from functools import lru_cache

CACHED = 16_384
"""How many characters are remembered with their kind: more than one text has different ones."""


class Kind(Enum):
    """What a character is to a reader."""

    PLAIN = auto()
    """Seen, wherever it stands. Line feed and tab count as seen."""
    MARK = auto()
    """A general combining mark, such as an acute accent: drawn on the character before it."""
    SPELLING_MARK = auto()
    """A combining mark of one script, such as a vowel sign: spelling may need several at once."""
    RETURN = auto()
    """A carriage return: half of a line end, or what overwrites a line of a terminal."""
    JOINER = auto()
    """ZERO WIDTH JOINER or NON-JOINER."""
    PRESENTATION = auto()
    """VARIATION SELECTOR-15 or -16: text or emoji style."""
    IDEOGRAPHIC = auto()
    """VARIATION SELECTOR-17 to -256: the form of an ideograph."""
    TAG = auto()
    """A tag character: spells the region of a flag."""
    HIDDEN = auto()
    """Never seen by a reader, or turns the direction of reading. Odd line ends are among them."""


NON_JOINER, JOINER = "\u200c", "\u200d"
EMOJI_STYLE = "\ufe0f"
BLACK_FLAG = "\U0001f3f4"

KEYCAP = "\u20e3"
KEYCAP_BASES = frozenset("0123456789#*")

FLAGS = tuple(
    BLACK_FLAG + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
"""The flags of England, Scotland and Wales: the only ones spelled with tags that are recommended
for interchange (Unicode, "emoji-sequences.txt", version 17.0, 2025-09)."""

FLAG_LENGTH = 7
"""How many characters spell each of `FLAGS`."""

_DRAWN_FORMATS = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Format characters that are drawn (Prepended_Concatenation_Mark, Unicode, "PropList.txt", version
17.0, 2025-09)."""

_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
"""Letters and marks that draw nothing (Default_Ignorable_Code_Point, Unicode,
"DerivedCoreProperties.txt", version 17.0, 2025-09, less what has a kind or category of its own)."""

_DRAWN_AS_NOTHING = "\u2800\ufffc\U00013441\U00013442\U0001d159\U00016fe4"
"""Letters and symbols that draw nothing, though no property says so: the blanks of braille and of
hieroglyphs, the place of an object that is not there, a note without a head, a filler (Unicode,
code charts, version 17.0, 2025-09)."""


def _span(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_BY_CHARACTER = {
    **dict.fromkeys("\n\t" + _DRAWN_FORMATS, Kind.PLAIN),
    "\r": Kind.RETURN,
    **dict.fromkeys(NON_JOINER + JOINER, Kind.JOINER),
    **dict.fromkeys("\ufe0e\ufe0f", Kind.PRESENTATION),
    **dict.fromkeys(_span(0xE0100, 0xE01EF), Kind.IDEOGRAPHIC),
    **dict.fromkeys(_span(0xE0020, 0xE007F), Kind.TAG),
    **dict.fromkeys(_BLANKS + _DRAWN_AS_NOTHING + _span(0xFE00, 0xFE0D), Kind.HIDDEN),
}

_BY_CATEGORY = dict.fromkeys(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"), Kind.HIDDEN)

_UNNAMED = {"Cc": "CONTROL", "Cs": "SURROGATE", "Co": "PRIVATE USE", "Cn": "UNASSIGNED"}

_VIRAMA_CLASS = 9
"""The canonical combining class of every virama (UAX #44, version 17.0, 2025-09)."""

_JOINING_SCRIPTS = frozenset(
    {"ARABIC", "SYRIAC", "MANDAIC", "MANICHAEAN", "NKO", "MONGOLIAN", "ADLAM", "SOGDIAN"}
    | {"DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA"}
    | {"MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "BALINESE", "JAVANESE"}
)
"""Scripts in which a joiner changes the shape of letters (The Unicode Standard 17.0, 2025-09,
chapters 9, 12 to 14, 16, 17 and 19), by the first word of their characters' names."""

_PICTOGRAPHS = """
A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2
25AA-25AB 25B6 25C0 25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A
262E-262F 2638-263A 2640 2642 2648-2653 265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697
2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1 26BD-26BE 26C4-26C5 26C8 26CE-26CF 26D1
26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D 270F 2712 2714 2716 271D 2721
2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 2763-2764 2795-2797 27A1 27B0 27BF 2934-2935
2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D 3297 3299 1F004 1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0
1F0C0 1F0CF-1F0D0 1F0F6-1F0FF 1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F1AF-1F1E5
1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F25F 1F266-1F321 1F324-1F393
1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F3FA 1F400-1F4FD 1F4FF-1F53D
1F549-1F54E 1F550-1F567 1F56F-1F570 1F573-1F57A 1F587 1F58A-1F58D 1F590 1F595-1F596
1F5A4-1F5A5 1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3 1F5E8
1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2 1F6D5-1F6E5 1F6E9 1F6EB-1F6F0 1F6F3-1F6FF
1F7DC-1F7F0 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8AF 1F8BC-1F8BF
1F8C2-1F8CF 1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF 1FA58-1FA5F 1FA6E-1FAFF
1FC00-1FFFD
"""
"""Extended_Pictographic: what is an emoji or is set aside for one (UTS #51, "emoji-data.txt",
version 17.0, 2025-09). It holds code points that an older `unicodedata` calls unassigned: phones
draw them."""


def _char_class(spans: str, *, but: bool = False) -> str:
    spelled = re.sub(r"[0-9A-F]+", lambda point: rf"\U{point[0]:0>8}", spans)
    return f"[{'^' if but else ''}{''.join(spelled.split())}]"


_PICTOGRAPH = re.compile(_char_class(_PICTOGRAPHS))

_ORDINARY = """
9 A 20-7E A1-AC AE-2FF 3A3-3FF 400-482 48A-52F 5D0-5EA 621-64A 671-6D3 904-939 E01-E30 2010-2027
2030-205E 20A0-20BF 2190-23FF 2500-27BF 3001-3029 3041-3096 30A1-30FF 4E00-9FFC AC00-D7A3
FF01-FF9D 1F300-1F64F 1F680-1F6D7 1F910-1F9FF
"""
"""Characters of the kind PLAIN that make up most texts; a test compares each with `kind_of`."""

REMARKABLE = re.compile(_char_class(_ORDINARY, but=True) + "++")
"""Finds runs of characters that need a look at their kind. All others are PLAIN."""


@lru_cache(maxsize=CACHED)
def kind_of(char: str) -> Kind:
    """Return the kind of `char`, which is one character."""
    if kind := _BY_CHARACTER.get(char):
        return kind
    category = unicodedata.category(char)
    if category in ("Mn", "Me"):
        general = unicodedata.name(char).startswith("COMBINING ")
        return Kind.MARK if general else Kind.SPELLING_MARK
    if category == "Cn" and (is_pictograph(char) or _is_reserved_ideograph(char)):
        return Kind.PLAIN
    return _BY_CATEGORY.get(category, Kind.PLAIN)


@lru_cache(maxsize=CACHED)
def is_pictograph(char: str) -> bool:
    """Return whether `char` (one character or none) is an emoji, or is set aside to become one."""
    return _PICTOGRAPH.match(char) is not None


def is_skin_tone(char: str) -> bool:
    """Return whether `char` (one character or none) is an emoji modifier (UTS #51)."""
    return "\U0001f3fb" <= char <= "\U0001f3ff"


@lru_cache(maxsize=CACHED)
def is_ideograph(char: str) -> bool:
    """Return whether `char` (one character or none) is a Chinese, Japanese or Korean ideograph."""
    named = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH")
    return bool(char) and unicodedata.name(char, "").startswith(named)


@lru_cache(maxsize=CACHED)
def joining_script(char: str) -> str:
    """Return the script of the letter or mark `char` if joiners matter in that script, else ""."""
    if not char or unicodedata.category(char)[0] not in "LM":
        return ""
    script = unicodedata.name(char, "").partition(" ")[0]
    return script if script in _JOINING_SCRIPTS else ""


def is_virama(char: str) -> bool:
    """Return whether `char` (one character or none) takes the vowel from a letter before it."""
    return bool(char) and unicodedata.combining(char) == _VIRAMA_CLASS


def code_of(char: str) -> str:
    """Return the code point of `char` as people write it, for example `U+202E`."""
    return f"U+{ord(char):04X}"


def name_of(char: str) -> str:
    """Return the Unicode name of `char`, or what it is where Unicode gives it none."""
    return unicodedata.name(char, "") or _UNNAMED[unicodedata.category(char)]


def _is_reserved_ideograph(char: str) -> bool:
    """Tell whether planes 2 and 3, which are for ideographs only, have a place for `char`.

    An older `unicodedata` calls a new ideograph unassigned; a reader sees it, or a box.
    """
    point = ord(char)
    return 0x20000 <= point < 0x40000 and point & 0xFFFF < 0xFFFE
