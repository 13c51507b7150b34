"""Who is at the other end: X users as the backends tell of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}\Z")
"""A handle without its @ (X user look-up by username, docs.x.com, 2026-08)."""

USER_ID = re.compile(r"[0-9]{1,19}\Z")
"""A numeric id as a decimal string (X API v2 OpenAPI 2.167, 2026-08)."""

CanDmBasis = Literal["relative", "absolute", "history", "negative_cache", "unknown"]
"""Where a can-DM answer comes from: X's word about us and them, X's word about them alone, what
happened before, a refusal that we remember, or nothing."""


@dataclass(frozen=True, slots=True)
class User:
    """One X user.

    `id` is a decimal string of 1 to 19 digits. `handle` and `name` are strangers' words: clean
    them before an agent sees them. `can_dm` is None where the backend does not say.
    """

    id: str
    handle: str | None = None
    name: str | None = None
    can_dm: bool | None = None
    can_dm_basis: CanDmBasis = "unknown"
    connection: frozenset[str] = frozenset()
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of users; `next_cursor` is opaque and None at the end, `cost` in micro-dollars."""

    users: tuple[User, ...]
    next_cursor: str | None = None
    cost: int = 0


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A remembered user and when the backend last told of them."""

    user: User
    checked_at: datetime


def full_name(handle: str | None, user_id: str) -> str:
    """Return how the owner is told of somebody: always with the number, since handles change
    hands. Whoever draws it has made the handle harmless."""
    return f"@{handle}, numeric id {user_id}" if handle else f"numeric id {user_id}"
