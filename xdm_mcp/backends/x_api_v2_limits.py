"""What the X API v2 can do, costs and allows, as data; and what its headers say of its windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from xdm_mcp.backends.base import Capabilities
from xdm_mcp.backends.prices import PRICES
from xdm_mcp.models.quota import Limit, ServerWindow

ACCOUNT = "{account}"
"""The place in a scope where the account's id belongs; whoever knows the id fills it in."""

QUARTER = timedelta(minutes=15)
DAY = timedelta(hours=24)
LIMITS_TABLE = "docs.x.com limits table, 2026-08"


def _read(endpoint: str, limit: int) -> Limit:
    return Limit(f"{ACCOUNT}/reads/{endpoint}", limit, QUARTER, source=LIMITS_TABLE)


CAPABILITIES = Capabilities(
    coverage="legacy_unencrypted_only",
    max_page=100,
    prices=PRICES["x-api-v2"].prices,
    new_groups=True,
    deletion=True,
    blocking=True,
    followers=True,
    balance=True,
    can_dm="relative",
    conversations=True,
    attachments=True,
    reply_credit=False,
    read_back=True,
    limits=(
        Limit(f"{ACCOUNT}/requests", 15, QUARTER, source=LIMITS_TABLE),
        Limit(f"{ACCOUNT}/messages", 1_440, DAY, source=LIMITS_TABLE),
        Limit("app/messages", 1_440, DAY, source=LIMITS_TABLE),
    ),
    reads={
        "dm_events": _read("dm_events", 15),
        "with_user": _read("with_user", 15),
        "conversation": _read("conversation", 15),
        "message": _read("message", 15),
        "users": _read("users", 300),
        "me": _read("me", 75),
        "followers": _read("followers", 300),
    },
)
"""Limits of posts and of the four reads of messages are per user; look-ups of users are counted by
the smaller limit of an app."""

SEND_HEADERS = (
    ("x-rate-limit", f"{ACCOUNT}/requests", timedelta(hours=1)),
    ("x-user-limit-24hour", f"{ACCOUNT}/messages", timedelta(hours=25)),
    ("x-app-limit-24hour", "app/messages", timedelta(hours=25)),
)
"""Prefix of three headers, the scope that they speak of, and how far off their reset may be. The
day's headers are undocumented, and seen on creating posts (integrators' code, 2025)."""


def send_windows(
    headers: Mapping[str, str], now: datetime, account: str = ACCOUNT
) -> tuple[ServerWindow, ...]:
    """Return what the headers of a send's answer say; absent or nonsensical ones say nothing."""
    found = (
        window_in(headers, prefix, scope.replace(ACCOUNT, account), now, within)
        for prefix, scope, within in SEND_HEADERS
    )
    return tuple(window for window in found if window is not None)


def read_windows(headers: Mapping[str, str], scope: str, now: datetime) -> tuple[ServerWindow, ...]:
    """Return what the headers of a read's answer say of its endpoint, whose limit has `scope`.

    Where there are windows of a day beside the usual one, the one that has least left speaks.
    """
    found = [
        window
        for prefix, _, within in SEND_HEADERS
        if (window := window_in(headers, prefix, scope, now, within)) is not None
    ]
    return (min(found, key=lambda window: window.remaining),) if found else ()


def retry_at(
    headers: Mapping[str, str], windows: tuple[ServerWindow, ...], now: datetime
) -> datetime:
    """Return when a refused call may be tried again.

    The latest of the resets of exhausted windows and of Retry-After; in 15 minutes where neither is
    told, since a refusal counts even if the headers say that something remains, or not to wait.
    """
    times = [window.resets_at for window in windows if window.remaining == 0]
    asked = number_in(headers, "retry-after")
    if asked and asked <= DAY.total_seconds():
        times.append(now + timedelta(seconds=asked))
    return max(times, default=now + QUARTER)


def window_in(
    headers: Mapping[str, str], prefix: str, scope: str, now: datetime, within: timedelta
) -> ServerWindow | None:
    """Return the window that three headers with a prefix tell of, None where they make no sense:
    it must end `within` a time from now."""
    remaining, reset = (
        number_in(headers, f"{prefix}-remaining"),
        number_in(headers, f"{prefix}-reset"),
    )
    if remaining is None or reset is None:
        return None
    limit = number_in(headers, f"{prefix}-limit")
    resets_at = datetime.fromtimestamp(reset, UTC)
    sensible = now < resets_at <= now + within and (limit is None or remaining <= limit)
    return ServerWindow(scope, limit or remaining, remaining, resets_at) if sensible else None


def number_in(headers: Mapping[str, str], name: str) -> int | None:
    """Return the whole number of ten digits at most that a header holds, None for anything else."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
