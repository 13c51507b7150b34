"""What becomes known of a message because an agent is given it."""

from __future__ import annotations

from collections.abc import Iterable

from xdm_mcp.clock import Clock
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.messages import Message
from xdm_mcp.people import People


class Handing:
    """Tells the ledger of other people's messages before an agent gets them: what follows may be
    their doing. Where the ledger cannot be told, nothing is handed out."""

    def __init__(self, ledger: Ledger, people: People, clock: Clock) -> None:
        """Tell `ledger`, each message once in the life of the process."""
        self._ledger = ledger
        self._people = people
        self._clock = clock
        self._told: dict[str, int] = {}

    async def hand(self, messages: Iterable[Message]) -> None:
        """Note messages that are about to be shown, if any of them is new."""
        account = await self._people.account()
        news = [
            message
            for message in messages
            if message.sender_id != account.id
            and int(message.id) > self._told.get(message.conversation_id, -1)
        ]
        if not news:
            return
        await self._ledger.note_shown(account.id, news, self._clock.now())
        for message in news:
            known = self._told.get(message.conversation_id, -1)
            self._told[message.conversation_id] = max(known, int(message.id))
