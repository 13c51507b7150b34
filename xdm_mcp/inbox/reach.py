"""How much of the newest-first list of messages is known: stretches, and the gaps between them.

A look that finds more news than it may read leaves a gap, which the next one closes. Values only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdm_mcp.models.messages import MessagePage

UNKNOWN = 1 << 64
"""Stands for the oldest id of a stretch without messages: greater than any id."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken piece of the list by the ids at its ends; `older` is the cursor behind it, None
    at the end of the list."""

    newest: int = 0
    oldest: int = UNKNOWN
    older: str | None = None

    def further(self, page: MessagePage) -> Stretch:
        """Return it with the page that lies behind it; an empty page moves the cursor alone."""
        ids = [int(message.id) for message in page.messages]
        return Stretch(
            newest=max([self.newest, *ids]),
            oldest=min([self.oldest, *ids]),
            older=page.next_cursor,
        )

    def joined(self, other: Stretch) -> Stretch:
        """Return it with an older one that it has reached."""
        oldest = min(self.oldest, other.oldest)
        return replace(other, newest=max(self.newest, other.newest), oldest=oldest)


@dataclass(frozen=True, slots=True)
class Reach:
    """The stretches that are known, the newest first."""

    stretches: tuple[Stretch, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether the list was ever read."""
        return bool(self.stretches)

    @property
    def gap(self) -> bool:
        """Whether something between what is known was not read."""
        return len(self.stretches) > 1

    @property
    def older(self) -> str | None:
        """Where the first part that is not known begins, None where there is none."""
        return self.stretches[0].older if self.stretches else None

    @property
    def newest(self) -> int:
        """The newest id of the list as it was last read; more than any where it never was."""
        return self.stretches[0].newest if self.stretches else UNKNOWN

    @property
    def oldest(self) -> int:
        """The id down to which nothing is missing; more than any id where nothing is known."""
        return self.stretches[0].oldest if self.stretches else UNKNOWN

    def from_the_top(self, page: MessagePage) -> Reach:
        """Return what is known with the first page of the list."""
        return Reach(_joined((Stretch().further(page), *self.stretches)))

    def further(self, page: MessagePage) -> Reach:
        """Return what is known with the page at `older`."""
        first, *rest = self.stretches
        return Reach(_joined((first.further(page), *rest)))


def _joined(stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """Join the first stretch with those that it has reached; the end of the list reaches all."""
    first, *rest = stretches
    while rest and (first.older is None or first.oldest <= rest[0].newest):
        ended = first.older is None
        first = first.joined(rest.pop(0))
        first = replace(first, older=None) if ended else first
    return (first, *rest)
