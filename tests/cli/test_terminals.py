"""What a person at a terminal sees and decides."""

from __future__ import annotations

import subprocess
import sys

from tests.children import environment
from tests.cli.conftest import PIN, Home
from tests.cli.terminals import Terminal
from xdm_mcp.cli.approvals import QUESTION


def test_the_typed_pin_sends_and_is_never_shown(home: Home) -> None:
    """The whole view is shown, the PIN asked for without echo, and the right one sends."""
    home.set_pin()
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until(QUESTION)
        assert "Good morning, Iris." in terminal.shown
        terminal.type(f"{PIN}\n")
        assert terminal.ends() == 0
    assert "SENT once" in terminal.shown
    assert PIN not in terminal.shown
    assert [each.text for each in home.delivered()] == ["Good morning, Iris."]


def test_answering_yes_on_a_terminal_is_not_a_person(home: Home) -> None:
    """Enter alone approves nothing, and neither does a yes, which any program can type."""
    home.set_pin()
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until(QUESTION)
        terminal.shown = ""
        terminal.type("y\n")
        terminal.until(QUESTION)  # what is typed before it asks again is thrown away
        assert "4 tries are left" in terminal.shown
        terminal.type("\n")
        assert terminal.ends() == 1
    assert "NOT SENT" in terminal.shown
    assert home.delivered() == []
    assert "HELD" in home.run("approvals")[1]


def test_a_pin_that_is_piped_in_is_not_read(home: Home) -> None:
    """Not even the right one: what a program hands over did not come from a person's keyboard."""
    home.set_pin()
    approval_id = home.held("Good morning, Iris.")
    piped = subprocess.run(
        [sys.executable, "-m", "xdm_mcp", "approvals", "approve", approval_id],
        env=environment(home.path),
        input=f"{PIN}\n" * 5,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,  # and with it, no terminal
    )
    assert piped.returncode == 2
    assert "run it in a terminal" in piped.stderr
    assert home.delivered() == []


def test_ctrl_c_at_the_question_ends_quietly_with_130(home: Home) -> None:
    """An interrupted question approves nothing and leaves no traceback."""
    home.set_pin()
    approval_id = home.held("Good morning, Iris.")
    with Terminal(home.path, "approvals", "approve", approval_id) as terminal:
        terminal.until(QUESTION)
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
