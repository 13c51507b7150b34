"""Approving and rejecting in a terminal: what it says is what happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import apsw
import pytest

from tests.cli.conftest import PIN, Home
from xdm_mcp.cli import asking
from xdm_mcp.models.factors import Passkey

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
    code, out, _ = home.approve(approval_id)
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


def test_approving_asks_on_a_terminal_or_not_at_all(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no terminal is nothing is approved, and one sentence says what to do."""
    home.set_pin()
    monkeypatch.setattr(asking, "CONTROLLING", "/dev/no-such-terminal")
    approval_id = home.held(TEXT)
    code, _, err = home.run("approvals", "approve", approval_id)
    assert (code, err.count("\n")) == (2, 1)
    assert "run it in a terminal" in err
    assert home.delivered() == []
    assert "HELD" in home.run("approvals")[1]


def test_a_rejected_send_never_goes_out(home: Home) -> None:
    """A rejection is final: nothing is sent, and it cannot be approved afterwards."""
    approval_id = home.held(TEXT)
    assert home.run("approvals", "reject", approval_id)[0] == 0
    code, _, err = home.approve(approval_id)
    assert (code, err.count("\n")) == (2, 1)
    assert home.delivered() == []
    assert home.ask(TEXT).status == "denied"


def test_an_unknown_id_is_one_sentence(home: Home) -> None:
    """An id of nothing is refused with the command that lists what there is."""
    code, _, err = home.approve("ffffffff")
    assert (code, err.count("\n")) == (2, 1)
    assert "xdm-mcp approvals" in err


def test_a_row_altered_in_the_ledger_cannot_be_approved(home: Home) -> None:
    """Whoever rewrites the text of a held send gains nothing: the digest no longer fits."""
    approval_id = home.held(TEXT)
    ledger = apsw.Connection(str(home.path / "ledger.db"))
    ledger.execute("UPDATE entry SET text = 'Send me your password.'")
    ledger.close()
    assert "cannot be approved" in home.run("approvals")[1]
    code, _, err = home.approve(approval_id)
    assert (code, err.count("\n")) == (2, 1)
    assert home.delivered() == []


def test_a_refused_send_is_never_called_sent(home: Home) -> None:
    """When X refuses, the command says NOT SENT and fails."""
    approval_id = home.held(TEXT)
    home.break_next_send(kind="status", error="recipient_closed")
    code, out, _ = home.approve(approval_id)
    assert code == 1
    assert "NOT SENT:" in out
    assert "SENT once" not in out
    assert home.delivered() == []


def test_a_lost_answer_is_called_maybe_sent(home: Home) -> None:
    """When the answer is lost after X acted, the command claims neither, and fails."""
    approval_id = home.held(TEXT)
    home.break_next_send(kind="drop_after")
    code, out, _ = home.approve(approval_id)
    assert code == 1
    assert "MAYBE SENT:" in out
    assert "SENT once" not in out
    assert len(home.delivered()) == 1


def test_a_send_of_another_backend_waits_for_a_server_of_that_backend(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approved here but not sendable here, it says so and does not go out by the wrong wire."""
    home.set_pin()
    approval_id = home.held(TEXT)
    monkeypatch.setenv("XDM_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XDM_X_ACCESS_TOKEN", "none")
    code, out, _ = home.approve(approval_id, "--backend", "x-api-v2")
    assert code == 1
    assert "NOT SENT yet: approved; it goes out when a server with the backend sandbox" in out
    assert "APPROVED" in home.run("approvals", "--backend", "x-api-v2")[1]


def test_there_is_no_option_that_approves_without_asking(home: Home) -> None:
    """What scripts once used is refused, and nothing is approved."""
    home.set_pin()
    approval_id = home.held(TEXT)
    assert home.run("approvals", "approve", approval_id, "--yes")[0] == 2
    assert home.delivered() == []


def test_a_yes_is_not_the_pin(home: Home) -> None:
    """What a program types on a terminal that it opened approves nothing; what the owner knows
    does."""
    home.set_pin()
    approval_id = home.held(TEXT)
    code, out, err = home.run_typing(["y", "yes", ""], "approvals", "approve", approval_id)
    assert code == 1
    assert "NOT SENT: nothing was approved; it stays held." in out
    assert "That PIN is wrong, and nothing was approved; 4 tries are left." in err
    assert home.delivered() == []
    assert home.run_typing([PIN], "approvals", "approve", approval_id)[0] == 0


def test_after_five_wrong_pins_even_the_right_one_is_refused(home: Home) -> None:
    """The lock is the ledger's, not the command's: another run meets it too."""
    home.set_pin()
    approval_id = home.held(TEXT)
    code, _, err = home.run_typing(["111222"] * 9, "approvals", "approve", approval_id)
    assert code == 2
    assert "Too many wrong PINs" in err
    assert home.run_typing([PIN], "approvals", "approve", approval_id)[0] == 2
    assert home.delivered() == []


def test_the_first_approval_has_the_owner_choose_a_pin(home: Home) -> None:
    """Without a PIN nothing is approved; it is typed twice, and then once more to approve."""
    approval_id = home.held(TEXT)
    assert home.run_typing([PIN, "other-one"], "approvals", "approve", approval_id)[0] == 2
    assert home.run_typing([""], "approvals", "approve", approval_id)[0] == 1
    assert home.delivered() == []
    code, out, err = home.run_typing([PIN, PIN, PIN], "approvals", "approve", approval_id)
    assert (code, "SENT once" in out) == (0, True)
    assert PIN not in out + err


def test_the_pin_is_changed_only_with_the_old_one(home: Home) -> None:
    """The first is set freely; after that the old one is asked for, and then no longer good."""
    assert home.run_typing([PIN, PIN], "approvals", "pin")[0] == 0
    assert home.run_typing(["445566", ""], "approvals", "pin")[0] == 2
    assert home.run_typing([PIN, "a longer phrase", "a longer phrase"], "approvals", "pin")[0] == 0
    approval_id = home.held(TEXT)
    assert home.run_typing([PIN, ""], "approvals", "approve", approval_id)[0] == 1
    assert home.run_typing(["a longer phrase"], "approvals", "approve", approval_id)[0] == 0


@pytest.mark.parametrize("easy", ["12345", "123456", "987654", "777777", "short", "aaaaaaaa"])
def test_an_easy_pin_is_refused(home: Home, easy: str) -> None:
    """Too short, a run, or one character only: one sentence says what would do."""
    code, _, err = home.run_typing([easy, easy], "approvals", "pin")
    assert (code, "choose" in err, easy in err) == (2, True, False)


def test_without_passkeys_the_list_says_where_they_are_added(home: Home) -> None:
    """An empty list is one sentence, and an empty list as JSON."""
    assert "the approval page adds one" in home.run("approvals", "passkeys")[1]
    assert home.run("approvals", "passkeys", "--json")[1] == "[]\n"
    assert home.run_typing([PIN], "approvals", "passkeys", "remove", "abcd")[0] == 2


def test_a_passkey_is_forgotten_with_the_pin_alone(home: Home) -> None:
    """It is named by its first characters; a wrong PIN forgets nothing."""
    home.set_pin()
    key = Passkey("abcdefgh", "laptop", "key", 0, datetime(2026, 11, 22, tzinfo=UTC))
    home.with_app(lambda app: app.ledger.add_passkey(key, "test"))
    assert "laptop" in home.run("approvals", "passkeys")[1]
    assert home.run_typing(["999888", ""], "approvals", "passkeys", "remove", "abcd")[0] == 2
    assert home.run_typing([PIN], "approvals", "passkeys", "remove", "abc")[0] == 2
    assert "laptop" in home.run("approvals", "passkeys")[1]
    assert home.run_typing([PIN], "approvals", "passkeys", "remove", "abcd")[0] == 0
    assert "laptop" not in home.run("approvals", "passkeys")[1]


def test_a_send_that_needs_a_passkey_is_not_approved_here(home: Home) -> None:
    """The terminal says where it can be approved, before it asks for anything."""
    home.set_pin()
    approval_id = home.held(TEXT)
    ledger = apsw.Connection(str(home.path / "ledger.db"))
    ledger.execute("UPDATE entry SET hold = json_set(hold, '$.least', 4)")
    ledger.close()
    code, _, err = home.run_typing([PIN], "approvals", "approve", approval_id)
    assert (code, "approval page" in err) == (2, True)
    assert home.delivered() == []
