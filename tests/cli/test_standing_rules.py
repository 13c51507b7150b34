"""Standing rules at the terminal: made with the PIN, withdrawn at once, used by nobody else."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import PIN, Home
from xdm_mcp.models.sends import Assurance

IRIS_ID = "2200000011"
JUNE = "june_sandbox"

RULES = ("approvals", "rules")


def allow(home: Home, *options: str) -> tuple[int, str, str]:
    """Have the owner, who has a PIN, make a rule and type it."""
    home.set_pin()
    return home.run_typing([PIN], *RULES, "add", *options)


def test_without_a_rule_the_list_says_who_decides(home: Home) -> None:
    """An empty list is one sentence, and an empty list as JSON."""
    assert home.run(*RULES) == (
        0,
        "There is no standing rule: every held send waits for you.\n",
        "",
    )
    assert home.run(*RULES, "list", "--json") == (0, "[]\n", "")


def test_a_rule_made_with_the_pin_lets_a_reply_go_out_without_asking(home: Home) -> None:
    """What it says is shown before the PIN is asked; then that one person is answered."""
    home.with_app(lambda app: app.inbox.page(with_user=IRIS_ID))

    code, out, _ = allow(home, "--user", IRIS_ID, "--per-day", "2", "--max-length", "40")

    assert code == 0
    assert f"Up to 2 replies in 24 hours to user {IRIS_ID}, of at most 40 characters" in out
    assert home.ask("On its way.").status == "sent"
    assert [each.text for each in home.delivered()] == ["On its way."]
    assert home.ask("A text that is longer than forty characters.").status == "held"
    assert home.ask("Hello there.", JUNE).status == "held"


def test_a_handle_that_is_known_stands_beside_the_number(home: Home) -> None:
    """The person who allows it sees whom."""
    home.with_app(lambda app: app.inbox.page())

    assert f"@iris_sandbox, numeric id {IRIS_ID}" in allow(home, "--user", IRIS_ID)[1]


def test_the_widest_rule_warns_its_maker(home: Home) -> None:
    """Strangers too write first; a rule for one person needs no such word."""
    assert "mind        whoever writes to you can then be answered" in allow(home, "--anyone")[1]
    assert "whoever writes to you" not in allow(home, "--user", IRIS_ID)[1]


def test_the_entry_and_the_audit_say_which_rule_let_it_pass(home: Home) -> None:
    """Made with the PIN, at the terminal, by number; then the send names it."""
    home.with_app(lambda app: app.inbox.page(with_user=IRIS_ID))
    allow(home, "--anyone")

    home.ask("On its way.")

    [entry, *_] = home.with_app(lambda app: app.ledger.recent())
    assert (entry.standing_rule, entry.hold) == ("1", None)
    records = home.with_app(lambda app: app.ledger.audit())
    [made] = [record for record in records if record.event == "standing_rule_made"]
    told = json.loads(made.what)
    assert (told["rule"], told["assurance"]) == ("1", Assurance.PERSON.name.lower())
    [passed] = [record for record in records if record.entry_id == entry.id][:1]
    assert json.loads(passed.what)["standing_rule"] == "1"


def test_without_the_right_pin_nothing_is_allowed(home: Home) -> None:
    """A wrong one is asked again, and an empty answer leaves everything as it was."""
    home.set_pin()
    code, out, err = home.run_typing(["000000", ""], *RULES, "add", "--anyone")

    assert (code, "Nothing was allowed." in out) == (1, True)
    assert err.count("\n") == 1
    assert home.run(*RULES, "--json")[1] == "[]\n"


def test_without_a_terminal_nothing_is_allowed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that pipes an answer is nobody."""
    home.set_pin()
    monkeypatch.setattr("xdm_mcp.cli.asking.CONTROLLING", "/nonexistent")

    code, _, err = home.run(*RULES, "add", "--anyone")

    assert (code, err.count("\n")) == (2, 1)
    assert home.run(*RULES, "--json")[1] == "[]\n"


def test_a_withdrawn_rule_holds_no_longer_and_takes_no_pin(home: Home) -> None:
    """It can only stop something; the next send waits again."""
    home.with_app(lambda app: app.inbox.page())
    allow(home, "--user", IRIS_ID)

    code, out, _ = home.run(*RULES, "withdraw", "1")

    assert (code, out) == (0, "Standing rule 1 is withdrawn and holds no longer.\n")
    assert home.ask("On its way.").status == "held"
    code, _, err = home.run(*RULES, "withdraw", "1")
    assert (code, err.count("\n")) == (2, 1)


def test_a_rejection_lets_nothing_pass_that_waited_for_a_look(home: Home) -> None:
    """A program that runs commands can reject without the PIN: what an agent has read of others
    still asks for a person before the standing rule lets it write to her."""
    home.with_app(lambda app: app.inbox.page())
    allow(home, "--user", IRIS_ID)
    held = home.ask("On its way.")
    assert "taint" in [reason.rule for reason in held.reasons]

    assert home.run("approvals", "reject", str(held.approval_id))[0] == 0

    assert home.ask("It leaves today.").status == "held"
    assert home.delivered() == []


def test_forgetting_takes_the_pin_that_a_standing_rule_was_made_with(home: Home) -> None:
    """Else a program that runs commands could have erased what `taint` and `leak` know, and write
    to her then."""
    home.with_app(lambda app: app.inbox.page())
    allow(home, "--user", IRIS_ID)
    assert home.ask("On its way.").status == "held"

    code, out, err = home.run_typing(["111222", ""], "forget", "--yes")

    assert (code, out, "That PIN is wrong" in err) == (2, "", True)
    assert home.ask("It leaves today.").status == "held"
    assert home.run_typing([PIN], "forget", "--yes")[0] == 0


def test_the_list_shows_each_rule_with_what_is_used_of_it(home: Home) -> None:
    """For people in a sentence, for scripts in full."""
    home.with_app(lambda app: app.inbox.page(with_user=IRIS_ID))
    allow(home, "--user", IRIS_ID, "--links", "--unsolicited", "--until", "2099-01-01")
    allow(home, "--user", IRIS_ID, "--links", "--in-quiet-hours", "--even-first")
    home.ask("On its way.")

    code, out, _ = home.run(*RULES)

    assert code == 0
    assert "with links, in quiet hours, even first ones, pass without a person" in out
    assert "1 of 5 used" in out
    [row] = json.loads(home.run(*RULES, "list", "--json")[1])
    assert (row["id"], row["user_id"], row["used"], row["solicited"]) == ("1", IRIS_ID, 1, False)
    assert (row["links"], row["quiet_hours"], row["first_contact"]) == (True, True, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--user", "@iris_sandbox"),
        ("--anyone", "--links"),
        ("--anyone", "--per-day", "0"),
        ("--anyone", "--per-day", "101"),
        ("--anyone", "--max-length", "10001"),
        ("--anyone", "--until", "2020-01-01"),
        ("--anyone", "--until", "2999-01-01"),
    ],
)
def test_what_no_rule_may_say_is_refused_before_the_pin_is_asked(
    home: Home, options: tuple[str, ...]
) -> None:
    """In one sentence."""
    code, _, err = home.run_typing([], *RULES, "add", *options)

    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--anyone", "--until", "soon"),
        ("--anyone", "--until", "9999-12-31T23:59:59-01:00"),
        ("--anyone", "--until", "0001-01-01T00:00:00+01:00"),
        ("--user", "1", "--anyone"),
    ],
)
def test_a_rule_names_somebody_and_a_time_that_is_one(home: Home, options: tuple[str, ...]) -> None:
    """Else the options are refused."""
    code, _, err = home.run(*RULES, "add", *options)

    assert (code, "usage: xdm-mcp approvals rules add" in err) == (2, True)
