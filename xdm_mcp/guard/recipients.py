"""Who may be written to at all: the owner's lists, never oneself, nobody who asked us to stop."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from xdm_mcp.guard.base import Rule
from xdm_mcp.guard.naming import Names, few, names_of
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding


class Recipients(Rule):
    """Refuses our own account, whoever is denied or opted out, and whoever an allow list lacks."""

    name: ClassVar[str] = "recipients"

    denied: Names = Field(
        default=(),
        alias="deny",
        description="Whoever is listed is never written to. Wins over `allow`.",
    )
    allowed: Names = Field(
        default=(),
        alias="allow",
        description="If not empty, every recipient must be listed. Empty means everybody.",
    )
    opt_out_phrases: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        description="Whole messages of theirs that mean `stop`, beside the usual ones of 30"
        " languages.",
    )

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Deny what the lists, an opt-out or common sense forbid; time heals none of it."""
        says = (
            self._own(draft)
            or self._listed(draft)
            or self._opted_out(facts)
            or self._unlisted(draft)
        )
        return self.deny(says) if says else None

    def describe(self) -> str:
        """See Rule.describe."""
        who = f"the {len(self.allowed)} on the allow list" if self.allowed else "everybody"
        listed = f", the {len(self.denied)} on the deny list" if self.denied else ""
        return (
            f"You may write to {who}, except yourself{listed} and whoever asked to be left alone."
        )

    def _own(self, draft: Draft) -> str | None:
        own = draft.account_id in draft.target.user_ids
        return "A message to your own account is refused; leave it out." if own else None

    def _listed(self, draft: Draft) -> str | None:
        hit = names_of(draft) & set(self.denied)
        if hit:
            return f"The owner's deny list `guard.recipients.deny` names {few(sorted(hit))}."
        users = len(draft.target.user_ids)
        handle_unknown = users > 1 or (users == 1 and draft.handle is None)
        if handle_unknown and any(name.startswith("@") for name in self.denied):
            return (
                "A recipient is known by number only, and `guard.recipients.deny` holds handles;"
                " the owner lists user ids there instead."
            )
        return None

    def _opted_out(self, facts: Facts) -> str | None:
        gone = [peer.user_id or peer.peer for peer in facts.peers if peer.opted_out_at is not None]
        if not gone:
            return None
        return (
            f"User {few(sorted(gone))} asked not to be written to;"
            f" only the owner clears it, with `xdm-mcp clear opt-out {sorted(gone)[0]}`."
        )

    def _unlisted(self, draft: Draft) -> str | None:
        listed = names_of(draft) & set(self.allowed)
        if not self.allowed or (listed and not draft.target.is_new_group):
            return None
        missing = set(draft.target.user_ids or names_of(draft)) - listed
        if not missing:
            return None
        return (
            f"The owner's allow list `guard.recipients.allow` does not name {few(sorted(missing))}."
        )
