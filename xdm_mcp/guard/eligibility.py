"""Who cannot be reached anyway: refused before it costs anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from xdm_mcp.guard.base import Rule
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding, PeerFacts

BELIEVED_FOR = timedelta(hours=24)
"""How long a backend's word that somebody cannot be written to is believed."""


class Eligibility(Rule):
    """Refuses recipients who are known to be closed, blocked, suspended, or not open to us."""

    name: ClassVar[str] = "eligibility"

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny where a recipient cannot be reached, until time has healed every reason."""
        reasons = [reason for peer in facts.peers for reason in _reasons(peer, now)]
        if not reasons:
            return None
        ends = [at for _, at in reasons if at is not None]
        return self.deny(reasons[0][0], max(ends) if len(ends) == len(reasons) else None)

    def describe(self) -> str:
        """See Rule.describe."""
        return "Whoever is blocked, suspended or closed to you is refused before it costs anything."


def _reasons(peer: PeerFacts, now: datetime) -> list[tuple[str, datetime | None]]:
    """Return why this peer cannot be reached, each with the moment at which to try anew."""
    who = f"Recipient {peer.user_id or peer.peer}"
    reasons: list[tuple[str, datetime | None]] = []
    if peer.suspended:
        reasons.append((f"{who} is suspended on X.", None))
    if peer.blocked:
        reasons.append((f"{who} is blocked on X, by you or by them.", None))
    if peer.closed_until is not None and peer.closed_until > now:
        reasons.append(
            (f"{who} refused an earlier message; X would refuse this one too.", peer.closed_until)
        )
    heard = peer.last_inbound_at is not None
    told_until = peer.can_dm_at + BELIEVED_FOR if peer.can_dm_at is not None else None
    if peer.can_dm is False and not heard and told_until is not None and told_until > now:
        reasons.append((f"{who} does not accept messages from you.", told_until))
    return reasons
