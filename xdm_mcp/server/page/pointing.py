"""Telling an agent where its owner decides: the page's address, which opens nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence

from xdm_mcp.app import App
from xdm_mcp.models.results import HeldRow, SendResult
from xdm_mcp.server.logs import acting_for


class WaitingRow(HeldRow):
    """A held send as `xdm://approvals` tells it: also how its owner decides."""

    how_to_approve: str


async def with_page(app: App, result: SendResult) -> SendResult:
    """Return a result that names the page where something is held and a page can be had."""
    if result.approval_id is None or result.how_to_approve is None:
        return result
    from xdm_mcp.outbox.telling import how_to_approve  # no part of a server's start

    says = how_to_approve(result.approval_id, await app.page_address(), acting_for.get())
    return result.model_copy(update={"how_to_approve": says})


async def waiting(app: App, rows: Sequence[HeldRow]) -> list[WaitingRow]:
    """Return held sends with how their owner decides."""
    from xdm_mcp.outbox.telling import how_to_approve

    page = await app.page_address() if rows else None
    name = acting_for.get()
    return [
        WaitingRow(**row.model_dump(), how_to_approve=how_to_approve(row.approval_id, page, name))
        for row in rows
    ]
