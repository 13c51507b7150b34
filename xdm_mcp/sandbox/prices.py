"""The running bill: what X would have charged, in whole micro-dollars."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(slots=True)
class Line:
    """How often an item was billed, and for how much in all, in micro-dollars."""

    count: int = 0
    micro: int = 0


@dataclass(slots=True)
class Bill:
    """What was billed, by item."""

    items: dict[str, Line] = field(default_factory=dict)

    def add(self, item: str, micro: int) -> None:
        """Bill `item` once."""
        line = self.items.setdefault(item, Line())
        line.count += 1
        line.micro += micro

    @property
    def total(self) -> int:
        """Everything billed so far, in micro-dollars."""
        return sum(line.micro for line in self.items.values())


@dataclass(slots=True)
class ReadBill(Bill):
    """A bill on which one resource counts once in a UTC day (docs.x.com pricing, 2026-08)."""

    _day: date | None = None
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def read(self, item: str, resource_id: str, micro: int, now: datetime) -> None:
        """Bill a resource unless it was read before on the same UTC day."""
        if self._day != now.date():
            self._day, self._seen = now.date(), set()
        if (item, resource_id) not in self._seen:
            self._seen.add((item, resource_id))
            self.add(item, micro)
