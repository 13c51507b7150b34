"""`xdm-mcp approvals serve` and `approvals open`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from urllib.request import urlopen

from tests.children import environment
from tests.cli.conftest import Home
from xdm_mcp.server.page.places import running


def test_open_needs_a_page_that_runs(home: Home) -> None:
    """Without one it is one sentence that says how to start it, and nothing is made."""
    code, out, err = home.run("approvals", "open")
    assert (code, out) == (1, "")
    assert "start one with `xdm-mcp approvals serve`" in err


def test_serve_prints_the_address_and_a_way_in_and_ends_well(home: Home) -> None:
    """It says where the page is and prints a one-time address by itself on a line; Ctrl-C ends it
    with 0 and leaves no trace."""
    command = [sys.executable, "-m", "xdm_mcp", "approvals", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment(home.path), stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        said = [server.stdout.readline() for _ in range(4)]
        (place,) = running(home.path)
        assert place.address in said[0]
        assert re.fullmatch(re.escape(place.address) + r"/enter/[0-9a-f.]+\n", said[2])
        with urlopen(said[2].strip()) as page:  # noqa: S310 - our own address
            assert b"Open the approval page here?" in page.read()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    assert running(home.path) == []
