"""Rate windows as X keeps them: fixed, from the first counted attempt to the end of the period."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

APP = "app"
"""The scope of a window that all accounts of the one app share."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `limit` attempts in each window of `per`, by an account or by the app.

    `source` is the document and date that the figure is from.
    """

    limit: int
    per: timedelta
    source: str
    by: Literal["account", "app"] = "account"

    @property
    def seconds(self) -> int:
        """The length of the window in seconds."""
        return int(self.per.total_seconds())


@dataclass(frozen=True, slots=True)
class Window:
    """How a limit stands at one moment."""

    limit: Limit
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        """How many more attempts fit."""
        return max(0, self.limit.limit - self.used)


@dataclass(slots=True)
class Windows:
    """Attempts counted so far, by scope (an account's id or `APP`), name and period in seconds."""

    _started: dict[tuple[str, str, int], tuple[datetime, int]] = field(default_factory=dict)

    def count(self, scope: str, name: str, seconds: int, now: datetime) -> None:
        """Count one attempt; after its window's end a new one begins."""
        key = (scope, name, seconds)
        started_at, used = self._present(key, now)
        self._started[key] = (started_at, used + 1)

    def window(self, scope: str, name: str, limit: Limit, now: datetime) -> Window:
        """Return how `limit` stands for a scope and name."""
        started_at, used = self._present((scope, name, limit.seconds), now)
        return Window(limit, used, started_at + limit.per)

    def _present(self, key: tuple[str, str, int], now: datetime) -> tuple[datetime, int]:
        started_at, used = self._started.get(key, (now, 0))
        if now >= started_at + timedelta(seconds=key[2]):
            return now, 0
        return started_at, used
