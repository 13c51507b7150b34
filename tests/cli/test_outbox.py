"""`xdm-mcp outbox`: what became of sends, and a person's word where nothing else can say."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Home


def test_a_home_without_sends_says_so(home: Home) -> None:
    """Nothing was asked for yet."""
    assert home.run("outbox")[:2] == (0, "Nothing was asked for yet.\n")


def test_the_latest_sends_are_listed_without_their_text(home: Home) -> None:
    """The list names state and recipient; what was written is nobody's business here."""
    home.held("A secret between us.")

    code, out, _ = home.run("outbox", "--json")
    (row,) = json.loads(out)

    assert (code, row["state"], row["recipient_ids"]) == (0, "held", ["2200000011"])
    assert "secret" not in out + home.run("outbox")[1]


def test_a_state_is_its_bare_word(home: Home) -> None:
    """It is coloured on a terminal, and no mark of the colouring is ever printed."""
    unknown(home, "Did it arrive?")
    home.held("Hello.")

    _, *rows = home.run("outbox")[1].splitlines()

    assert {"held", "unknown"} <= {word for row in rows for word in row.split()}
    assert not any("[" in row for row in rows)


def test_a_person_settles_what_could_not_be_found_out(home: Home) -> None:
    """Seen in X, it is sent; the agent's repeat is then answered with it."""
    entry = unknown(home, "Did it arrive?")

    code, out, _ = home.as_owner("outbox", "resolve", str(entry), "--not-sent")

    assert (code, out) == (0, f"Entry {entry} is settled: failed.\n")
    assert home.ask("Did it arrive?").status == "held"


def test_what_is_not_unknown_cannot_be_settled(home: Home) -> None:
    """A held send has another way to its end."""
    home.held("Hello.")

    code, _, err = home.as_owner("outbox", "resolve", "1", "--sent")

    assert (code, err.count("\n")) == (2, 1)


def test_nobody_is_asked_for_the_pin_where_nothing_can_be_settled(home: Home) -> None:
    """No such send, or one that is not unknown: the sentence comes before the question."""
    home.held("Hello.")
    home.set_pin()

    says = "xdm-mcp: There is no send with that id; list them with `xdm-mcp outbox`.\n"
    assert home.run_typing([], "outbox", "resolve", "77", "--sent") == (2, "", says)
    code, _, err = home.run_typing([], "outbox", "resolve", "1", "--sent")
    assert (code, "held" in err) == (2, True)


def test_nothing_is_settled_without_the_pin(home: Home) -> None:
    """What is unknown stays so, and its repeat is refused."""
    entry = unknown(home, "Did it arrive?")

    code, _, _ = home.run_typing(["111222", ""], "outbox", "resolve", str(entry), "--not-sent")

    assert code == 2
    assert home.ask("Did it arrive?").status == "unknown"


def unknown(home: Home, text: str) -> int:
    """Leave a send of unknown outcome in the home; return its entry."""
    approval_id = home.held(text)
    home.break_next_send(kind="status", status=500)
    home.approve(approval_id)
    (row,) = json.loads(home.run("outbox", "--json")[1])
    assert row["state"] == "unknown"
    return int(row["entry"])


@pytest.mark.parametrize("number", ["-1", "99999999999999999999"])
@pytest.mark.parametrize(
    "command", [("outbox", "--limit"), ("audit", "--limit"), ("outbox", "resolve", "--sent")]
)
def test_a_number_that_no_ledger_could_count_to_is_refused(
    home: Home, command: tuple[str, ...], number: str
) -> None:
    """As a wrong option, before anything is opened."""
    code, out, err = home.run(*command, number)

    assert (code, out, "usage: xdm-mcp" in err) == (2, "", True)
