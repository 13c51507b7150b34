"""Uploads: announced, filled in segments, finished, and attached to a message once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=24)
"""How long after the upload a file can be attached (X media upload v2, docs.x.com, 2026-08)."""


@dataclass(slots=True)
class Upload:
    """One file on its way into a message. `segments` are digests and sizes by their number."""

    id: str
    owner_id: str
    media_type: str
    category: str
    total_bytes: int
    shared: bool
    begun_at: datetime
    segments: dict[int, tuple[str, int]] = field(default_factory=dict)
    sha256: str | None = None
    ready_at: datetime | None = None
    used: bool = False

    @property
    def key(self) -> str:
        """X's media key: the kind of file (3 for images), then the id."""
        kind = {"dm_video": "7", "dm_gif": "16"}.get(self.category, "3")
        return f"{kind}_{self.id}"

    def is_ready(self, now: datetime) -> bool:
        """Whether it is finished and processed."""
        return self.ready_at is not None and now >= self.ready_at

    def expired(self, now: datetime) -> bool:
        """Whether it is too old to be attached."""
        return now >= self.begun_at + LIFETIME

    def attachable(self, account_id: str, now: datetime) -> bool:
        """Whether `account_id` may attach it now."""
        free = self.shared or not self.used
        return self.owner_id == account_id and free and self.is_ready(now) and not self.expired(now)
