"""What nobody has opened yet, as far as the service tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import SERVICES, books
from xdm_mcp.server.render import text


@pytest.mark.parametrize("name", SERVICES)
async def test_a_conversation_is_called_unread_where_the_service_says_so(
    tmp_path: Path, name: str
) -> None:
    """The pretend GetXAPI calls unread what ends with their word; the others tell nothing."""
    async with books(tmp_path, name) as here:
        if not here.app.backend.capabilities.inbox:
            pytest.skip("this backend has no inbox")
        page = await here.app.inbox.page(limit=100)
        rows = page.conversations or []
        assert rows
        told = [row.unread for row in rows]
        if name == "getxapi":
            assert told == [row.last_from != page.account_id for row in rows]
            assert ('"unread"' in text(page)) is any(told)
        else:
            assert set(told) == {None}


async def test_what_was_forgotten_is_not_told_either(tmp_path: Path) -> None:
    """The memory of the process begins anew."""
    async with books(tmp_path, "getxapi") as here:
        page = await here.app.inbox.page(limit=100)
        here.app.feed.forget()
        assert {here.app.feed.unread(row.id) for row in page.conversations or []} == {None}
