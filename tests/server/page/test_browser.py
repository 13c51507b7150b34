"""The page in a real browser: what a person sees, presses and types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from tests.server.page.browsing import PIN, Window, chromium, in_a_browser, window
from xdm_mcp.approvals.view import conversation_of
from xdm_mcp.models.sends import Assurance, SendState

pytestmark = [in_a_browser, pytest.mark.asyncio(loop_scope="module")]

TEXT = "Your parcel left today: it should be with you on Tuesday. 📦 <b>Bold</b>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    """One browser for all tests of this file; each test has a profile of its own."""
    async with chromium() as one:
        yield one


async def state(before: Window, approval_id: str | None) -> SendState:
    """Return how a send stands."""
    return (await before.rig.app.outbox.find(approval_id or "")).state


async def test_a_pin_approves_and_the_exact_text_is_delivered(browser: Any, tmp_path: Path) -> None:
    """What was read on the page is what X gets, and the page then says so by itself."""
    async with window(browser, tmp_path) as before:
        await before.hold(TEXT)
        await before.enter()
        assert await before.tab.inner_text(".draft .words") == TEXT
        await before.tab.fill("form.pin input[name=pin]", PIN)
        await before.tab.click("text=Approve and send")
        await before.delivered(TEXT)
        await before.tab.wait_for_selector(".state.sent")
        await before.tab.wait_for_selector("text=Nothing waits for you")
        assert "PIN, page" in await before.tab.inner_text(".past")
        await before.picture("sent")


async def test_a_refusal_takes_one_key(browser: Any, tmp_path: Path) -> None:
    """The refusal has the focus, so Enter refuses and nothing is ever approved by chance."""
    async with window(browser, tmp_path) as before:
        held = await before.hold(TEXT)
        await before.enter()
        await before.tab.wait_for_selector("button.refuse:focus")
        await before.tab.keyboard.press("Enter")
        await before.tab.wait_for_selector(".state.rejected")
        assert await state(before, held.approval_id) is SendState.REJECTED


async def test_the_keyboard_alone_approves(browser: Any, tmp_path: Path) -> None:
    """Tab leads from the refusal to the PIN; Enter in it approves."""
    async with window(browser, tmp_path) as before:
        await before.hold(TEXT)
        await before.enter()
        await before.tab.wait_for_selector("button.refuse:focus")
        await before.tab.keyboard.press("Tab")
        assert await before.tab.evaluate("document.activeElement.name") == "pin"
        await before.tab.keyboard.type(PIN)
        await before.tab.keyboard.press("Enter")
        await before.delivered(TEXT)


async def test_the_address_of_a_result_and_the_pin_are_enough(browser: Any, tmp_path: Path) -> None:
    """The owner follows the address, types the PIN, reads, and types it again to approve."""
    async with window(browser, tmp_path) as before:
        await before.hold(TEXT)
        await before.open()
        await before.tab.wait_for_selector("input[name=pin]:focus")
        await before.picture("locked")
        await before.tab.keyboard.type(PIN)
        await before.tab.keyboard.press("Enter")
        await before.tab.wait_for_selector("button.refuse:focus")
        await before.tab.keyboard.press("Tab")
        await before.tab.keyboard.type(PIN)
        await before.tab.keyboard.press("Enter")
        await before.delivered(TEXT)


async def test_wrong_pins_lock(browser: Any, tmp_path: Path) -> None:
    """After five wrong PINs the right one opens nothing either, and the page says until when."""
    async with window(browser, tmp_path) as before:
        held = await before.hold(TEXT)
        await before.enter()
        for typed in ("111999",) * 5 + (PIN,):
            await before.tab.fill("form.pin input[name=pin]", typed)
            async with before.tab.expect_navigation():
                await before.tab.click("text=Approve and send")
        assert "Too many wrong PINs" in await before.tab.inner_text("[role=alert]")
        await before.picture("locked-out")
        assert await state(before, held.approval_id) is SendState.HELD


async def test_a_send_held_meanwhile_appears_by_itself(browser: Any, tmp_path: Path) -> None:
    """Another process holds a send: it appears without a click, what is being typed stays, and
    one that is decided elsewhere goes."""
    async with window(browser, tmp_path) as before:
        await before.enter()
        await before.tab.wait_for_selector("text=Nothing waits for you")
        first = await before.hold(TEXT)
        await before.tab.wait_for_selector("article.held")
        await before.tab.fill("form.pin input[name=pin]", "28491")
        await before.hold("A second one.", to="june_sandbox")
        await before.tab.wait_for_selector("article.held >> nth=1")
        assert await before.tab.input_value("form.pin input[name=pin] >> nth=0") == "28491"
        assert (await before.tab.title()).startswith("(2)")
        await before.rig.app.desk.reject(first.approval_id or "", "terminal")
        await before.tab.wait_for_selector(f"[data-key='past-{first.approval_id}']")
        assert await before.tab.locator("article.held").count() == 1
        assert "A second one." in await before.tab.inner_text("article.held")


CLICK_AT_ONCE = """new MutationObserver((_, watching) => {
    if (!document.querySelector(".line.theirs")) return;
    watching.disconnect();
    document.querySelector("button.approve").click();
}).observe(document.getElementById("live"), { childList: true, subtree: true })"""


async def test_a_card_that_changes_keeps_what_is_typed_and_approves_nothing_at_once(
    browser: Any, tmp_path: Path
) -> None:
    """What was said before appears above the draft: PIN and focus stay, and a click in the same
    moment, aimed at what was there before, is not taken."""
    async with window(browser, tmp_path) as before:
        held = await before.hold(TEXT)
        await before.enter()
        await before.tab.fill("form.pin input[name=pin]", PIN)
        await before.tab.focus("form.pin input[name=pin]")
        await before.tab.evaluate(CLICK_AT_ONCE)
        entry = await before.rig.app.outbox.find(held.approval_id or "")
        await before.rig.app.inbox.page(conversation_id=conversation_of(entry), limit=5)
        await before.tab.wait_for_selector(".line.theirs")
        await before.tab.wait_for_selector("#live:not(.moved)")
        assert await before.tab.input_value("form.pin input[name=pin]") == PIN
        assert await before.tab.evaluate("document.activeElement.name") == "pin"
        assert await state(before, held.approval_id) is SendState.HELD
        await before.tab.keyboard.press("Enter")
        await before.delivered(TEXT)


async def register(before: Window) -> None:
    """Come in with a new device, and register it."""
    await before.add_authenticator()
    await before.enter()
    await before.open("/keys")
    await before.tab.fill("form[action$='/keys/passkeys'] input[name=name]", "Kitchen laptop")
    await before.tab.fill("form[action$='/keys/passkeys'] input[name=pin]", PIN)
    await before.tab.click("text=Add a passkey")
    await before.tab.click("[data-register] button")
    await before.tab.wait_for_selector("text=Kitchen laptop is registered")


async def test_a_passkey_is_registered_and_approves(browser: Any, tmp_path: Path) -> None:
    """A device that verifies its user signs the digest of the send; it counts as a passkey."""
    async with window(browser, tmp_path) as before:
        held = await before.hold(TEXT)
        await register(before)
        await before.picture("keys")
        await before.open()
        await before.tab.click("text=Approve with a passkey")
        await before.delivered(TEXT)
        entry = await before.rig.app.outbox.find(held.approval_id or "")
        assert entry.hold is not None
        assert entry.hold.assurance is Assurance.PASSKEY


SETTLE_AT_ONCE = """new MutationObserver((_, watching) => {
    if (!document.querySelector("article.held")) return;
    watching.disconnect();
    document.querySelector("form[action$='/resolve'][data-ask] button").click();
}).observe(document.getElementById("live"), { childList: true, subtree: true })"""


async def test_a_change_settles_nothing_at_once_by_passkey_either(
    browser: Any, tmp_path: Path
) -> None:
    """A card that appears moves the two answers to a lost send, and one of them lets an agent send
    it again: a click in the same moment is not taken, a later one is."""
    async with window(browser, tmp_path) as before:
        await register(before)
        held = await before.hold(TEXT)
        await before.rig.fault("drop_before", method="POST", path="/messages")
        await before.open()
        await before.tab.click("text=Approve with a passkey")
        await lost(before, held.approval_id or "")
        await before.tab.wait_for_selector("text=It was not sent, with a passkey")
        await before.tab.evaluate(SETTLE_AT_ONCE)
        await before.hold("A second one.", to="june_sandbox")
        await before.tab.wait_for_selector("article.held")
        await before.tab.wait_for_selector("#live:not(.moved)")
        await before.tab.wait_for_timeout(500)
        assert await state(before, held.approval_id) is SendState.UNKNOWN
        await before.tab.click("text=It was not sent, with a passkey")
        await before.tab.wait_for_selector("text=Maybe sent: only you can say", state="detached")
        assert await state(before, held.approval_id) is SendState.FAILED


async def lost(before: Window, approval_id: str) -> None:
    """Wait until a send is unknown, and let it be read back no more."""
    with anyio.fail_after(15):
        while True:
            entry = await before.rig.app.outbox.find(approval_id)
            if entry.state is SendState.UNKNOWN and entry.next_read_at is None and entry.reads:
                return
            if entry.state is SendState.UNKNOWN:
                await before.rig.app.ledger.postpone_read(entry, None, before.rig.clock.now())
            await before.tab.wait_for_timeout(100)


async def test_a_passkey_that_is_asked_after_the_session_ended_leads_to_the_lock(
    browser: Any, tmp_path: Path
) -> None:
    """A tab that was left open says what to do, not what a parser says of a page."""
    async with window(browser, tmp_path) as before:
        await register(before)
        await before.tab.context.clear_cookies()
        await before.tab.click("text=Forget it, with a passkey")
        await before.tab.wait_for_selector("text=This page is locked")


async def test_without_a_pin_the_page_says_where_it_is_set(browser: Any, tmp_path: Path) -> None:
    """Nothing can be approved before; once the PIN is set in a terminal, the form is there by
    itself."""
    async with window(browser, tmp_path, pin=False) as before:
        await before.hold(TEXT)
        await before.enter()
        assert await before.tab.locator("text=Approve and send").count() == 0
        await before.tab.click("text=set one")
        await before.tab.wait_for_selector("text=xdm-mcp approvals pin")
        await before.open()
        await before.rig.app.desk.pin.set_first(PIN, "terminal")
        await before.tab.wait_for_selector("text=Approve and send")


LOOKS = {
    "light": (900, "light"),
    "dark": (900, "dark"),
    "phone": (360, "light"),
    "narrow": (320, "dark"),
}
"""How wide each picture is, in pixels, and in which colours."""

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
CUT = "[...document.querySelectorAll('.words')].some(w => w.scrollWidth > w.clientWidth)"


async def test_it_fits_every_screen_and_nothing_is_cut(browser: Any, tmp_path: Path) -> None:
    """In light and dark, at a desk and on a phone, nothing needs scrolling sideways, and the whole
    text is there."""
    long = " ".join([f"{'w' * 300} https://bank.example@evil.example/pay {TEXT}"] * 4)
    async with window(browser, tmp_path, device_scale_factor=2) as before:
        await before.hold(long)
        await before.hold("We met at the fair. Shall we talk?", to="june_sandbox")
        gone = await before.hold("One that is refused.", to="june_sandbox")
        await before.rig.app.desk.reject(gone.approval_id or "", "terminal")
        await before.enter()
        papers = set()
        for look, (width, scheme) in LOOKS.items():
            await before.tab.set_viewport_size({"width": width, "height": 740})
            await before.tab.emulate_media(color_scheme=scheme)
            for part in ("/rules", "/keys", ""):
                await before.open(part)
                await before.picture(look + part.replace("/", "-"))
                assert await before.tab.evaluate(FITS), (look, part)
                assert not await before.tab.evaluate(CUT), (look, part)
            assert await before.tab.inner_text(".draft .words >> nth=0") == long
            papers.add(await before.tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(papers) == 2


async def test_without_scripts_a_pin_approves(browser: Any, tmp_path: Path) -> None:
    """All but live updates and passkeys works in a browser that runs no script."""
    async with window(browser, tmp_path, java_script_enabled=False) as before:
        await before.hold(TEXT)
        await before.enter()
        await before.tab.fill("form.pin input[name=pin]", PIN)
        await before.tab.click("text=Approve and send")
        await before.delivered(TEXT)


async def test_another_site_can_neither_frame_nor_post(browser: Any, tmp_path: Path) -> None:
    """A page of another origin, in the very browser that is in, gets nothing from ours."""
    async with window(browser, tmp_path) as before:
        held = await before.hold(TEXT)
        await before.enter()
        action = f"{before.place.address}/send/{held.approval_id}/refuse"
        evil = f"""<iframe src="{before.place.address}"></iframe>
            <form method="post" action="{action}"><input name="token"><button>Win</button></form>"""
        await before.tab.context.route(
            "http://evil.example/", lambda route: route.fulfill(body=evil, content_type="text/html")
        )
        tab = await before.tab.context.new_page()
        await tab.goto("http://evil.example/")
        for frame in tab.frames:
            assert "Waiting" not in await frame.content()
        async with tab.expect_navigation() as gone:
            await tab.click("text=Win")
        assert (await gone.value).status == 403
        assert await state(before, held.approval_id) is SendState.HELD
