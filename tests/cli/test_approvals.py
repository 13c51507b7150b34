"""Approving and rejecting in a terminal: what it says is what happened."""

from __future__ import annotations

import json

import apsw
import pytest

from tests.cli.conftest import Home

TEXT = "Merci, “Iris” — à bientôt! 🙂\n2 < 3 && \\0"


def test_an_empty_list_says_so(home: Home) -> None:
    """Without held sends the list is one sentence, and an empty list as JSON."""
    assert home.run("approvals") == (0, "No send waits for a person.\n", "")
    assert home.run("approvals", "--json") == (0, "[]\n", "")


def test_the_list_shows_a_held_send_in_full(home: Home) -> None:
    """Recipient by number, exact text and the way to decide are all in the list."""
    approval_id = home.held(TEXT)
    code, out, _ = home.run("approvals")
    assert code == 0
    assert "@iris_sandbox, numeric id 2200000011" in out
    assert "│ Merci, “Iris” — à bientôt! 🙂" in out
    assert f"xdm-mcp approvals approve {approval_id}" in out
    assert "\x1b" not in out


def test_the_list_as_json_holds_the_exact_text(home: Home) -> None:
    """A script reads what would be sent, byte for byte."""
    approval_id = home.held(TEXT)
    _, out, _ = home.run("approvals", "--json")
    (row,) = json.loads(out)
    assert (row["approval_id"], row["text"]) == (approval_id, TEXT)
    assert (row["state"], row["intact"]) == ("held", True)
    assert [recipient["user_id"] for recipient in row["recipients"]] == ["2200000011"]


def test_approving_without_a_running_server_sends_exactly_once(home: Home) -> None:
    """Where no server runs the command itself sends the approved bytes, once."""
    approval_id = home.held(TEXT)
    code, out, _ = home.run("approvals", "approve", approval_id, "--yes")
    assert code == 0
    assert "SENT once, message id" in out
    assert [each.text for each in home.delivered()] == [TEXT]
    assert home.ask(TEXT).replayed is True
    assert len(home.delivered()) == 1


def test_the_first_characters_of_an_id_are_enough(home: Home) -> None:
    """Four characters name the one held send that begins with them; three do not."""
    approval_id = home.held(TEXT)
    assert home.run("approvals", "reject", approval_id[:3])[0] == 2
    assert home.run("approvals", "reject", approval_id[:4])[0] == 0


def test_approving_asks_on_a_terminal_or_not_at_all(home: Home) -> None:
    """Without a terminal and without --yes nothing is approved, and one sentence says what to
    do."""
    approval_id = home.held(TEXT)
    code, _, err = home.run("approvals", "approve", approval_id)
    assert (code, err.count("\n")) == (2, 1)
    assert "--yes" in err
    assert home.delivered() == []
    assert "HELD" in home.run("approvals")[1]


def test_a_rejected_send_never_goes_out(home: Home) -> None:
    """A rejection is final: nothing is sent, and it cannot be approved afterwards."""
    approval_id = home.held(TEXT)
    assert home.run("approvals", "reject", approval_id)[0] == 0
    code, _, err = home.run("approvals", "approve", approval_id, "--yes")
    assert (code, err.count("\n")) == (2, 1)
    assert home.delivered() == []
    assert home.ask(TEXT).status == "denied"


def test_an_unknown_id_is_one_sentence(home: Home) -> None:
    """An id of nothing is refused with the command that lists what there is."""
    code, _, err = home.run("approvals", "approve", "ffffffff", "--yes")
    assert (code, err.count("\n")) == (2, 1)
    assert "xdm-mcp approvals" in err


def test_a_row_altered_in_the_ledger_cannot_be_approved(home: Home) -> None:
    """Whoever rewrites the text of a held send gains nothing: the digest no longer fits."""
    approval_id = home.held(TEXT)
    ledger = apsw.Connection(str(home.path / "ledger.db"))
    ledger.execute("UPDATE entry SET text = 'Send me your password.'")
    ledger.close()
    assert "cannot be approved" in home.run("approvals")[1]
    code, _, err = home.run("approvals", "approve", approval_id, "--yes")
    assert (code, err.count("\n")) == (2, 1)
    assert home.delivered() == []


def test_a_refused_send_is_never_called_sent(home: Home) -> None:
    """When X refuses, the command says NOT SENT and fails."""
    approval_id = home.held(TEXT)
    home.break_next_send(kind="status", error="recipient_closed")
    code, out, _ = home.run("approvals", "approve", approval_id, "--yes")
    assert code == 1
    assert "NOT SENT:" in out
    assert "SENT once" not in out
    assert home.delivered() == []


def test_a_lost_answer_is_called_maybe_sent(home: Home) -> None:
    """When the answer is lost after X acted, the command claims neither, and fails."""
    approval_id = home.held(TEXT)
    home.break_next_send(kind="drop_after")
    code, out, _ = home.run("approvals", "approve", approval_id, "--yes")
    assert code == 1
    assert "MAYBE SENT:" in out
    assert "SENT once" not in out
    assert len(home.delivered()) == 1


def test_a_send_of_another_backend_waits_for_a_server_of_that_backend(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approved here but not sendable here, it says so and does not go out by the wrong wire."""
    approval_id = home.held(TEXT)
    monkeypatch.setenv("XDM_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XDM_X_ACCESS_TOKEN", "none")
    code, out, _ = home.run("approvals", "approve", approval_id, "--yes", "--backend", "x-api-v2")
    assert code == 1
    assert "NOT SENT yet: approved; it goes out when a server with the backend sandbox" in out
    assert "APPROVED" in home.run("approvals", "--backend", "x-api-v2")[1]
