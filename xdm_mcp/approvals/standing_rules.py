"""Standing rules at the desk: a person makes one with a proof about exactly what it says."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from xdm_mcp.approvals.factors import Proof, deed
from xdm_mcp.errors import NotProven
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.standing_rules import StandingRule, Terms

ANYONE = "whoever writes to you can then be answered without you; name a person where you can"
"""What the maker of the widest rule is told first."""


def about(account_id: str, terms: Terms) -> str:
    """Return what a proof is about that lets exactly this rule be made for this account."""
    said = (f"{field.name}={getattr(terms, field.name)}" for field in fields(terms))
    return deed("make a standing rule", account_id, *said)


async def make(
    ledger: Ledger, account_id: str, terms: Terms, proof: Proof, now: datetime
) -> StandingRule:
    """Make a standing rule that holds from now on, as surely as `proof` shows a person.

    Raises NotProven for a proof about anything else, BadInput for terms that cannot be, for a
    client's word, and where as many rules hold as may.
    """
    if proof.about != about(account_id, terms):
        raise NotProven("That proof is not about this standing rule; nothing was allowed.")
    return await ledger.add_standing_rule(account_id, terms, proof.assurance, proof.by, now)
