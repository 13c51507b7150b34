"""`xdm-mcp status`: everything that limits a send, as bars and as JSON."""

from __future__ import annotations

import json

from tests.cli.conftest import Home


def test_windows_and_money_are_bars(home: Home) -> None:
    """Each window has a bar, its figures, and what is left."""
    code, out, _ = home.run("status")
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("messages/24h"))
    assert "░" * 20 in row
    assert row.endswith("500 left")
    (money,) = [line for line in out.splitlines() if line.startswith("spent today")]
    assert "of 5.000 USD" in money
    (unbounded,) = [line for line in out.splitlines() if line.startswith("spent in all")]
    assert unbounded.endswith("no bound")
    assert "\x1b" not in out


def test_a_send_moves_a_bar(home: Home) -> None:
    """After one send the first cell of its windows' bars is full."""
    home.approve(home.held("Hello."))
    (row,) = [
        line for line in home.run("status")[1].splitlines() if line.startswith("requests/15m")
    ]
    assert "█░" in row
    assert "1 of 15" in row


def test_json_is_the_quota_as_agents_get_it(home: Home) -> None:
    """The same fields as `quota_status`, all of them, in plain JSON."""
    _, out, _ = home.run("status", "--json")
    quota = json.loads(out)
    assert {"account_id", "backend", "windows", "money", "held", "halts", "rules"} <= set(quota)
    assert {window["name"] for window in quota["windows"]} >= {"requests/15m", "messages/24h"}


def test_held_sends_and_halts_are_named_with_the_next_step(home: Home) -> None:
    """What waits for the owner and what stops everything both stand out."""
    approval_id = home.held("Hello.")
    home.halt()
    _, out, _ = home.run("status")
    assert approval_id in out
    assert "locked (account): X locked the account." in out
    assert "xdm-mcp clear halt locked" in out


def test_a_cleared_halt_is_gone(home: Home) -> None:
    """A person lifts one halt by its code; lifting it again does nothing, and says so."""
    home.halt()
    assert home.as_owner("clear", "halt", "other")[0] == 1
    assert home.as_owner("clear", "halt", "locked")[:2] == (0, "1 halt lifted.\n")
    assert home.as_owner("clear", "halt")[0] == 1
    assert "halts       none" in home.run("status")[1]
