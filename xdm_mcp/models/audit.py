"""The audit chain as others see it: one record for each decision, each bound to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FIRST = "0" * 64
"""What the first record of a chain names as the hash before it."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One decision, as it was written down in the transaction that made it.

    `seq` counts from 1 without gaps. `entry_id` is the send it concerns, None for a refused draft
    or an act on the whole account. `what` is canonical JSON of digests, numeric ids and short words
    of ours; it holds no text of a message and no handle. `before` is the hash of the record before,
    `hash` the SHA-256 (hex) over this record with `before`.
    """

    seq: int
    at: datetime
    account_id: str
    entry_id: int | None
    event: str
    what: str
    before: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the chain holds together.

    `broken_at` is the number of the first record that is missing, altered or out of its place, None
    where all fit. `count` is how many records fit, `head` the hash of the last of them: noted
    elsewhere, it also shows whether records were cut off at the end.
    """

    broken_at: int | None
    count: int
    head: str
