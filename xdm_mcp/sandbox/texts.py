"""Texts as the pretend services take them."""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")


def is_whole(text: str) -> bool:
    """Whether a text has no half of a character (a lone surrogate), which no answer could carry."""
    return _HALF.search(text) is None
