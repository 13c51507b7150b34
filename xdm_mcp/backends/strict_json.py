"""JSON from a stranger, read strictly: one meaning or none. Of a page that many have written, half
a character of one of them spoils nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pydantic_core

MAX_DEPTH = 32
"""How deep objects and lists may nest. The deepest that we ask for has about eight levels."""

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F]..)|.)",
    re.DOTALL,
)
"""Every escape: a whole pair of surrogates, half of one, or any other."""


def parse_page(body: bytes) -> object:
    """Return what `parse` does, with U+FFFD in the place of each half of a surrogate pair: anybody
    can write one, and what the others wrote is read all the same. Raises what `parse` raises."""
    try:
        return parse(body)
    except ValueError:
        mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
        if mended == body:
            raise
        return parse(mended)


def parse(body: bytes) -> object:
    """Return the value of a JSON document in UTF-8.

    Raises ValueError, and nothing else, for what is not JSON (RFC 8259), for NaN and infinities,
    for nesting beyond `MAX_DEPTH`, and for an object with two keys that are equal or differ only in
    case: two readers could take such an object for two different things.
    """
    value: object = pydantic_core.from_json(body, allow_inf_nan=False)
    if not _shallow([value], MAX_DEPTH):
        raise ValueError("nested too deeply")
    # The first reader bounds depth and refuses what is malformed, so the second only looks at keys.
    json.loads(body, object_pairs_hook=_refuse_ambiguous, parse_float=_refuse_overflow)
    return value


def _shallow(values: Iterable[object], left: int) -> bool:
    for value in values:
        if isinstance(value, dict | list):
            children = value.values() if isinstance(value, dict) else value
            if left == 0 or not _shallow(children, left - 1):
                return False
    return True


def _refuse_ambiguous(pairs: list[tuple[str, object]]) -> None:
    if len({key.casefold() for key, _ in pairs}) != len(pairs):
        raise ValueError("the same key twice")


def _refuse_overflow(number: str) -> float:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond all bounds")
    return value
