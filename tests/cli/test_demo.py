"""`xdm-mcp demo`: a story with a beginning, a middle, one delivery and an end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.children import run
from tests.cli.terminals import Terminal
from xdm_mcp.cli.approvals import QUESTION
from xdm_mcp.cli.scenes import REPLY

STORY = (
    "list_dms(needs_reply=true)",
    "check_can_dm(",
    "NOT SENT (preview)",
    "NOT SENT (held)",
    "X delivered nothing so far",
    "A person looks at it",
    "HELD ",
    "The PIN of this throw-away home is ",
    "the demo types it as the person would",
    "SENT once, message id",
    "X delivered 1 so far",
    "exactly one delivery, with the very bytes approved",
    '"replayed":true',
    "still exactly one delivery",
    "The quota moved",
    "1 of 15",
    "Oh, that was quick. Thank you!",
    "An injected message tries its luck",
    "it is held, not sent",
    "NOT SENT (denied)",
    "the door code never left",
)
"""What is to be read, in this order."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Play the demo once, without a terminal, for an owner with a real backend and a token."""
    owner = tmp_path_factory.mktemp("owner") / "home"
    played = run(owner, "demo", XDM_BACKEND="x-api-v2", XDM_X_ACCESS_TOKEN="made-up")
    assert not owner.exists()
    return played


def test_without_a_terminal_it_tells_the_whole_story_and_exits_0(
    told: subprocess.CompletedProcess[str],
) -> None:
    """Every scene comes in its order, and nothing is coloured."""
    assert told.returncode == 0, told.stderr
    at = 0
    for words in STORY:
        at = told.stdout.find(words, at)
        assert at >= 0, f"{words!r} is missing or too early"
    assert "\x1b" not in told.stdout


def test_it_delivers_exactly_what_was_approved_exactly_once(
    told: subprocess.CompletedProcess[str],
) -> None:
    """The pretend X's list never holds a second delivery, and the bytes' digests are the same."""
    counts = re.findall(r"X delivered (\w+) so far", told.stdout)
    assert set(counts) == {"nothing", "1"}
    assert counts == sorted(counts, reverse=True)
    digests = re.findall(r"(?:approved|arrived): +(\d+) bytes, sha256 (\S+)", told.stdout)
    assert len(digests) == 2
    assert digests[0] == digests[1]
    assert digests[0][0] == str(len(REPLY.encode()))


def test_it_never_uses_the_owner_s_own_settings(
    told: subprocess.CompletedProcess[str],
) -> None:
    """Whatever the owner has set up, it plays in the pretend X alone."""
    assert "sandbox at http://sandbox" in told.stdout
    assert "api.x.com" not in told.stdout


def test_on_a_terminal_the_person_approves(tmp_path: Path) -> None:
    """The PIN is really asked for, and the one that the demo set for its own home sends."""
    with Terminal(tmp_path, "demo", NO_COLOR="1", COLUMNS="500") as terminal:
        terminal.until(QUESTION)
        assert "SENT once" not in terminal.shown
        pin = re.search(r"throw-away home is ([0-9]{6})", terminal.shown)
        assert pin is not None
        terminal.type(f"{pin[1]}\n")
        assert terminal.ends() == 0
    assert "exactly one delivery, with the very bytes approved" in terminal.shown


def test_on_a_terminal_the_person_may_say_no(tmp_path: Path) -> None:
    """A no rejects; nothing is ever delivered, and the story still ends well."""
    with Terminal(tmp_path, "demo", NO_COLOR="1", COLUMNS="500") as terminal:
        terminal.until(QUESTION)
        terminal.type("\n")
        assert terminal.ends() == 0
    assert "SENT once" not in terminal.shown
    assert "X delivered 1" not in terminal.shown
    assert "Nothing left, because the person said no." in terminal.shown


def test_ctrl_c_ends_it_quietly_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Interrupted at the question it exits with 130, and its temporary home is gone."""
    with Terminal(tmp_path, "demo", TMPDIR=str(tmp_path)) as terminal:
        terminal.until(QUESTION)
        assert list(tmp_path.glob("xdm-mcp-demo-*"))
        terminal.interrupt()
        assert terminal.ends() == 130
    assert "Traceback" not in terminal.shown
    assert not list(tmp_path.glob("xdm-mcp-demo-*"))
