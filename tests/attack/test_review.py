"""Ways around the promise that a reviewer found. Each is expected to fail until it is closed; then
the mark goes and the test stays."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import httpx2

from tests.approvals.authenticator import Authenticator
from tests.rigs import IRIS, JUNE, START
from tests.server.page.rooms import PIN, Page, page
from xdm_mcp.app import open_app
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings, load
from xdm_mcp.models.sends import Assurance
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.x_api_v2.tokens import Token


async def test_what_is_approved_for_one_account_leaves_from_no_other(tmp_path: Path) -> None:
    """Two processes on one ledger, each with the login of another account."""
    clock = ManualClock(START)
    other = {"token-of-iris": Token(account_id=IRIS)}
    wire = httpx2.ASGITransport(app=build_app(MemoryJournal(clock), clock, tokens=other))

    def speaking(token: str) -> Settings:
        return load(home=tmp_path, env={}, backend="x-api-v2", x_access_token=token)

    async with (
        open_app(speaking("sandbox-token"), clock=clock) as ours,
        open_app(speaking("token-of-iris"), clock=clock) as theirs,
        httpx2.AsyncClient(transport=wire, base_url="http://sandbox") as controls,
    ):
        for app in (ours, theirs):
            app.__dict__["backend"] = open_backend(app.settings, clock, wire)
        held = await ours.outbox.send(text="From our account alone.", to=JUNE)
        view = await ours.desk.view(held.approval_id or "")
        await ours.outbox.approve(
            view.approval_id, digest=view.digest or "", assurance=Assurance.PERSON, by="test"
        )
        await theirs.outbox.work()
        await ours.outbox.work()
        sent = (await controls.get("/_sandbox/deliveries")).json()["deliveries"]

    assert [message["sender_id"] for message in sent] == [view.account_id]


async def test_who_knows_the_pin_alone_approves_nothing_that_takes_a_passkey(
    tmp_path: Path,
) -> None:
    """A PIN can be overheard or asked for by a false page; `strict` is the answer to that.

    Whoever has it needs neither browser nor device: this is done by plain requests.
    """
    async with page(tmp_path, preset="strict") as desk:
        await desk.set_pin()
        assert (await desk.post("/unlock", {"pin": PIN})).status_code == 303
        await add_passkey(desk, Authenticator(b"the-owners"))
        held = await desk.rig.send("This takes the owner's device.")

        false = Authenticator(b"a-program")
        await add_passkey(desk, false)
        await approve_with(desk, false, held.approval_id or "")
        await desk.rig.app.outbox.work()

        assert await desk.rig.deliveries() == []


async def add_passkey(desk: Page, device: Authenticator) -> None:
    """Add a passkey as the page's forms do, where they let us."""
    path = "/keys/passkeys"
    if f'action="/approvals{path}"' not in (await desk.get("/keys")).text:
        return
    form = await desk.form(path, "/keys")
    offered = (await desk.post(path, form | {"name": "Laptop", "pin": PIN})).text
    options = re.search(r'data-register="([^"]+)"', offered)
    if options is None:
        return
    shown = re.search(r'action="[^"]*/passkeys/add".*?</form>', offered, re.DOTALL)
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown[0] if shown else "")
    answer = json.dumps(device.create(json.loads(unescape(options[1]))))
    await desk.post(f"{path}/add", dict(hidden) | {"answer": answer, "name": "Laptop"})


async def approve_with(desk: Page, device: Authenticator, approval_id: str) -> None:
    """Approve a held send with a device as the page's script does."""
    html = (await desk.get()).text
    token = re.search(rf'data-ask="[^"]*{approval_id}/ask" data-token="([^"]+)"', html)
    action = f"/send/{approval_id}/approve"
    form = await desk.form(action)
    asked = {"token": token[1] if token else "", "digest": form["digest"]}
    asking = (await desk.post(f"/send/{approval_id}/ask", asked)).json()
    answer = json.dumps(device.get(asking["options"]))
    await desk.post(action, form | {"ceremony": asking["ceremony"], "answer": answer})
