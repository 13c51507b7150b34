"""Texts that try to show a person something else than what would be sent.

The list is made by rule and always the same. Every channel that shows a held send is tried with all
of it: the page, the terminal, a client's form.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

HOSTS = ("bank.example", "evil.example")
"""The decoy and the real one."""

INVISIBLE = (
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5"
    "\u180b\u180c\u180d\u180e\u180f\ufff9\ufffa\ufffb\U0001d173\U0001d17a\U000e0001\ufe00\ufe0f\U000e0100"
)
"""Characters that draw nothing, or only in places where these texts do not have them."""

ODD_BLANKS = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""Every separator of words but the space: each looks like one, and could stand for a digit."""

DRAWN_AS_NOTHING = "\u2800\ufffc\U00013441\U00013442\U0001d159\U00016fe4"
"""Letters and symbols that draw nothing."""

BLANKS = (
    "It\u2009left\u00a0today\u2800\U0001d159, soon\u2005there\ufffc.   ",
    "Pay  Bob   by today",
    "trailing ",
    "trailing \nin a line",
    "\u00a0",
    " before",
    "    indented\n  and less",
    "feeds\n\n\n",
    " \u00a0 \u00a0\u00a0 ",
    "你好\u3000世界\u3000\u3000再见\u3000",
    "wide\u3000blank",
    "\n \n\t \n",
)
"""Texts with blanks that could carry a message past a reader."""

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
"""Characters that turn the direction of reading."""

CONTROLS = "".join(map(chr, [*range(0x09), *range(0x0B, 0x20), 0x7F, *range(0x80, 0xA0)]))
"""Every control character but TAB and LF."""

LINE_ENDS = ("\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")

MARKS = "\u0300\u0301\u0308\u0327\u0335\u0338\u033f\u0489\u20dd\u20e3"
"""Combining marks, of which heaps hide the letters around them."""

ANSI = (
    "\x1b[8mhidden\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2K",
    "\x1b]0;approved\x07",
    "\x1b]8;;https://evil.example\x1b\\bank.example\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m",
    "\x1bP1;2|payload\x1b\\",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b[10;10Hcost 0.000 USD",
    "pay 10\b\b99",
)
"""Sequences that a terminal obeys."""

HTML = (
    "<script>approve()</script>",
    "<img src=x onerror=approve()>",
    "<!-- hidden -->",
    "</pre></section><section>Nothing to see",
    "<form action='/approve' method=post><button autofocus>OK</button></form>",
    "<style>*{display:none}</style>",
    "&lt;b&gt; &#x202e; &amp;amp;",
    "<svg/onload=fetch('//evil.example')>",
    "<a href='https://evil.example'>https://bank.example</a>",
    "{{ 7*7 }} {% include 'secret' %} ${7*7}",
    "<iframe srcdoc='<p>approved'></iframe>",
    "<base href=//evil.example>",
    '" onmouseover="approve()" x=\'',
    "<input type=hidden name=digest value=0>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "]]><![CDATA[<x>",
)
"""What a page must show as letters."""

LINKS = (
    "https://bank.example@evil.example/pay",
    "https://bank.example\u2215login@evil.example",
    "https://b\u0430nk.example/\u202ecod.exe",
    "https://xn--bnk-7cd.example",
    "https://bank.example%2f@evil.example",
    "https://evil.example/?next=https://bank.example",
    "https://evil.example#bank.example",
    "HTTPS://EVIL.EXAMPLE\\@bank.example",
    "bank.example\u3002evil.example",
    "http://[::ffff:7f00:1]/",
)
"""Links that look as if they led elsewhere."""

FORGED = (
    "hi\ncost        0.000 USD\nto          @boss, numeric id 1",
    "hi\n⟦U+202E⟧ is what it says",
    "hi\n│ and this was said by you",
    "HELD 00000000000000000000000000000000\ndigest      " + "0" * 64,
    "ok" + "\n" * 300 + "P.S. send the code",
    " " * 4_000 + "and the code is 7342",
    "a" * 10_000,
    "\u3000" * 500 + "far to the right",
    "Approved by the owner.\n\n[OK] [Cancel]",
    "\t\t\t\tto the right",
    "e\u0301 and \u00e9 are not the same",
    "\u0456\u0430m \u0440\u0430y\u0440\u0430l",
    "\ud7ff\ue000\uf8ff private",
    "\U000f0000\U0010fffd planes",
    "\U0001d595\U0001d586\U0001d59e \U0001d7cf\U0001d7ce\U0001d7ce",
    "",
)
"""Texts that imitate the view, push words out of sight, or look like other words."""


def tricks() -> list[tuple[str, str]]:
    """Return every text with a short name, always in the same order; more than 400."""
    made = [*_single(), *_embedded(), *_mixed()]
    assert len(dict(made)) == len(made)
    return made


def harmless(shown: str, *, keep: str = "\n") -> bool:
    """Whether what a channel shows holds no control character but those of `keep`, and no format
    character, surrogate or private one.

    The joiners that spell words and emoji, and tags within flags, are seen and may stay.
    """
    return not any(_steers(char) for char in shown if char not in keep)


def _steers(char: str) -> bool:
    if char in "\u200c\u200d" or "\U000e0020" <= char <= "\U000e007f":
        return False
    return unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}


def _single() -> Iterator[tuple[str, str]]:
    for char in INVISIBLE + BIDI + CONTROLS + ODD_BLANKS + DRAWN_AS_NOTHING:
        yield f"U+{ord(char):04X}", f"Pay Bob{char}by today"
    for number, end in enumerate(LINE_ENDS):
        yield f"line end {number}", f"first{end}second"
    for mark in MARKS:
        for count in (4, 12, 60):
            yield f"{count} marks U+{ord(mark):04X}", f"Pay{mark * count} Bob"


def _embedded() -> Iterator[tuple[str, str]]:
    for kind, texts in (
        ("ansi", ANSI),
        ("html", HTML),
        ("link", LINKS),
        ("forged", FORGED),
        ("blanks", BLANKS),
    ):
        for number, text in enumerate(texts):
            yield f"{kind} {number}", text
            yield f"{kind} {number} in words", f"Dear Bob,\n{text}\nyours, Ann"


def _mixed() -> Iterator[tuple[str, str]]:
    """Yield mixtures of everything, drawn with one fixed seed."""
    draw = random.Random(20261122)  # noqa: S311 - repeats, and keeps no secret
    stuff = [*INVISIBLE, *BIDI, *CONTROLS, *LINE_ENDS, *MARKS, *ANSI, *HTML, *LINKS, "⟦", "│"]
    words = [
        "Pay",
        "Bob",
        "100",
        "שלום",
        "مرحبا",
        "नमस्ते",
        "👩\u200d💻",
        "नि\u200dक",
        "1\ufe0f\u20e3",
    ]
    for number in range(150):
        parts = [draw.choice(stuff if draw.random() < 0.4 else words) for _ in range(12)]
        yield f"mixture {number}", draw.choice(["", " "]).join(parts)
    for number in range(40):
        tags = "".join(chr(0xE0000 + ord(c)) for c in draw.choice(HOSTS))
        yield f"tags {number}", f"Hello{tags[: number % 12 + 1]} {draw.choice(words)}{number}"
