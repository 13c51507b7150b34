"""PIN, passkeys and standing rules on the page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.approvals.authenticator import Authenticator
from tests.rigs import IRIS
from tests.server.page.rooms import AS_OURS, PIN, Page, fields_of, page
from xdm_mcp.approvals.factors import ADD_PASSKEY, CHANGE_PIN, REMOVE_PASSKEY
from xdm_mcp.approvals.standing_rules import ANYONE
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.models.sends import Assurance
from xdm_mcp.server.page.room import ROOT, UNFORESEEN

OTHER = "739105"

RULE = {
    "user_id": IRIS,
    "per_day": "3",
    "max_length": "200",
    "days": "7",
    "solicited": "on",
}


async def offered(desk: Page, **bent: str) -> str:
    """Ask for a rule and return what the page shows of it before it is made."""
    answer = await desk.post("/rules", await desk.form("/rules", "/rules") | RULE | bent)
    assert answer.status_code == 200, answer.text
    return answer.text


async def set_pin(desk: Page, **typed: str) -> str:
    """Send the PIN's form and return what the page says then."""
    await desk.post("/keys/pin", await desk.form("/keys/pin", "/keys") | typed)
    return (await desk.get("/keys")).text


async def test_the_first_pin_is_set_in_a_terminal_alone(tmp_path: Path) -> None:
    """Whoever came by a session, as by a cookie that went astray, cannot choose what approves."""
    async with page(tmp_path) as desk:
        await desk.enter()
        assert "xdm-mcp approvals pin" in (await desk.get("/keys")).text
        (session,) = desk.room.sessions
        form = {"token": session.token("pin"), "secret": PIN, "again": PIN, "pin": PIN}
        await desk.post("/keys/pin", form)
        assert "No PIN is set yet" in (await desk.get("/keys")).text
        assert not await desk.rig.app.desk.pin.is_set()


async def test_a_new_pin_is_typed_twice(tmp_path: Path) -> None:
    """Two different entries, and one that is easy to guess, set nothing."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        old = {"pin": PIN}
        assert "The two entries differ" in await set_pin(desk, **old, secret=OTHER, again=PIN)
        easy = await set_pin(desk, **old, secret="123456", again="123456")
        assert "too easy to guess" in easy
        await desk.rig.app.desk.pin.check(PIN, CHANGE_PIN, "test")


async def test_a_forgotten_pin_is_changed_with_a_passkey(tmp_path: Path) -> None:
    """The device proves that it is the owner; what it signed for something else changes nothing."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        device = Authenticator(b"the-owners")
        await desk.add_passkey(device)
        fields = {"secret": OTHER, "again": OTHER}
        await desk.post(
            "/keys/pin", await desk.signed(device, REMOVE_PASSKEY, "/keys/pin") | fields
        )
        assert "does not fit" in (await desk.get("/keys")).text
        await desk.post("/keys/pin", await desk.signed(device, CHANGE_PIN, "/keys/pin") | fields)
        assert "The PIN is changed." in (await desk.get("/keys")).text
        await desk.rig.app.desk.pin.check(OTHER, CHANGE_PIN, "test")


async def test_a_further_passkey_takes_one_that_is_known(tmp_path: Path) -> None:
    """The PIN adds none and removes none here; the owner's device does both."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        device, phone = Authenticator(b"the-owners"), Authenticator(b"a-phone")
        await desk.add_passkey(device)
        action = "/keys/passkeys"
        with_pin = await desk.form(action, "/keys") | {"name": "Phone", "pin": PIN, "digest": ""}
        del with_pin["answer"]
        assert (await desk.post(action, with_pin)).status_code == 303
        assert "There is a passkey" in (await desk.get("/keys")).text
        signed = await desk.signed(device, ADD_PASSKEY, action)
        await desk.finish_passkey(await desk.post(action, signed | {"name": "Phone"}), phone)
        assert len(await desk.rig.app.desk.passkeys.known()) == 2
        remove = f"{action}/remove"
        with_pin = await desk.form(remove, "/keys") | {"pin": PIN}
        del with_pin["answer"]
        await desk.post(remove, with_pin)
        assert len(await desk.rig.app.desk.passkeys.known()) == 2
        await desk.post(remove, await desk.signed(device, REMOVE_PASSKEY, remove))
        assert len(await desk.rig.app.desk.passkeys.known()) == 1


async def test_another_pin_takes_the_old_one(tmp_path: Path) -> None:
    """Who is in but does not know the PIN cannot replace it."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        for wrong in ({}, {"pin": OTHER}):
            assert "That PIN is wrong" in await set_pin(desk, secret=OTHER, again=OTHER, **wrong)
        await desk.rig.app.desk.pin.check(PIN, CHANGE_PIN, "test")
        assert "The PIN is changed." in await set_pin(desk, secret=OTHER, again=OTHER, pin=PIN)
        await desk.rig.app.desk.pin.check(OTHER, CHANGE_PIN, "test")


async def test_a_passkey_is_offered_after_the_pin_alone(tmp_path: Path) -> None:
    """A wrong PIN gives nothing to sign; the right one an exchange for this page's origin."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        action = "/keys/passkeys"
        form = await desk.form(action, "/keys") | {"name": "Laptop", "pin": OTHER}
        assert (await desk.post(action, form)).status_code == 303
        form = await desk.form(action, "/keys") | {"name": "Laptop", "pin": PIN}
        offered = await desk.post(action, form)
        assert offered.status_code == 200
        assert "data-register=" in offered.text
        assert await desk.rig.app.desk.passkeys.known() == ()


@pytest.mark.parametrize("answer", ["", "[]", "{", "{}", '{"id": 1}', "[" * 20_000])
async def test_what_is_no_answer_of_a_passkey_proves_nothing(answer: str, tmp_path: Path) -> None:
    """Whatever a script sends in place of a signature, the send stays held."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        held = await desk.rig.send()
        await desk.enter()
        action = f"/send/{held.approval_id}/approve"
        form = await desk.form(action) | {"answer": answer, "ceremony": "0", "pin": PIN}
        assert (await desk.post(action, form)).status_code == 303
        (entry,) = await desk.rig.app.outbox.waiting()
        assert entry.state == "held"


async def test_passkeys_are_for_localhost_by_name(tmp_path: Path) -> None:
    """By the number of this machine the page says what to do instead."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        numbered = {"host": "127.0.0.1:8767", "origin": "http://127.0.0.1:8767"}
        form = {"ticket": desk.ticket()}
        headers = AS_OURS | numbered
        entered = await desk.client.post(f"{ROOT}/enter", data=form, headers=headers)
        cookie = entered.headers["set-cookie"].partition(";")[0]
        html = (await desk.get("/keys", host=numbered["host"], cookie=cookie)).text
        assert "Passkeys need the name localhost" in html


async def test_a_rule_is_made_with_the_pin_and_withdrawn_without(tmp_path: Path) -> None:
    """What a person makes here is in force at once, and gone at once."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        ledger, clock = desk.rig.app.ledger, desk.rig.clock
        account = (await desk.rig.app.people.account()).id
        form = fields_of("/rules/make", await offered(desk))
        await desk.post("/rules/make", form | {"pin": OTHER})
        assert await ledger.standing_rules(account, clock.now()) == ()
        form = fields_of("/rules/make", await offered(desk))
        clock.advance(timedelta(seconds=9))
        await desk.post("/rules/make", form | {"pin": PIN})
        (use,) = await ledger.standing_rules(account, clock.now())
        terms = use.rule.terms
        assert (terms.user_id, terms.per_day, terms.max_length) == (IRIS, 3, 200)
        assert terms.solicited
        assert (terms.links, terms.quiet_hours, terms.first_contact) == (False, False, False)
        assert use.rule.assurance is Assurance.PERSON
        assert f"Up to 3 replies in 24 hours to user {IRIS}" in (await desk.get("/rules")).text
        action = f"/rules/{use.rule.id}/withdraw"
        await desk.post(action, await desk.form(action, "/rules"))
        assert await ledger.standing_rules(account, clock.now()) == ()


async def test_a_rule_is_shown_before_it_is_made_and_no_other_is_made(tmp_path: Path) -> None:
    """The sentence, the account and the person stand above the PIN; a form that was bent since
    makes nothing and costs no try."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.rig.send()
        await desk.enter()
        account = await desk.rig.app.people.account()
        shown = await offered(desk)
        assert f"Up to 3 replies in 24 hours to user {IRIS}" in shown
        assert f"<b>@{account.handle}</b>" in shown
        assert "<b>@iris_sandbox</b>" in shown
        assert ANYONE not in shown
        assert ANYONE in await offered(desk, user_id="")
        for bent in ({"user_id": ""}, {"per_day": "9"}, {"links": "on"}, {"until": "x"}):
            form = fields_of("/rules/make", await offered(desk))
            await desk.post("/rules/make", form | {"pin": PIN} | bent)
            assert "was shown" in (html := (await desk.get("/rules")).text) or "no moment" in html
        rules = await desk.rig.app.ledger.standing_rules(account.id, desk.rig.clock.now())
        assert rules == ()


async def test_a_passkey_makes_a_rule(tmp_path: Path) -> None:
    """It is then worth a passkey, and answers what takes one."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        device = Authenticator(b"the-owners")
        await desk.add_passkey(device)
        account = (await desk.rig.app.people.account()).id
        html = await offered(desk)
        about = fields_of("/rules/make", html)["digest"]
        await desk.post("/rules/make", await desk.signed_on(html, device, about, "/rules/make"))
        (use,) = await desk.rig.app.ledger.standing_rules(account, desk.rig.clock.now())
        assert use.rule.assurance is Assurance.PASSKEY


@pytest.mark.parametrize(
    ("bent", "says"),
    [
        ({"per_day": "0"}, "1 to 100 messages a day"),
        ({"per_day": "many"}, "whole number"),
        ({"days": "9999999"}, "whole number"),
        ({"days": "367"}, "within 366 days"),
        ({"user_id": "iris"}, "numeric user id"),
        ({"user_id": "", "links": "on"}, "one named person only"),
    ],
)
async def test_a_rule_that_cannot_be_is_explained(
    bent: dict[str, str], says: str, tmp_path: Path
) -> None:
    """What the terms do not allow makes no rule and costs no try of the PIN."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.enter()
        await desk.post("/rules", await desk.form("/rules", "/rules") | RULE | bent)
        assert says in (await desk.get("/rules")).text


@pytest.mark.parametrize("part", ["", "/keys", "/state"])
async def test_a_ledger_that_cannot_be_read_is_one_sentence(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what is wrong and shows nothing that it does not know."""
    async with page(tmp_path) as desk:
        await desk.enter()

        async def fail(*_: object) -> None:
            raise LedgerUnavailable("The ledger cannot be read.")

        monkeypatch.setattr(desk.rig.app.desk, "held", fail)
        monkeypatch.setattr(desk.rig.app.desk.pin, "is_set", fail)
        answer = await desk.get(part)
        assert answer.status_code == 503
        assert part == "/state" or "The ledger cannot be read." in answer.text


async def test_what_nobody_foresaw_says_nothing_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the browser nor the log gets the words of an exception."""
    async with page(tmp_path) as desk:
        await desk.enter()

        async def fail(*_: object) -> None:
            raise RuntimeError("a private text")

        monkeypatch.setattr(desk.rig.app.desk, "held", fail)
        answer = await desk.get()
        assert answer.status_code == 500
        assert UNFORESEEN in answer.text
        assert "private" not in answer.text + "".join(capfd.readouterr())
