"""The page's routes: reading takes a session, deciding a factor as well."""

from __future__ import annotations

from pathlib import Path

from tests.approvals.making import NOW, held_entry, seen
from tests.rigs import IRIS
from tests.server.page.rooms import page
from xdm_mcp.models.sends import Assurance
from xdm_mcp.server.page.desk_routes import draw_desk
from xdm_mcp.server.page.sessions import Session
from xdm_mcp.server.page.showing import Factors, Shown

TEXT = "Your parcel left today, with <b>care</b>."


async def test_the_address_alone_shows_nothing(tmp_path: Path) -> None:
    """Whoever fetches the address of a result learns neither text nor recipient nor number."""
    async with page(tmp_path) as desk:
        held = await desk.rig.send(TEXT)
        answer = await desk.get()
        assert answer.status_code == 401
        for secret in ("parcel", IRIS, held.approval_id or "-"):
            assert secret not in answer.text


async def test_where_the_policy_asks_for_a_passkey_no_pin_is_offered() -> None:
    """The page offers only what can be enough."""
    view = seen(held_entry(TEXT, least=Assurance.PASSKEY))
    for passkeys in (True, False):
        shown = Shown((view,), (), (), Factors(pin=True, passkeys=passkeys), None)
        html = bytes(draw_desk(shown, Session("key", NOW, b"secret")).body).decode()
        assert 'name="pin"' not in html
        assert ("Approve with a passkey" in html) is passkeys
        assert ("register one" in html) is not passkeys


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
