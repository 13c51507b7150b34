"""Finding what becomes a link in a text, and where it really leads.

The rule follows how X finds links (twitter-text 3, 2018, the library that X published): `http://`
or `https://` before a host, and bare names such as `example.com/path` that end in a top-level
domain of IANA's list. Where the two differ this one finds more, because a missed link can leak
without a click and a false one costs a question: it also takes any host after `http://`, every
country's domain, and names of an unknown top-level domain that begin with `www.` or have a path. A
name beside an `@` is an address, not a link.

Time is linear in the length of the text: patterns repeat single classes of characters,
possessively, and each link begins where the search for the one before it ended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from xdm_mcp.characters import Kind, kind_of
from xdm_mcp.domains import INTERNATIONAL, TOP_LEVEL

MAX_LABEL = 63
MAX_HOST = 253
"""The longest label and name of a host (RFC 1035, 1987-11). What is longer leads nowhere."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text: `url` as it is written there, from `start` to before `end`, from 0.

    `host` is where it really leads: ASCII in lower case, international names in punycode (`xn--…`).
    """

    url: str
    host: str
    start: int
    end: int


_UNSPACED = (
    r"\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
    r"\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
"""Scripts that put no space around a foreign word: Thai to Myanmar, Khmer, Chinese, Japanese,
Korean. A bare name ends where they begin, as it does for X."""

_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
"""Marks and joiners inside words of the other scripts, which `\\w` lacks."""

_UNSPACED_TOP_LEVEL = "|".join(
    sorted((name for name in INTERNATIONAL if re.search(f"[{_UNSPACED}]", name)), reverse=True)
)
_CANDIDATE = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?://)"
    rf"|(?:[^\W{_UNSPACED}]|[\-.{_MARKS}])++(?:(?<=\.)(?:{_UNSPACED_TOP_LEVEL}))?"
)
_AUTHORITY = re.compile(r'[^\s/\\?#<>"]*+')
_HOST = re.compile(
    r"""\[[0-9A-Fa-f:.]++\]|[^\s!"#$&'()*+,/:;<=>?@\[\\\]^`{|}~\u00ab\u00bb\u2018-\u201f\u2026"""
    r"""\u3001\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]*+"""
)
_PORT = re.compile(r"(?::[0-9]++)?")
_PATH = re.compile(
    r"(?:[/?#\\][A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff\u2013"
    r"!*';:=+,.$/%#\[\]\-_~@|&()?\\]*+)?"
)
_SHORT_PATH = re.compile(r"(?:/[A-Za-z0-9]*+)?")
_ASCII_HEAD = re.compile(r"[A-Za-z0-9]*+")
_PATH_ENDINGS = frozenset("+-=_#/")
_OTHER_DOTS = "\u3002\uff0e\uff61"  # part labels as a dot does (UTS #46, version 17.0, 2025-09)
_DOTS = str.maketrans(_OTHER_DOTS, "...")


@lru_cache(maxsize=8)
def links(text: str) -> tuple[Link, ...]:
    """Return all that becomes a link when `text` is sent, in order and without overlap.

    A send asks several times of the same text: for its digests, and for each rule about links.
    """
    if "." not in text and "://" not in text:
        return ()
    return tuple(_links(text))


def _links(text: str) -> Iterator[Link]:
    at = 0
    while candidate := _CANDIDATE.search(text, at):
        at = candidate.end()
        found = _after_scheme(text, candidate) if candidate["scheme"] else _bare(text, candidate)
        for link in found:
            yield link
            at = max(at, link.end)


def _after_scheme(text: str, scheme: re.Match[str]) -> Iterator[Link]:
    """Yield the link that a scheme begins: two if X and a browser differ about an `@` in it."""
    start, at = scheme.span()
    user, sign, _ = _part(_AUTHORITY, text, at).rpartition("@")
    if sign:
        decoy_end = _decoy_end(text, at, at + len(user))
        if decoy_end > at:
            decoy = _link(text, start, at, decoy_end)
            yield decoy
            start = decoy.end
        at += len(user) + 1
    host = _part(_HOST, text, at)
    end = at + (_domain_length(host.translate(_DOTS)) or len(host.rstrip("-_." + _OTHER_DOTS)))
    if end > at:
        yield _link(text, start, at, end)


def _decoy_end(text: str, at: int, stop: int) -> int:
    """Return where the domain that X links in the user name `text[at:stop]` ends, else `at`."""
    end = at + _domain_length(_part(_HOST, text[at:stop], 0))
    return end if end < stop else at


def _bare(text: str, run: re.Match[str]) -> Iterator[Link]:
    """Yield the links among the names of a run: parts between dots, with no two dots together."""
    at = run.start()
    for part in run[0].split("..") if "." in run[0] else ():
        name = part.lstrip("-_.")
        start = at + len(part) - len(name)
        at += len(part) + 2
        end = start + _bare_length(text, start, name.rstrip("-_."))
        if end > start and not (_is_sign(text[start - 1 : start]) or _is_sign(text[end : end + 1])):
            yield _link(text, start, start, end)


def _bare_length(text: str, start: int, name: str) -> int:
    """Return how many characters from `start` on are a host, 0 if they are none."""
    if length := _domain_length(name):
        return length
    last = name.rpartition(".")[2]
    after = text[start + len(name) : start + len(name) + 2]
    hinted = name.lower().startswith("www.") or (after[:1] == "/" and after[1:].isalnum())
    return len(name) if hinted and "." in name and len(last) > 1 and last.isalpha() else 0


def _domain_length(name: str) -> int:
    """Return how long the domain name at the start of `name` is, 0 if no top-level domain ends it.

    A label that begins like a top-level domain and goes on otherwise (`comと`) ends it there.
    """
    first, *others = name.split(".")
    if others and _is_top_level(others[-1]):
        return len(name)
    length, known = len(first), 0
    for label in others:
        head = _part(_ASCII_HEAD, label, 0)
        if head != label and _is_top_level(head):
            return length + 1 + len(head)
        length += 1 + len(label)
        known = length if _is_top_level(label) else known
    return known


def _is_top_level(label: str) -> bool:
    name = unicodedata.normalize("NFKC", label).lower()
    return name in TOP_LEVEL or name.startswith("xn--")


def _is_sign(char: str) -> bool:
    return char in ("@", "\uff20")


def _link(text: str, start: int, host_start: int, host_end: int) -> Link:
    host = _ascii(text[host_start:host_end])
    path = host_end + len(_part(_PORT, text, host_end))
    pattern = _SHORT_PATH if host == "t.co" else _PATH
    end = path + _trimmed(_part(pattern, text, path))
    return Link(text[start:end], host, start, end)


def _part(pattern: re.Pattern[str], text: str, at: int) -> str:
    match = pattern.match(text, at)
    return match[0] if match else ""


def _trimmed(path: str) -> int:
    """Return the length of `path` less the punctuation of the sentence around it."""
    end = len(path)
    open_brackets = path.count("(") - path.count(")")
    while end and not (path[end - 1].isalnum() or path[end - 1] in _PATH_ENDINGS):
        if path[end - 1] == ")" and open_brackets >= 0:
            break
        open_brackets += {"(": -1, ")": 1}.get(path[end - 1], 0)
        end -= 1
    return end


def _ascii(written: str) -> str:
    """Return the host that a browser makes of `written` (after UTS #46, version 17.0, 2025-09)."""
    seen = "".join(char for char in unquote(written) if kind_of(char) is not Kind.HIDDEN)
    if len(seen) > MAX_HOST:
        return quote(seen.lower(), errors="replace")
    name = unicodedata.normalize("NFKC", seen).lower().translate(_DOTS)
    return ".".join(map(_ascii_label, unicodedata.normalize("NFC", name).split(".")))


def _ascii_label(label: str) -> str:
    if not label.isascii() and len(label) <= MAX_LABEL:
        label = "xn--" + label.encode("punycode").decode()
    return quote(label, safe="[]:%_-~", errors="replace")
