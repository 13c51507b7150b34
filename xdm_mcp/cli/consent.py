"""The way through X's consent page: in the browser of this machine, or of another one."""

from __future__ import annotations

import sys
import webbrowser
from datetime import UTC, datetime

from xdm_mcp.cli.paint import screen
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.callback import PORT, Callback, redirect_uri
from xdm_mcp.errors import BadInput


def consented(
    client: oauth.Client, origin: str, port: int | None, *, headless: bool
) -> oauth.Grant:
    """Return what a person granted on X's page. Raises LoginFailed, BackendUnavailable, BadInput
    where nobody can paste, and ConfigError where the callback's port is taken."""
    port = PORT if port is None else port
    attempt, url = _pasted(client, origin, port) if headless else _returned(client, origin, port)
    code = oauth.code_in(attempt, url)
    return oauth.exchange(attempt, code, client, origin, datetime.now(UTC))


def _returned(client: oauth.Client, origin: str, port: int) -> tuple[oauth.Attempt, str]:
    with Callback(port) as callback:
        attempt = oauth.begin(client, callback.redirect_uri, origin)
        screen().print("Your browser opens X's page. If it does not, open this address:")
        screen().print(attempt.url)
        webbrowser.open(attempt.url)
        return attempt, callback.wait(attempt)


def _pasted(client: oauth.Client, origin: str, port: int) -> tuple[oauth.Attempt, str]:
    if not sys.stdin.isatty():
        raise BadInput("Nobody can paste an address here: run it in a terminal.")
    attempt = oauth.begin(client, redirect_uri(port), origin)
    screen().print("Open this address in any browser and agree:")
    screen().print(attempt.url)
    screen().print(
        "The browser then fails to open a page of 127.0.0.1. Copy the address of that page."
    )
    return attempt, input("Paste it here within 30 seconds: ").strip()
