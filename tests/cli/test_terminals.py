"""What a person at a terminal sees and decides."""

from __future__ import annotations

from tests.cli.conftest import Home
from tests.cli.terminals import Terminal


def test_a_typed_yes_sends(home: Home) -> None:
    """The whole view is shown, the question asked, and yes sends."""
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until("Send exactly this? [y/N]")
        assert "Good morning, Iris." in terminal.shown
        terminal.type("y\n")
        assert terminal.ends() == 0
    assert "SENT once" in terminal.shown
    assert [each.text for each in home.delivered()] == ["Good morning, Iris."]


def test_anything_but_yes_leaves_it_held(home: Home) -> None:
    """Enter alone approves nothing: no is the default."""
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until("[y/N]")
        terminal.type("\n")
        assert terminal.ends() == 1
    assert "NOT SENT" in terminal.shown
    assert home.delivered() == []
    assert "HELD" in home.run("approvals")[1]


def test_ctrl_c_at_the_question_ends_quietly_with_130(home: Home) -> None:
    """An interrupted question approves nothing and leaves no traceback."""
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until("[y/N]")
        terminal.interrupt()
        assert terminal.ends() == 130
    assert "Traceback" not in terminal.shown
    assert home.delivered() == []


def test_a_terminal_gets_colours_and_no_color_takes_them_away(home: Home) -> None:
    """Escape sequences appear on a terminal only, and not even there under NO_COLOR."""
    with Terminal(home.path, "status") as terminal:
        assert terminal.ends() == 0
    assert "\x1b[" in terminal.shown
    with Terminal(home.path, "status", NO_COLOR="1") as terminal:
        assert terminal.ends() == 0
    assert "\x1b" not in terminal.shown
