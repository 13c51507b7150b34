"""What X finds in a text: links, hashtags, cashtags, mentions and posts."""

from __future__ import annotations

import re
from typing import Any

_LINK = re.compile(r"https?://[^\s]+")
_POST = re.compile(r"https?://(?:www\.)?(?:x|twitter)\.com/\w{1,15}/status/([0-9]{1,19})")
_MARKED = {
    "hashtags": ("tag", re.compile(r"(?<!\w)#(\w+)")),
    "cashtags": ("tag", re.compile(r"(?<!\w)\$([A-Za-z]{1,6})\b")),
    "mentions": ("username", re.compile(r"(?<!\w)@([A-Za-z0-9_]{1,15})\b")),
}


def entities(text: str) -> dict[str, list[dict[str, Any]]]:
    """Return the entities of `text` by kind; places count code points, kinds without any lack."""
    found: dict[str, list[dict[str, Any]]] = {
        kind: [
            {"start": each.start(), "end": each.end(), key: each[1]}
            for each in pattern.finditer(text)
        ]
        for kind, (key, pattern) in _MARKED.items()
    }
    found["urls"] = [
        {
            "start": link.start(),
            "end": link.end(),
            "url": link[0],
            "expanded_url": link[0],
            "display_url": link[0].partition("://")[2],
        }
        for link in _LINK.finditer(text)
    ]
    return {kind: each for kind, each in found.items() if each}


def post_ids(text: str) -> list[str]:
    """Return the ids of the posts that `text` links to."""
    return _POST.findall(text)
