"""Digests of requests and texts: what is the same, the same after X had it, nearly the same.

A digest is hex SHA-256 over a version tag, a NUL and canonical JSON: digests of different meaning
never meet. Links are found by the rule that also shows them to a person, so this module imports
`links` and `characters`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from xdm_mcp.characters import Kind, kind_of
from xdm_mcp.links import links

_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_PLAIN = (str, int, type(None))
_LINK = "\0"
"""Stands for any link in a text that is matched; no text that can be sent contains it."""

_OF_PICTURE = re.compile(r"\s*https://t\.co/[A-Za-z0-9]+\s*\Z")
_AMPERSAND = re.compile(r"&(?:amp;)++")
_ESCAPED = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'"}
_HANDLE = re.compile(r"[@\uff20][A-Za-z0-9_]++")
_SPELLING = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"})
_DRAWN = frozenset({Kind.PLAIN, Kind.MARK, Kind.SPELLING_MARK})


def canonical(value: object) -> bytes:
    """Return `value` as the only JSON text that stands for it: UTF-8, sorted keys, no blanks.

    A value is None, a bool, an int, a str, or a list or a dict with str keys of such. Raises
    TypeError for anything else, floats above all, and ValueError for text with surrogates, which
    has no UTF-8.
    """
    _check(value)
    try:
        return _JSON.encode(value).encode()
    except UnicodeEncodeError:
        raise ValueError("the text contains half a surrogate pair: remove it") from None


def digest(tag: str, value: object) -> str:
    """Return the digest of `value` under the version tag `tag`, for example `approval/1`.

    Raises what `canonical` raises, and ValueError for a tag with a NUL.
    """
    if "\0" in tag:
        raise ValueError("a version tag has no NUL")
    return hashlib.sha256(tag.encode() + b"\0" + canonical(value)).hexdigest()


def content_digest(text: str, attachment_sha256: str | None) -> str:
    """Return the digest of what would be written: exactly `text`, and the attachment's bytes."""
    return digest("content/1", [text, attachment_sha256])


def match_digest(text: str) -> str:
    """Return a digest that `text` still has when it is read back from X.

    X composes characters and writes a short link of its own for every link (docs.x.com, "Counting
    characters", 2026-08), and escapes `&`, `<` and `>`. Blanks at the ends do not count. Half a
    surrogate pair counts as a question mark.
    """
    plain = unicodedata.normalize("NFC", unescaped(text)).strip()
    sent = _LINK.join(_between_links(plain)).encode("utf-8", "replace").decode()
    return digest("match/1", sent)


def without_picture(text: str) -> str:
    """Return a text that was read back, without the short link that X puts at its end for a
    picture."""
    return _OF_PICTURE.sub("", text)


def similar_digest(text: str) -> str:
    """Return a digest that near copies of `text` share.

    Only letters and their marks count, whatever their case and style: not links, handles, digits,
    punctuation, blanks, emoji and hidden characters. Where nothing is left it is the content
    digest.
    """
    words = " ".join(_between_links(text))
    folded = _folded(_folded(_HANDLE.sub(" ", words)).casefold())
    letters = "".join(filter(_spells, folded))
    spoken = any(map(str.isalpha, letters))
    return digest("similar/1", letters) if spoken else content_digest(text, None)


def _check(value: object) -> None:
    if isinstance(value, _PLAIN):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("keys are strings")
            if not isinstance(item, _PLAIN):
                _check(item)
    elif isinstance(value, list):
        for item in value:
            if not isinstance(item, _PLAIN):
                _check(item)
    else:
        raise TypeError(
            f"a {type(value).__name__} has no canonical form: use str, int, list or dict"
        )


def unescaped(text: str) -> str:
    """Return `text` without X's escapes, however often they were made, in one pass for each.

    Not `html.unescape`: that reads `&copy=1` of a link as a copyright sign.
    """
    text = _AMPERSAND.sub("&", text)
    for escaped, char in _ESCAPED.items():
        text = text.replace(escaped, char)
    return text


def _between_links(text: str) -> Iterator[str]:
    start = 0
    for link in links(text):
        yield text[start : link.start]
        start = link.end
    yield text[start:]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=4096)
def _spells(char: str) -> bool:
    return unicodedata.category(char) in _SPELLING and kind_of(char) in _DRAWN
