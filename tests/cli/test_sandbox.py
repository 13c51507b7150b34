"""`xdm-mcp sandbox`: the pretend X of the home, from outside."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.children import environment
from tests.cli.conftest import IRIS, Home
from xdm_mcp.sandbox import SANDBOX_TOKEN


def test_deliveries_list_exactly_what_was_sent(home: Home) -> None:
    """Before a send the list is empty; after one it holds the bytes that were approved."""
    assert home.run("sandbox", "deliveries") == (0, "0 delivered.\n", "")
    home.approve(home.held("Zoë: 1 < 2 🙂"))
    (row,) = json.loads(home.run("sandbox", "deliveries", "--json")[1])
    assert (row["text"], row["recipient_ids"]) == ("Zoë: 1 < 2 🙂", ["2200000011"])


def test_what_somebody_says_reaches_the_inbox(home: Home) -> None:
    """A message spoken from the command line is read like any other."""
    assert home.run("sandbox", "say", IRIS, "Are you there?")[0] == 0
    page = home.with_app(lambda app: app.inbox.page(with_user=IRIS, limit=1))
    assert page.messages[0].text == "Are you there?"


def test_nobody_can_be_made_to_speak_who_is_not_there(home: Home) -> None:
    """An unknown person is one sentence, and nothing is written."""
    code, _, err = home.run("sandbox", "say", "nobody_here", "hi")
    assert (code, err.count("\n")) == (2, 1)


def test_a_reset_begins_the_world_anew(home: Home) -> None:
    """After a reset nothing was delivered."""
    home.approve(home.held("Hello."))
    assert home.run("sandbox", "reset")[0] == 0
    assert home.delivered() == []


def test_whichever_command_comes_first_the_home_is_private(home: Home) -> None:
    """The home and the world's folder are made for their owner alone."""
    home.run("sandbox", "deliveries")
    for folder in (home.path, home.path / "sandbox"):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "arguments",
    [("--story", "no-such-story"), ("--host", "0.0.0.0")],  # noqa: S104 - refused
)
def test_what_cannot_be_served_is_one_sentence(home: Home, arguments: tuple[str, ...]) -> None:
    """An unknown story and an address that others can reach are refused."""
    code, _, err = home.run("sandbox", "serve", "--port", "0", *arguments)
    assert (code, err.count("\n")) == (2, 1)


def test_it_serves_over_http_as_it_says_and_ends_quietly(tmp_path: Path) -> None:
    """The printed address and token work; Ctrl-C ends it with 0 and without a traceback."""
    child = subprocess.Popen(
        [sys.executable, "-m", "xdm_mcp", "sandbox", "serve", "--port", "0"],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    try:
        said = "".join(child.stderr.readline() for _ in range(4))
        url = re.search(r"XDM_BASE_URL=(http://127\.0\.0\.1:\d+) ", said)
        assert url is not None
        assert f"XDM_X_ACCESS_TOKEN={SANDBOX_TOKEN}" in said
        asked = Request(  # noqa: S310 - our own loopback address
            f"{url[1]}/2/users/me", headers={"authorization": f"Bearer {SANDBOX_TOKEN}"}
        )
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
            assert json.load(answer)["data"]["username"] == "you"
    finally:
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=10)[1]
    assert (child.returncode, "Traceback" in rest) == (0, False)
