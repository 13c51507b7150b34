"""How a send ends that no service answered: alike for all of them."""

from __future__ import annotations

from xdm_mcp.backends.http import NoAnswer
from xdm_mcp.models.sends import Outcome, SendState

FIND_OUT = "Do not send it again: reading the conversation will tell."


def lost(service: str, failure: NoAnswer) -> Outcome:
    """Return the outcome of a send without an answer: FAILED only if no byte can have left."""
    if failure.left:
        says = f"The answer of {service} was lost. {FIND_OUT}"
        return Outcome(SendState.UNKNOWN, "no_answer", says)
    return unsent("not_sent", str(failure))


def unsent(code: str, says: str) -> Outcome:
    """Return the outcome of a send that ended before its POST."""
    return Outcome(SendState.FAILED, code, says, not_sent=True)
