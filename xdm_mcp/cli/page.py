"""`xdm-mcp approvals serve` and `approvals open`: the approval page, and the way into it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import anyio

from xdm_mcp.app import App
from xdm_mcp.cli.opening import settings_of, with_app
from xdm_mcp.cli.paint import screen
from xdm_mcp.clock import SystemClock
from xdm_mcp.errors import Unavailable

if TYPE_CHECKING:
    from xdm_mcp.server.page.places import Place


def serve(args: Namespace) -> int:
    """Serve the page until Ctrl-C, and send what is approved on it."""
    return with_app(args, _serve)


def open_page(args: Namespace) -> int:
    """Print an address that lets one browser into the page that runs for this home."""
    from xdm_mcp.server.page.places import running

    settings = settings_of(args)
    places = running(settings.home, settings.ledger_url)
    if not places:
        raise Unavailable(
            "No approval page runs for this home; start one with `xdm-mcp approvals serve`."
        )
    _print_way_in(places[0])
    return 0


async def _serve(app: App, args: Namespace) -> int:
    from xdm_mcp.server.logs import log_to_stderr
    from xdm_mcp.server.page.serving import serve_page
    from xdm_mcp.server.stopping import Calls, finish_sends, told_to_stop

    log_to_stderr(app.settings.log.level, app.settings.log.format)
    port = app.settings.approvals.port if args.port is None else args.port
    async with anyio.create_task_group() as tasks:
        place = await tasks.start(serve_page, app, port)
        tasks.start_soon(app.run)
        screen().print(f"The approval page is at {place.address}", style="green")
        _print_way_in(place)
        screen().print("Another way in: `xdm-mcp approvals open`. Stop with Ctrl-C.", style="dim")
        await told_to_stop()
        await finish_sends(app, Calls())
        tasks.cancel_scope.cancel()
    return 0


def _print_way_in(place: Place) -> None:
    """Print a one-time address by itself on a line, so that it can be taken whole."""
    from xdm_mcp.server.page.tickets import VALID, mint

    minutes = int(VALID.total_seconds() // 60)
    screen().print(f"Open this in your browser, once, within {minutes} minutes:")
    print(f"{place.address}/enter/{mint(place.secret, SystemClock().now())}", flush=True)
