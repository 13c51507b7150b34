"""What the processes of one account tell each other of its inbox: who looks, and what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that was news, without a word of it; `number` counts those of the account, from
    1 and without gaps. `inbound` where somebody else wrote it."""

    number: int
    message_id: str
    conversation_id: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class Polling:
    """How the inbox of an account is looked at, as every process of the account sees it.

    `mine` and `until` are the lease of whoever polls; `until` is None where nobody does.
    `wanted_until` is how long an agent waits for news somewhere. `arrivals` is the number of the
    newest arrival, `newest_id` the newest message that any look found, `news_at` when a look last
    found something. `trouble` is a sentence of ours, None after a look that succeeded.
    """

    mine: bool = False
    until: datetime | None = None
    wanted_until: datetime | None = None
    arrivals: int = 0
    newest_id: str | None = None
    news_at: datetime | None = None
    looked_at: datetime | None = None
    next_look_at: datetime | None = None
    trouble: str | None = None
