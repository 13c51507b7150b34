"""The windows of X API v1.1, and the replies that do not count against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import ceil

from xdm_mcp.sandbox.events import Attempted
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.windows import APP, Limit, Window
from xdm_mcp.sandbox.x_api_v1.errors import Problem

_REFERENCE = "X API v1.1 reference, undated, last seen 2026"
_QUARTER = timedelta(minutes=15)
_DAY = timedelta(hours=24)

CREDITS = 5
CREDIT_FOR = timedelta(hours=24)
"""How many replies one message of theirs frees, and for how long (reference of
direct_messages/events/new, and a staff answer in X's forum)."""

FACADE = "x-api-v1"
"""The name that deliveries carry."""


def _quarter(limit: int) -> tuple[Limit, ...]:
    return (Limit(limit, _QUARTER, _REFERENCE),)


LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "v1_send": (Limit(1_000, _DAY, _REFERENCE), Limit(15_000, _DAY, _REFERENCE, by="app")),
    "v1_show": _quarter(15),
    "v1_list": _quarter(15),
    "v1_destroy": _quarter(15),
    "v1_typing": _quarter(1_000),
    "v1_mark_read": _quarter(1_000),
    "v1_friendship": _quarter(180),
    "v1_users": _quarter(900),
    "v1_me": _quarter(75),
}
"""Each endpoint's windows; that of destroy is not listed by X, and chosen like the reads."""


def credited(hold: Hold, account_id: str, recipient_id: str) -> bool:
    """Whether a message to that person is a free reply: each message of theirs sets five of them
    for 24 hours, and none that is older takes any away."""
    threads = hold.world.threads
    ours = 0
    for message in threads.older(None, threads.with_person(account_id, recipient_id).id):
        if message.sender_id == recipient_id:
            return ours < CREDITS and hold.now - message.created_at < CREDIT_FOR
        ours += message.via == FACADE
    return False


def count(name: str, account_id: str, hold: Hold, *, writes: bool) -> dict[str, str]:
    """Count one call in its windows and return the headers. Raises Problem where they are full;
    `headers_of` then tells how they stand."""
    state = _state(name, account_id, hold)
    if any(window.remaining == 0 for window in state):
        raise Problem("v1_rate_limit")
    pairs = [(APP if w.limit.by == "app" else account_id, w.limit.seconds) for w in state]
    if writes:
        scopes, periods = zip(*pairs, strict=True)
        hold.record(Attempted(scopes, name, periods))
    else:
        for scope, seconds in pairs:
            hold.world.reads.windows.count(scope, name, seconds, hold.now)
    return headers_of(name, account_id, hold)


def headers_of(name: str, account_id: str, hold: Hold) -> dict[str, str]:
    """Return what the answer says of the account's window."""
    return dict(_written(_state(name, account_id, hold)[0]))


def _state(name: str, account_id: str, hold: Hold) -> list[Window]:
    world = hold.world
    windows = world.attempts if name in WRITES else world.reads.windows
    return [
        windows.window(APP if limit.by == "app" else account_id, name, limit, hold.now)
        for limit in LIMITS[name]
    ]


WRITES = frozenset({"v1_send", "v1_destroy", "v1_typing", "v1_mark_read"})
"""The names whose calls change something, and so are counted in the journal."""


def _written(window: Window) -> Iterator[tuple[str, str]]:
    yield "x-rate-limit-limit", str(window.limit.limit)
    yield "x-rate-limit-remaining", str(window.remaining)
    yield "x-rate-limit-reset", str(ceil(window.resets_at.timestamp()))
