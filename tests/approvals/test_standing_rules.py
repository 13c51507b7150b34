"""A standing rule takes a proof about exactly what it says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import xdm_mcp
from xdm_mcp.approvals.factors import attest, client_form
from xdm_mcp.approvals.standing_rules import about, make
from xdm_mcp.errors import BadInput, NotProven
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.standing_rules import Terms

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ME, THEM = "1000", "2000"
TERMS = Terms(user_id=THEM, until=NOW + timedelta(days=7))

OTHERS: dict[str, Any] = {
    "user_id": "3000",
    "until": NOW + timedelta(days=8),
    "per_day": 6,
    "max_length": 501,
    "solicited": False,
    "links": True,
    "quiet_hours": True,
    "first_contact": True,
}
"""Another value for each thing that a rule says."""


async def test_a_rule_is_as_sure_as_the_proof_that_made_it() -> None:
    """And names where it was given."""
    ledger = open_ledger("sqlite:///:memory:")
    proof = attest(Assurance.PASSKEY, "passkey on the page", about(ME, TERMS))

    rule = await make(ledger, ME, TERMS, proof, NOW)

    assert (rule.assurance, rule.made_by) == (Assurance.PASSKEY, "passkey on the page")
    assert [use.rule for use in await ledger.standing_rules(ME, NOW)] == [rule]
    await ledger.close()


def test_every_word_of_a_rule_is_part_of_what_is_proven() -> None:
    """No field may be added to a rule without being bound."""
    assert set(OTHERS) == {field.name for field in fields(Terms)}
    digests = {about(ME, replace(TERMS, **{name: value})) for name, value in OTHERS.items()}

    assert len(digests | {about(ME, TERMS), about("999", TERMS)}) == len(OTHERS) + 2


@pytest.mark.parametrize("name", OTHERS)
async def test_a_proof_about_another_rule_makes_none(name: str) -> None:
    """Whatever of it was changed after the person saw it."""
    ledger = open_ledger("sqlite:///:memory:")
    proof = attest(Assurance.PERSON, "terminal", about(ME, TERMS))

    with pytest.raises(NotProven):
        await make(ledger, ME, replace(TERMS, **{name: OTHERS[name]}), proof, NOW)
    with pytest.raises(NotProven):
        await make(ledger, "999", TERMS, proof, NOW)

    assert await ledger.standing_rules(ME, NOW) == ()
    await ledger.close()


async def test_a_clients_word_makes_no_rule() -> None:
    """A client may answer in its user's place, and a rule would answer for good."""
    ledger = open_ledger("sqlite:///:memory:")

    with pytest.raises(BadInput, match="person"):
        await make(ledger, ME, TERMS, client_form("client", about(ME, TERMS)), NOW)

    assert await ledger.standing_rules(ME, NOW) == ()
    await ledger.close()


def test_nothing_that_an_agent_reaches_makes_a_rule() -> None:
    """Only people's own channels do: the desk, the command line and the page."""
    package = Path(xdm_mcp.__file__).parent
    sources = {
        path.relative_to(package).as_posix(): path.read_text() for path in package.rglob("*.py")
    }
    asks = {name for name, text in sources.items() if ".add_standing_rule(" in text}
    reaches = {name for name, text in sources.items() if "approvals.standing_rules" in text}

    ours = ("approvals/", "cli/", "server/page/")
    assert "approvals/standing_rules.py" in asks
    assert "cli/standing_rules.py" in reaches
    assert [name for name in asks | reaches if not name.startswith(ours)] == []
