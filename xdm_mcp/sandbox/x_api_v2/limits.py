"""The rate limits and prices of X API v2, as data with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from xdm_mcp.sandbox.windows import Limit

_TABLE = "docs.x.com rate limits table, 2026-08"
_UNLISTED = "not listed by X; chosen for the sandbox"

_QUARTER = timedelta(minutes=15)
_DAY = timedelta(hours=24)


def _read(limit: int, source: str = _TABLE) -> tuple[Limit, ...]:
    return (Limit(limit, _QUARTER, source),)


LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "send": (
        Limit(15, _QUARTER, _TABLE),
        Limit(1_440, _DAY, _TABLE),
        Limit(1_440, _DAY, _TABLE, by="app"),
    ),
    "delete": (
        Limit(300, _QUARTER, _TABLE),
        Limit(1_500, _DAY, _TABLE),
        Limit(4_000, _DAY, _TABLE, by="app"),
    ),
    "block": (
        Limit(10, _QUARTER, _TABLE),
        Limit(400, _DAY, _TABLE),
        Limit(1_000, _DAY, _TABLE, by="app"),
    ),
    "media_chunks": (Limit(1_875, _QUARTER, "docs.x.com media upload, 2026-08"),),
    "media_one_shot": (Limit(500, _QUARTER, "docs.x.com media upload, 2026-08"),),
    "dm_events": _read(15),
    "dm_events_with": _read(15),
    "dm_events_of": _read(15),
    "dm_event": _read(15),
    "dm_media": _read(300, _UNLISTED),
    "media_status": _read(1_875, _UNLISTED),
    "me": _read(75),
    "user_by_id": _read(900),
    "user_by_username": _read(900),
    "users_by_id": _read(900),
    "users_by_username": _read(900),
    "followers": _read(300),
    "following": _read(300),
    "credits": _read(50, _UNLISTED),
}
"""Each endpoint's windows; the three endpoints that send share one set (the strictest reading)."""

PRICES: Mapping[str, int] = {
    "dm_event_read": 10_000,
    "dm_create": 15_000,
    "dm_delete": 10_000,
    "user_read": 10_000,
    "own_follower_read": 1_000,
    "media_create": 5_000,
}
"""Micro-dollars for each item (docs.x.com pricing, 2026-08; deletion and media by analogy)."""
