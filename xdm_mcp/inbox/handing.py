"""What becomes known of a message because an agent is given it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from xdm_mcp.clock import Clock
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.messages import Message
from xdm_mcp.people import People


class Handing:
    """Tells the ledger of messages before an agent gets them: what follows may be their doing, and
    may carry them elsewhere. Where the ledger cannot be told, nothing is handed out."""

    def __init__(self, ledger: Ledger, people: People, clock: Clock, marked_for: timedelta) -> None:
        """Tell `ledger`, which knows what was shown before and keeps marks of it for `marked_for`;
        here nothing is remembered of it, since the owner may have it forgotten at any time."""
        self._ledger = ledger
        self._people = people
        self._clock = clock
        self._marked_for = marked_for

    async def hand(self, messages: Iterable[Message], begun: Collection[str]) -> None:
        """Note messages that are about to be shown, of those with an id in `begun` a part only;
        their texts are whole all the same."""
        account = await self._people.account()
        now = self._clock.now()
        await self._ledger.note_shown(
            account.id, list(messages), now, begun, marked_for=self._marked_for
        )
