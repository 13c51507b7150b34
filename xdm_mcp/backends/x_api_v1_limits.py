"""What the X API v1.1 can do, costs and allows, as data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from xdm_mcp.backends.base import Capabilities
from xdm_mcp.backends.prices import PRICES
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, QUARTER, retry_at, window_in
from xdm_mcp.models.quota import Limit, ServerWindow

REFERENCE = "X API v1.1 reference of direct messages, undated, last seen 2026"
DAY = timedelta(hours=24)

RELATED = 5
"""Up to how many people of one look-up are asked about one by one: each is a request of its own,
and X allows 180 in 15 minutes (reference of friendships/show)."""

MAX_PAGE = 50
"""How many events a page holds at most (reference of direct_messages/events/list)."""


def _read(endpoint: str, limit: int) -> Limit:
    return Limit(f"{ACCOUNT}/reads/{endpoint}", limit, QUARTER, source=REFERENCE)


MESSAGES = Limit(f"{ACCOUNT}/messages", 1_000, DAY, reply_exempt=True, source=REFERENCE)
"""The day's messages. Each message of a person sets 5 replies to them within 24 hours that do not
count (reference of direct_messages/events/new, and a staff answer in X's forum)."""

CAPABILITIES = Capabilities(
    coverage="legacy_unencrypted_only",
    max_page=MAX_PAGE,
    prices=PRICES["x-api-v1"].prices,
    new_groups=False,
    conversations=False,
    threads=False,
    groups=False,
    attachments=True,
    reply_credit=True,
    read_back=True,
    deletion=True,
    can_dm="relative",
    related=RELATED,
    limits=(
        MESSAGES,
        Limit("app/messages", 15_000, DAY, reply_exempt=True, source=REFERENCE),
    ),
    reads={
        "dm_events": _read("dm_events", 15),
        # One person's messages are looked for in the same list.
        "with_user": _read("dm_events", 15),
        "message": _read("message", 15),
        "users": _read("users", 300),
        "relation": _read("relation", 180),
        "me": _read("me", 75),
    },
)
"""Limits of reads are per user in 15 minutes; of look-ups of users the smaller one of an app."""


def send_windows(
    headers: Mapping[str, str], now: datetime, account: str
) -> tuple[ServerWindow, ...]:
    """Return what the headers of a send's answer say of the day's messages."""
    scope = MESSAGES.scope.replace(ACCOUNT, account)
    window = window_in(headers, "x-rate-limit", scope, now, timedelta(hours=25))
    return (window,) if window is not None else ()


def pause_until(
    headers: Mapping[str, str], windows: tuple[ServerWindow, ...], now: datetime
) -> datetime:
    """Return when a refused send may be tried again, 15 minutes from now at the latest.

    Until then nothing leaves the account. A spent day lasts longer, but credited replies may go:
    the window that the headers told of keeps the others back.
    """
    return min(retry_at(headers, windows, now), now + QUARTER)
