"""The page's forms: each is good for one thing, once, in one session."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import anyio
import httpx2
import pytest

from tests.rigs import IRIS, JUNE
from tests.server.page.rooms import AS_OURS, ORIGIN, PIN, Page, page
from xdm_mcp.ledger.factors import FORGOTTEN
from xdm_mcp.models.sends import Assurance, SendState
from xdm_mcp.models.standing_rules import Terms
from xdm_mcp.server.page.room import ROOT, STALE
from xdm_mcp.server.page.routes import page_of
from xdm_mcp.server.page.sessions import LASTS, MOST
from xdm_mcp.server.page.tickets import VALID

TEXT = "It leaves today."


async def ready(desk: Page, text: str = TEXT, **where: str) -> str:
    """Have a PIN, a held send and a session; return the approval id."""
    if not await desk.rig.app.desk.pin.is_set():
        await desk.set_pin()
    held = await desk.rig.send(text, **where)
    await desk.enter()
    assert held.approval_id is not None
    return held.approval_id


async def lost(desk: Page) -> str:
    """Have a send whose outcome only a person can settle; return its approval id."""
    approval_id = await ready(desk)
    await desk.rig.fault("drop_before")
    await desk.approve(approval_id)
    await desk.rig.app.outbox.work()
    for _ in range(20):
        desk.rig.later(minutes=20)
        await desk.rig.app.outbox.work()
    return approval_id


async def state(desk: Page, approval_id: str) -> SendState:
    """Return how a send stands in the ledger."""
    return (await desk.rig.app.outbox.find(approval_id)).state


async def test_a_form_works_once(tmp_path: Path) -> None:
    """Sending the same form again decides nothing and says so, with the right PIN too."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        action = f"/send/{approval_id}/approve"
        form = await desk.form(action) | {"pin": "000001"}
        await desk.post(action, form)
        await desk.get()
        for _ in range(3):
            await desk.post(action, form | {"pin": PIN})
            assert STALE in (await desk.get()).text
        assert await state(desk, approval_id) is SendState.HELD


async def test_no_form_of_any_page_works_twice(tmp_path: Path) -> None:
    """Whatever comes of the first time, the second is refused as stale."""
    async with page(tmp_path) as desk:
        await ready(desk)
        account, now = await desk.rig.app.people.account(), desk.rig.clock.now()
        terms = Terms(user_id=IRIS, until=now + timedelta(days=1))
        await desk.rig.app.ledger.add_standing_rule(
            account.id, terms, Assurance.PERSON, "test", now
        )
        tried = []
        for path in ("", "/keys", "/rules"):
            html = (await desk.get(path)).text
            for action in sorted(set(re.findall(rf'action="{ROOT}(/[^"]+)"', html)) - {"/leave"}):
                form = await desk.form(action, path)
                for _ in range(2):
                    await desk.get(path)
                    answer = await desk.post(action, form)
                assert answer.status_code == 303
                assert STALE in (await desk.get(path)).text, action
                tried.append(action.rpartition("/")[2])
        assert set(tried) == {"approve", "read", "refuse", "pin", "passkeys", "rules", "withdraw"}


async def test_an_approved_form_sent_again_sends_nothing_twice(tmp_path: Path) -> None:
    """Reloading after an approval is harmless."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        action = f"/send/{approval_id}/approve"
        form = await desk.form(action) | {"pin": PIN}
        for _ in range(3):
            await desk.post(action, form)
            await desk.rig.app.outbox.work()
        assert (await desk.rig.deliveries()).count(TEXT) == 1


async def test_a_form_fits_its_own_send_only(tmp_path: Path) -> None:
    """The token of one send approves no other, and with another digest not even its own."""
    async with page(tmp_path) as desk:
        one = await ready(desk)
        other = await ready(desk, "To somebody else.", to=JUNE)
        form = await desk.form(f"/send/{one}/approve") | {"pin": PIN}
        theirs = await desk.form(f"/send/{other}/approve")
        await desk.post(f"/send/{other}/approve", form)
        await desk.post(f"/send/{other}/approve", form | {"digest": theirs["digest"]})
        await desk.post(f"/send/{one}/approve", form | {"digest": theirs["digest"]})
        await desk.post(f"/send/{one}/approve", form | {"digest": "0" * 64})
        assert await state(desk, one) is await state(desk, other) is SendState.HELD
        await desk.post(f"/send/{one}/approve", form)
        assert await state(desk, one) is SendState.APPROVED


async def test_a_form_fits_its_own_verb_only(tmp_path: Path) -> None:
    """The token that refuses approves nothing."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        token = (await desk.form(f"/send/{approval_id}/refuse"))["token"]
        shown = await desk.form(f"/send/{approval_id}/approve")
        await desk.post(f"/send/{approval_id}/approve", shown | {"token": token, "pin": PIN})
        assert await state(desk, approval_id) is SendState.HELD


async def test_a_form_fits_its_own_session_only(tmp_path: Path) -> None:
    """What one browser was shown, another cannot send, though it is in as well."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        form = await desk.form(f"/send/{approval_id}/approve") | {"pin": PIN}
        desk.client.cookies.clear()
        await desk.post(f"/send/{approval_id}/approve", form)
        await desk.enter()
        await desk.post(f"/send/{approval_id}/approve", form)
        assert await state(desk, approval_id) is SendState.HELD


@pytest.mark.parametrize(
    "body",
    [
        "",
        "token",
        "token=1&token=2",
        "&".join(f"f{n}=1" for n in range(50)),
        "pin=%ff%fe",
        "token=%00",
        "token=\N{SNOWMAN}",
        "a" * 60_000,
    ],
)
async def test_what_is_no_form_is_refused_in_a_sentence(body: str, tmp_path: Path) -> None:
    """Nothing that can be sent breaks the page or decides anything."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        for action in ("approve", "refuse", "ask"):
            path = f"{ROOT}/send/{approval_id}/{action}"
            answer = await desk.client.post(path, content=body.encode(), headers=AS_OURS | kind)
            assert answer.status_code in (303, 400)
        assert await state(desk, approval_id) is SendState.HELD


async def test_a_wrong_pin_approves_nothing_and_five_lock_it(tmp_path: Path) -> None:
    """The page says how many tries are left, and then that none is, even with the right PIN."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        for left in ("4 tries are", "3 tries are", "2 tries are", "1 try is"):
            await desk.approve(approval_id, "111999")
            assert f"{left} left" in (await desk.get()).text
        await desk.approve(approval_id, "111999")
        await desk.approve(approval_id)
        assert "Too many wrong PINs" in (await desk.get()).text
        assert await state(desk, approval_id) is SendState.HELD


async def test_wrong_pins_and_openings_are_told(tmp_path: Path) -> None:
    """The page says how many wrong PINs there were and where; the audit chain also who came in."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        assert "wrong PIN" not in (await desk.get()).text
        await desk.approve(approval_id, "111999")
        await desk.post("/unlock", {"pin": "111999"})
        await desk.post("/unlock", {"pin": PIN})
        assert "2 wrong PINs since" in (await desk.get()).text
        told = await desk.rig.app.ledger.audit(-4)
        assert [(one.event, one.what) for one in told] == [
            ("page_opened", '{"by":"ticket"}'),
            ("pin_wrong", '{"by":"page"}'),
            ("pin_wrong", '{"by":"page"}'),
            ("page_opened", '{"by":"PIN, page"}'),
        ]


async def test_a_refused_send_never_goes_out(tmp_path: Path) -> None:
    """A refusal takes no PIN; what happened is then told with where it was decided."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        action = f"/send/{approval_id}/refuse"
        await desk.post(action, await desk.form(action))
        await desk.rig.app.outbox.work()
        html = (await desk.get()).text
        assert ">Rejected</span> to" in html
        assert "rejected at the page" in html
        assert TEXT not in await desk.rig.deliveries()


async def test_an_altered_row_offers_no_approval(tmp_path: Path) -> None:
    """Where the ledger no longer says what was held, the page says so and offers a refusal only."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        with sqlite3.connect(tmp_path / "ledger.db") as ledger:
            ledger.execute("UPDATE entry SET text = 'Send me money.'")
        html = (await desk.get()).text
        assert "was altered after it was held" in html
        assert f"/send/{approval_id}/approve" not in html
        assert f"/send/{approval_id}/refuse" in html


async def test_a_ticket_lets_one_browser_in_for_two_minutes(tmp_path: Path) -> None:
    """Looking at its address uses nothing up; a second use, a late one and a forged one do not
    open."""
    async with page(tmp_path) as desk:
        ticket = desk.ticket()
        for _ in range(2):
            assert (await desk.get(f"/enter/{ticket}")).status_code == 200
        late = desk.ticket()
        assert (await desk.post("/enter", {"ticket": ticket})).status_code == 303
        desk.rig.clock.advance(VALID)
        for wrong in (ticket, late, "", "1.2.3", f"9{ticket}", desk.ticket()[:-1], "é.é"):
            assert (await desk.post("/enter", {"ticket": wrong})).status_code == 401


async def test_the_pin_unlocks_the_page_for_reading(tmp_path: Path) -> None:
    """Who types it is in; to approve, it is asked for again."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        held = await desk.rig.send(TEXT)
        assert (await desk.post("/unlock", {"pin": PIN})).status_code == 303
        assert TEXT in (await desk.get()).text
        action = f"/send/{held.approval_id}/approve"
        await desk.post(action, await desk.form(action))
        assert await state(desk, held.approval_id or "") is SendState.HELD


async def test_guessing_at_the_locked_page_ends_before_it_locks_the_owner_out(
    tmp_path: Path,
) -> None:
    """After three wrong PINs it takes tickets alone, however many come at once and however often
    the page starts anew; the PIN itself is not locked by it, and a day heals it."""
    async with page(tmp_path) as desk:
        await ready(desk)
        desk.client.cookies.clear()

        async def guess() -> None:
            assert (await desk.post("/unlock", {"pin": "111999"})).status_code == 401

        async with anyio.create_task_group() as guesses:
            for _ in range(20):
                guesses.start_soon(guess)
        right = await desk.post("/unlock", {"pin": PIN})
        assert right.status_code == 401
        assert "Too many wrong PINs here" in right.text
        desk.rig.clock.advance(FORGOTTEN)
        assert (await desk.post("/unlock", {"pin": "no form", "x": "y"})).status_code == 401
        assert (await desk.post("/unlock", {"pin": PIN})).status_code == 303


async def test_forms_that_are_none_use_up_no_try(tmp_path: Path) -> None:
    """Only a PIN that was judged counts, and what the locked page leaves is enough to approve."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        desk.client.cookies.clear()
        for _ in range(9):
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answer = await desk.client.post(
                f"{ROOT}/unlock", content=b"pin=1&pin=2", headers=AS_OURS | kind
            )
            assert answer.status_code == 401
        for _ in range(9):
            await desk.post("/unlock", {"pin": "111999"})
        await desk.enter()
        await desk.approve(approval_id, "111999")
        await desk.approve(approval_id)
        assert await state(desk, approval_id) is SendState.APPROVED


async def test_a_session_ends_by_leaving_by_time_and_by_too_many(tmp_path: Path) -> None:
    """An old cookie opens nothing."""
    async with page(tmp_path) as desk:
        await desk.enter()
        left = desk.cookie
        await desk.post("/leave", await desk.form("/leave"))
        assert (await desk.get(cookie=left)).status_code == 401
        await desk.enter()
        assert (await desk.get()).status_code == 200
        desk.rig.clock.advance(LASTS)
        assert (await desk.get()).status_code == 401
        await desk.enter()
        first = desk.cookie
        for _ in range(MOST):
            assert (await desk.get(cookie=first)).status_code == 200
            await desk.enter()
        assert (await desk.get(cookie=first)).status_code == 401


async def test_the_last_messages_are_read_when_asked_for(tmp_path: Path) -> None:
    """What was said before stands above the draft once the owner had it read."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        await desk.rig.says("iris_sandbox", "Is my parcel on its way?")
        action = f"/send/{approval_id}/read"
        assert "Is my parcel" not in (await desk.get()).text
        await desk.post(action, await desk.form(action))
        assert "Is my parcel on its way?" in (await desk.get()).text


async def test_what_the_owner_has_read_on_the_page_counts_as_shown_to_no_agent(
    tmp_path: Path,
) -> None:
    """No agent got those words, so none is said to act on them; one that reads them itself is."""
    async with page(tmp_path) as desk:
        approval_id = await ready(desk)
        await desk.rig.says("iris_sandbox", "Is my parcel on its way?")
        action = f"/send/{approval_id}/read"
        await desk.post(action, await desk.form(action))
        assert "Is my parcel on its way?" in (await desk.get()).text

        held = await desk.rig.send("Good morning.", to=JUNE)
        assert "taint" not in [reason.rule for reason in held.reasons]
        await desk.rig.app.inbox.page(with_user=IRIS)
        held = await desk.rig.send("Good evening.", to=JUNE)
        assert "taint" in [reason.rule for reason in held.reasons]


async def test_a_cookie_opens_its_own_server_only(tmp_path: Path) -> None:
    """After a restart, and on another server of the same home, a session and a ticket are worth
    nothing."""
    async with page(tmp_path) as desk, page(tmp_path) as other:
        await desk.enter()
        transport = httpx2.ASGITransport(app=page_of(other.room), client=("127.0.0.1", 1))
        cookies = dict(desk.client.cookies)
        async with httpx2.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies=cookies
        ) as client:
            assert (await client.get(ROOT)).status_code == 401


async def test_an_unknown_send_stays_on_the_page_whatever_is_asked_for_after_it(
    tmp_path: Path,
) -> None:
    """An agent that goes on asking does not push out of sight what its owner has to settle."""
    async with page(tmp_path) as desk:
        await lost(desk)
        for number in range(105):
            held = await desk.rig.send(f"Draft number {number}.", to=JUNE)
            await desk.rig.app.desk.reject(str(held.approval_id), "test")
        await desk.enter()
        assert "Maybe sent: only you can say" in (await desk.get()).text


async def test_only_a_person_settles_an_unknown_send(tmp_path: Path) -> None:
    """A send of lost outcome is shown once nothing reads it back; a word with the PIN settles it,
    and neither a session nor a wrong PIN does."""
    async with page(tmp_path) as desk:
        approval_id = await lost(desk)
        assert await state(desk, approval_id) is SendState.UNKNOWN
        entry = await desk.rig.app.outbox.find(approval_id)
        form = await desk.form(f"/entry/{entry.id}/resolve")
        await desk.post(f"/entry/{entry.id}/resolve", form | {"word": "perhaps", "pin": PIN})
        assert await state(desk, approval_id) is SendState.UNKNOWN
        for wrong in ({}, {"pin": "111999"}):
            form = await desk.form(f"/entry/{entry.id}/resolve")
            await desk.post(f"/entry/{entry.id}/resolve", form | {"word": "not-sent"} | wrong)
            assert await state(desk, approval_id) is SendState.UNKNOWN
        form = await desk.form(f"/entry/{entry.id}/resolve")
        await desk.post(f"/entry/{entry.id}/resolve", form | {"word": "not-sent", "pin": PIN})
        assert await state(desk, approval_id) is SendState.FAILED


@pytest.mark.parametrize("named", ["9" * 5_000, "0", "one"])
async def test_a_word_on_a_send_that_is_none_is_turned_away(tmp_path: Path, named: str) -> None:
    """Whatever stands in its address, with a session or without one."""
    async with page(tmp_path) as desk:
        outside = await desk.post(f"/entry/{named}/resolve", {"word": "not-sent", "pin": PIN})
        await desk.enter()
        inside = await desk.post(f"/entry/{named}/resolve", {"word": "not-sent", "pin": PIN})

    assert (outside.status_code, inside.status_code) == (401, 303)
