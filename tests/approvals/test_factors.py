"""A proof is made by a check, and by nothing else."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import xdm_mcp
from xdm_mcp.approvals.factors import CHANGE_PIN, Proof, attest, client_form, deed
from xdm_mcp.models.sends import Assurance

PACKAGE = Path(xdm_mcp.__file__).parent

CHECKS = {"approvals/factors.py", "approvals/pin.py", "approvals/passkeys.py"}
"""The only modules that may say that somebody proved something."""


def names_in(path: Path) -> set[str]:
    """Return every name and attribute that a module mentions."""
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return names | attributes | imported


def test_a_proof_made_by_hand_is_none() -> None:
    """Whoever lacks the seal gets a TypeError, also where a proof is at hand."""
    with pytest.raises(TypeError):
        Proof(Assurance.PASSKEY, "nobody", "digest")
    with pytest.raises(TypeError):
        Proof(Assurance.PASSKEY, "nobody", "digest", object())
    with pytest.raises(TypeError):
        replace(attest(Assurance.CLIENT, "client", "digest"), seal=None)


def test_only_the_checks_make_proofs() -> None:
    """No other module of the package names what makes one, or its seal."""
    makers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if names_in(path) & {"attest", "_SEAL"}
    }
    assert makers == CHECKS


def test_only_the_desk_tells_the_outbox_of_an_approval() -> None:
    """Every way to approve passes the desk, which asks for a proof about what was shown."""
    callers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "outbox.approve" in attributes_in(path)
    }
    assert callers == {"approvals/desk.py"}


def test_only_the_terminal_lets_the_pin_remove_a_passkey() -> None:
    """The page, which everybody on this machine can reach, has no way to it."""
    askers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if names_in(path) & {"REMOVE_LOST_PASSKEY", "remove_lost"}
    }
    assert askers == {"approvals/factors.py", "approvals/passkeys.py", "cli/factors.py"}


def attributes_in(path: Path) -> set[str]:
    """Return the last two names of every dotted call of a module, underscores of the owner cut."""
    calls = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    return {
        ".".join(ast.unparse(call).split(".")[-2:]).lstrip("_")
        for call in calls
        if isinstance(call, ast.Attribute)
    }


@pytest.mark.parametrize("module", ["tools", "resources", "prompts", "arguments", "completion"])
def test_what_an_agent_calls_knows_nothing_of_the_desk(module: str) -> None:
    """No tool, resource, prompt or argument reaches where a person decides."""
    path = PACKAGE / "server" / f"{module}.py"
    assert "xdm_mcp.approvals" not in path.read_text()
    assert not names_in(path) & {"desk", "Desk", "Proof", "Pin", "Passkeys", "client_form"}


def test_a_client_s_dialog_is_worth_client_and_no_more() -> None:
    """Whatever it is called."""
    proof = client_form("passkey", "digest")
    assert (proof.assurance, proof.about) == (Assurance.CLIENT, "digest")


def test_deeds_have_digests_of_their_own() -> None:
    """Two deeds are never one, however their words are cut, and none is a send's digest."""
    assert deed("rule", "ab", "c") != deed("rule", "a", "bc")
    assert deed("rule", "a") != deed("rule a")
    assert len(CHANGE_PIN) == 64
