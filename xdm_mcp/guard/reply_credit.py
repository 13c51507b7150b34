"""Replies: what somebody's own message makes welcome, and what it makes free of charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding, PeerFacts


@dataclass(frozen=True, slots=True)
class Window:
    """How many replies are still solicited, and before when."""

    left: int
    until: datetime


class ReplyCredit(Rule):
    """Remarks on a solicited reply. It never refuses and never permits: `confirmation` may ask it.

    The figures are X's own for its older API: each message of theirs opens 24 hours and 5 replies
    (reference of `direct_messages/events/new`, X API v1.1). Where a backend grants that credit,
    such replies charge no exempt window; everywhere else they are only a sign that a reply is
    welcome, and can be lowered, not raised.
    """

    name: ClassVar[str] = "reply_credit"

    hours: int = Field(
        default=24, ge=1, le=24, description="How long a message of theirs makes replies solicited."
    )
    replies: int = Field(
        default=5, ge=1, le=5, description="How many replies one message of theirs makes solicited."
    )

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Remark that a reply is solicited or free of charge; say nothing of other sends."""
        if facts.new_group or len(facts.peers) != 1:
            return None
        peer = facts.peers[0]
        remarks = []
        if self.solicits(peer, now):
            left = self.replies - peer.own_since_inbound
            remarks.append(f"it answers their message, with {left} of {self.replies} replies left")
        if peer.credits_left > 0:
            remarks.append("it does not charge the day's window")
        return self.allow(f"This is a reply: {'; '.join(remarks)}.") if remarks else None

    def solicits(self, peer: PeerFacts, now: datetime) -> bool:
        """Whether one more message to `peer` is solicited as the owner sets it; never if off.

        They wrote within `hours` and got fewer than `replies` messages from us since: a sign that a
        reply is welcome, never consent for anybody else.
        """
        heard = peer.last_inbound_at
        recent = heard is not None and now - heard < timedelta(hours=self.hours)
        return self.enabled and recent and peer.own_since_inbound < self.replies

    def window(self, peer: PeerFacts, now: datetime) -> Window | None:
        """Return what is left of the replies that `peer` makes solicited, None for nothing."""
        if peer.last_inbound_at is None or not self.solicits(peer, now):
            return None
        until = peer.last_inbound_at + timedelta(hours=self.hours)
        return Window(self.replies - peer.own_since_inbound, until)

    def describe(self) -> str:
        """See Rule.describe."""
        return (
            f"A message of theirs makes {self.replies} replies within {self.hours} hours solicited;"
            " where the backend grants reply credit they do not charge the day's window."
        )
