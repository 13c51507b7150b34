"""The page's routes: reading takes a session, deciding a factor as well."""

from __future__ import annotations

from pathlib import Path

from tests.rigs import IRIS
from tests.server.page.rooms import page

TEXT = "Your parcel left today, with <b>care</b>."


async def test_the_address_alone_shows_nothing(tmp_path: Path) -> None:
    """Whoever fetches the address of a result learns neither text nor recipient nor number."""
    async with page(tmp_path) as desk:
        held = await desk.rig.send(TEXT)
        answer = await desk.get()
        assert answer.status_code == 401
        for secret in ("parcel", IRIS, held.approval_id or "-"):
            assert secret not in answer.text


async def test_an_approval_by_pin_sends_the_exact_text(tmp_path: Path) -> None:
    """The form of the page approves what it showed, and the background sends it once."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        held = await desk.rig.send(TEXT)
        await desk.enter()
        assert held.approval_id is not None
        answer = await desk.approve(held.approval_id)
        assert answer.status_code == 303
        await desk.rig.app.outbox.work()
        assert (await desk.rig.deliveries())[-1] == TEXT
