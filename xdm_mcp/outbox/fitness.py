"""What is looked at before a send is written down as leaving, so that nothing needs to be asked
between that line and the wire."""

from __future__ import annotations

from dataclasses import dataclass

from xdm_mcp.backends.base import Backend, Picture
from xdm_mcp.errors import Refused, Unavailable, XdmError
from xdm_mcp.models.sends import Draft, Entry, Outcome, SendState, approval_digest
from xdm_mcp.models.verdicts import Decision
from xdm_mcp.outbox.drafts import Drafts, draft_of

ALTERED = "The held message was altered after it was shown."
"""Why an approved row whose digest no longer fits does not leave."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found out about a draft before the ledger is asked: the picture that goes with it,
    why it could not leave (`unfit`), or why nothing may (`refusal`)."""

    draft: Draft
    refusal: Decision | None = None
    unfit: Outcome | None = None
    picture: Picture | None = None

    @property
    def leaves(self) -> bool:
        """Whether it can leave as soon as it is written down."""
        return self.refusal is None and self.unfit is None


async def fitness(
    draft: Draft, drafts: Drafts, backend: Backend, entry: Entry | None = None
) -> Fit:
    """Find out whether a draft, or the entry made from it, can leave: its row unaltered, its
    picture the same, the credentials good for one more send."""
    if entry is not None and altered(entry):
        return Fit(draft, unfit=withdrawn(ALTERED))
    try:
        picture = drafts.picture_of(entry or draft)
        await backend.ready()
    except XdmError as error:
        code = error.code if isinstance(error, (Refused, Unavailable)) else "withdrawn"
        return Fit(draft, unfit=withdrawn(str(error), code))
    return Fit(draft, picture=picture)


def withdrawn(says: str, code: str = "withdrawn") -> Outcome:
    """Return the outcome of a send that did not leave, for a reason of ours."""
    return Outcome(SendState.FAILED, code, says, not_sent=True)


def left() -> Outcome:
    """Return the outcome of a send whose caller, or the very process, ended while it waited for its
    turn. What a person approved and is still reserved stays approved, and another process sends
    it."""
    return withdrawn("The caller left before the message could.", "left")


def altered(entry: Entry) -> bool:
    """Whether an approved row no longer says what the person's digest names."""
    hold = entry.hold
    if hold is None:
        return False
    return (
        approval_digest(draft_of(entry), hold.nonce, hold.expires_at, hold.reasons) != hold.digest
    )
