"""Reading messages from the X API v2: where they are listed, in which words, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from xdm_mcp.backends.base import Capabilities
from xdm_mcp.backends.http import Answer
from xdm_mcp.backends.x_api_v2_limits import CAPABILITIES
from xdm_mcp.backends.x_api_v2_parse import Listing
from xdm_mcp.backends.x_api_v2_people import require
from xdm_mcp.backends.x_api_v2_problems import problems_in
from xdm_mcp.backends.x_line import Line
from xdm_mcp.errors import AskAgain, BadInput
from xdm_mcp.models.messages import CONVERSATION_ID
from xdm_mcp.models.people import USER_ID

OLD_FIELDS = {
    "dm_event.fields": "id,event_type,text,created_at,dm_conversation_id,sender_id,attachments"
}
NEW_FIELDS = {
    "dm_event.fields": ("attachments,created_at,dm_conversation_id,entities,event_type,id,text"),
    "expansions": "sender_id",
}
"""What to ask of events: as until OpenAPI 2.166, which is cheaper, or as since 2.167."""

WITH_SENDERS = replace(
    CAPABILITIES, prices=replace(CAPABILITIES.prices, read_sender=CAPABILITIES.prices.read_user)
)
"""What the newer words may cost: whether X bills who comes with a message is not known."""

NEAR = timedelta(seconds=5)
"""How near to midnight it is not known on which day X bills: its clock is told in whole seconds."""


class Events:
    """Reads of events in the vocabulary that X last took; nothing else is remembered."""

    def __init__(self, line: Line) -> None:
        """Ask over `line`, in the older words first."""
        self._line = line
        self._fields: Mapping[str, str] = OLD_FIELDS

    @property
    def capabilities(self) -> Capabilities:
        """What the API can do, at the prices of the present words."""
        return CAPABILITIES if self._fields is OLD_FIELDS else WITH_SENDERS

    async def ask(self, endpoint: str, path: str, params: Mapping[str, str]) -> Answer:
        """Return a successful answer about events. Raises as reads do, AskAgain where X wants the
        newer words: the next request uses them, and counts like every other."""
        fields = self._fields
        answer = await self._line.ask(endpoint, path, {**params, **fields})
        if answer.status == 400 and fields is OLD_FIELDS and _blames_fields(answer):
            self._fields = NEW_FIELDS
            raise AskAgain("X now wants other words for the fields of messages: ask again.")
        if not answer.ok:
            self._line.refuse(answer)
        return answer


class Billed:
    """What X has billed on this UTC day: the same resource is not charged twice in one (docs.x.com
    pricing, 2026-08, a "soft guarantee"). Another process may have paid for it as well, so this
    may count too much, never too little."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._day: date | None = None
        self._seen: set[tuple[str, str]] = set()

    def cost(self, listing: Listing, asked: datetime, answered: datetime) -> int:
        """Return what a page costs, in micro-dollars, and remember it.

        `asked` and `answered` are by X's clock, as far as it is known. Events that cannot be used
        are billed all the same. Users that X added are counted too: whether it bills those is not
        known. Nor is it known on which day X bills a page that was asked for before midnight and
        came after it: it costs all, and nothing of it is remembered.
        """
        first, last = (asked - NEAR).date(), (answered + NEAR).date()
        seen = self._on(first) if first == last else set()
        messages = {("message", message.id) for message in listing.messages} - seen
        users = {("user", user.id) for user in listing.users} - seen
        seen |= messages | users
        odd = max(0, listing.billed - len(listing.messages))
        prices = CAPABILITIES.prices
        return (len(messages) + odd) * prices.read_message + len(users) * prices.read_user

    def _on(self, day: date) -> set[tuple[str, str]]:
        if self._day != day:
            self._day, self._seen = day, set()
        return self._seen


def listing_path(with_user: str | None, conversation_id: str | None) -> tuple[str, str]:
    """Return the endpoint's name and path of a list. Raises BadInput for ids that cannot be."""
    if with_user and conversation_id:
        raise BadInput("Name a person or a conversation, not both.")
    if with_user:
        require(USER_ID, with_user, "user id")
        return "with_user", f"/2/dm_conversations/with/{with_user}/dm_events"
    if conversation_id:
        require(CONVERSATION_ID, conversation_id, "conversation id")
        return "conversation", f"/2/dm_conversations/{conversation_id}/dm_events"
    return "dm_events", "/2/dm_events"


def _blames_fields(answer: Answer) -> bool:
    return any(p.blames("dm_event.fields", "expansions") for p in problems_in(answer.content))
