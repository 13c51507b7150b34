"""`xdm-mcp clear`: only a person lifts an opt-out."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Home

SILENT = "pavel_sandbox"


def test_a_cleared_opt_out_lets_a_person_be_asked_again(home: Home) -> None:
    """Somebody who said stop is refused until the owner clears it; then a person is asked as
    ever."""
    home.with_app(lambda app: app.inbox.page())
    assert home.ask("Hello.", SILENT).status == "denied"
    assert home.as_owner("clear", "opt-out", f"@{SILENT}")[0] == 0
    assert home.ask("Hello again.", SILENT).status == "held"


def test_clearing_what_is_not_there_says_so(home: Home) -> None:
    """Nobody opted out, so nothing is lifted, and the PIN is not asked for."""
    home.set_pin()
    says = "2200000011 had not opted out.\n"
    assert home.run_typing([], "clear", "opt-out", "2200000011") == (1, says, "")


def test_nobody_is_asked_for_the_pin_where_no_halt_is_in_force(home: Home) -> None:
    """The sentence comes before the question, for a halt of another name too."""
    home.set_pin()
    says = "No halt is in force; `xdm-mcp status` shows them.\n"
    assert home.run_typing([], "clear", "halt") == (1, says, "")
    home.halt()
    says = "No such halt is in force; `xdm-mcp status` shows them.\n"
    assert home.run_typing([], "clear", "halt", "other") == (1, says, "")


@pytest.mark.parametrize("arguments", [("opt-out", f"@{SILENT}"), ("halt",)])
def test_nothing_is_cleared_without_the_pin(home: Home, arguments: tuple[str, ...]) -> None:
    """An agent that can run commands does not know it."""
    home.with_app(lambda app: app.inbox.page())
    home.halt()
    home.set_pin()

    code, _, err = home.run_typing(["111222", ""], "clear", *arguments)

    assert code == 2
    assert "That PIN is wrong" in err
    assert home.ask("Hello.", SILENT).status == "denied"


@pytest.mark.parametrize(
    "arguments",
    [("opt-out", "nobody_known"), ("opt-out", "not a handle"), ("halt", "--account", "me")],
)
def test_what_cannot_be_cleared_is_one_sentence(home: Home, arguments: tuple[str, ...]) -> None:
    """An unknown handle, an impossible one and an account in words are refused."""
    code, _, err = home.run("clear", *arguments)
    assert (code, err.count("\n")) == (2, 1)
