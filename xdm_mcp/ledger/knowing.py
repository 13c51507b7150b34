"""What is known of people, for a list of them at once and without a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger.recipients import recipient
from xdm_mcp.ledger.sql import Database, Sql
from xdm_mcp.models.verdicts import PeerFacts


class KnowingLedger(Protocol):
    """The part of the contract that tells what is known of people."""

    async def known_peers(
        self, account_id: str, user_ids: Sequence[str], now: datetime
    ) -> Mapping[str, PeerFacts]:
        """Return what the guard would know of each of these people, by id, of strangers too; one
        consistent state of all of them."""
        ...


class SqlKnowing:
    """See KnowingLedger."""

    _database: Database

    async def known_peers(
        self, account_id: str, user_ids: Sequence[str], now: datetime
    ) -> Mapping[str, PeerFacts]:
        """See KnowingLedger.known_peers."""
        at = to_ms(now)
        return await self._database.read(lambda sql: known_peers(sql, account_id, user_ids, at))


def known_peers(
    sql: Sql, account_id: str, user_ids: Sequence[str], now: int
) -> Mapping[str, PeerFacts]:
    """See KnowingLedger.known_peers."""
    return {
        user_id: recipient(sql, account_id, f"user:{user_id}").facts(now) for user_id in user_ids
    }
