"""The page of a stdio server: it opens when something is first held, and costs nothing before."""

from __future__ import annotations

import logging
import sys

import anyio
from anyio.abc import TaskGroup

from xdm_mcp.app import App
from xdm_mcp.errors import ConfigError

log = logging.getLogger(__name__)


def offer_page(app: App, tasks: TaskGroup) -> None:
    """Have held sends of `app` name the page, which then opens in `tasks`, unless the owner
    switched it off."""
    if app.settings.approvals.page == "on_demand":
        app.page_address = OnDemand(app, tasks).address


async def page_elsewhere(app: App) -> str | None:
    """Return where a page runs already for the ledger of `app`, such as one that its owner
    started."""
    from xdm_mcp.server.page.places import running

    places = running(app.settings.home, app.settings.ledger_url)
    return places[0].address if places else None


class OnDemand:
    """Opens the page in a task group that lives as long as the server."""

    def __init__(self, app: App, tasks: TaskGroup) -> None:
        """Serve in `tasks`; open nothing yet."""
        self._app = app
        self._tasks = tasks
        self._opening = anyio.Lock()
        self._own: str | None = None
        self._trouble = False

    async def address(self) -> str | None:
        """Return where the owner decides: a page that runs already for this ledger, else our own,
        opened now. None where none can be opened, which the log says once."""
        async with self._opening:
            if self._own is None and not self._trouble:
                elsewhere = await page_elsewhere(self._app)
                if elsewhere is not None:
                    return elsewhere
                await self._open()
        return self._own

    async def _open(self) -> None:
        from xdm_mcp.server.page.serving import serve_page

        try:
            place = await self._tasks.start(
                serve_page, self._app, self._app.settings.approvals.port
            )
        except (ConfigError, OSError) as error:
            self._trouble = True
            log.warning("The approval page could not be opened: %s", error)
            return
        self._own = place.address
        sys.stderr.write(f"Held sends wait for you at {self._own}\n")
        sys.stderr.flush()
