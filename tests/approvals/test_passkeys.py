"""Passkeys: an answer that signs exactly this send, from this page, by this person, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.approvals.authenticator import ORIGIN, PRESENT, Authenticator, unsealed
from tests.approvals.making import NOW
from tests.approvals.test_pin import CHEAP, SECRET
from xdm_mcp.approvals.factors import (
    ADD_PASSKEY,
    REMOVE_LOST_PASSKEY,
    REMOVE_PASSKEY,
    Proof,
    client_form,
)
from xdm_mcp.approvals.passkeys import LASTS, RP_ID, Asking, Passkeys
from xdm_mcp.approvals.pin import Pin
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BadInput, NotFound, NotProven
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.factors import Passkey
from xdm_mcp.models.sends import Assurance

SEND, OTHER = "a" * 64, "b" * 64
"""The digests of two sends."""


class Room:
    """A page that asks, a device that answers, and the ledger between them."""

    def __init__(self) -> None:
        """Know no passkey yet."""
        self.clock = ManualClock(NOW)
        self.ledger = open_ledger("sqlite:///:memory:")
        self.pin = Pin(self.ledger, self.clock, CHEAP)
        self.passkeys = Passkeys(self.ledger, self.clock)
        self.device = Authenticator()

    async def ask_to_add(self) -> Asking:
        """Ask for a new passkey: with the PIN for the first, with the device for any other."""
        if await self.passkeys.known():
            proof = await self.proof(ADD_PASSKEY)
        else:
            proof = await self.pin_proof(ADD_PASSKEY)
        return await self.passkeys.ask_to_add(ORIGIN, proof)

    async def pin_proof(self, about: str) -> Proof:
        """Return a proof by PIN, which is set if it is not."""
        if not await self.pin.is_set():
            await self.pin.set_first(SECRET, "test")
        return await self.pin.check(SECRET, about, "test")

    async def proof(self, about: str) -> Proof:
        """Return a proof by the device."""
        asking, answer = await self.answer(about)
        return await self.passkeys.check(asking.ceremony_id, answer, about)

    async def add(self, name: str = "laptop", **lies: Any) -> Passkey:
        """Make the device's passkey known."""
        asking = await self.ask_to_add()
        made = self.device.create(asking.options, **lies)
        return await self.passkeys.add(asking.ceremony_id, made, name, "page")

    async def answer(self, about: str = SEND, **lies: Any) -> tuple[Asking, dict[str, Any]]:
        """Ask about a send and have the device answer."""
        asking = await self.passkeys.ask(about, ORIGIN)
        return asking, self.device.get(asking.options, **lies)

    async def refused(self, asking: Asking, answer: Any, about: str = SEND) -> None:
        """Expect that an answer proves nothing."""
        with pytest.raises(NotProven):
            await self.passkeys.check(asking.ceremony_id, answer, about)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A room in which the device's passkey is known."""
    made = Room()
    await made.add()
    yield made
    await made.ledger.close()


async def test_a_right_answer_is_a_proof_about_exactly_that_send(room: Room) -> None:
    """It is worth `passkey`, and names the device."""
    asking, answer = await room.answer()
    proof = await room.passkeys.check(asking.ceremony_id, answer, SEND)
    assert (proof.assurance, proof.about) == (Assurance.PASSKEY, SEND)
    assert proof.by == "passkey laptop"
    (known,) = await room.passkeys.known()
    assert (known.sign_count, known.used_at) == (1, NOW)


async def test_what_the_browser_is_asked_for_demands_a_verified_user(room: Room) -> None:
    """User verification is required, the relying party is `localhost`, the challenge is new each
    time and 32 bytes long."""
    first, second = await room.passkeys.ask(SEND, ORIGIN), await room.passkeys.ask(SEND, ORIGIN)
    assert first.options["rpId"] == RP_ID
    assert first.options["userVerification"] == "required"
    assert first.options["challenge"] != second.options["challenge"]
    assert len(unsealed(first.options["challenge"])) == 32
    assert json.dumps(first.options)
    adding = await room.ask_to_add()
    assert adding.options["rp"]["id"] == RP_ID
    assert adding.options["authenticatorSelection"]["userVerification"] == "required"
    assert len(adding.options["excludeCredentials"]) == 1


LIES = {
    "another origin": {"origin": "http://evil.example"},
    "another port": {"origin": "http://localhost:9999"},
    "an address": {"origin": "http://127.0.0.1:8767"},
    "another relying party": {"rp_id": "evil.example"},
    "no user verification": {"flags": PRESENT},
    "nobody present": {"flags": 0},
    "an answer to another question": {"kind": "webauthn.create"},
    "another challenge": {"challenge": "AAAA"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_an_answer_that_does_not_fit_proves_nothing(room: Room, lie: dict[str, Any]) -> None:
    """Origin, relying party, verification, kind and challenge all have to be right."""
    asking, answer = await room.answer(**lie)
    await room.refused(asking, answer)
    asking, answer = await room.answer()
    await room.passkeys.check(asking.ceremony_id, answer, SEND)


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_passkey_is_not_added_by_an_answer_that_does_not_fit(lie: dict[str, Any]) -> None:
    """What holds for using one holds for making one."""
    made = Room()
    if lie.get("kind"):
        lie = {"kind": "webauthn.get"}
    with pytest.raises(NotProven):
        await made.add(**lie)
    assert await made.passkeys.known() == ()


async def test_an_answer_for_one_send_approves_no_other(room: Room) -> None:
    """Neither under its own ceremony nor under one of the other send."""
    asking, answer = await room.answer(SEND)
    await room.refused(asking, answer, OTHER)
    asking, answer = await room.answer(SEND)
    other, _ = await room.answer(OTHER)
    await room.refused(other, answer, OTHER)
    await room.refused(other, answer, SEND)


async def test_an_answer_counts_once(room: Room) -> None:
    """Replayed it proves nothing, not under its own ceremony and not under a new one."""
    asking, answer = await room.answer()
    await room.passkeys.check(asking.ceremony_id, answer, SEND)
    await room.refused(asking, answer)
    again, _ = await room.answer()
    await room.refused(again, answer)


async def test_a_failed_answer_uses_its_ceremony_up(room: Room) -> None:
    """There is no second try under one challenge."""
    asking, bad = await room.answer(origin="http://evil.example")
    await room.refused(asking, bad)
    await room.refused(asking, room.device.get(asking.options))


async def test_an_answer_comes_in_time_or_not_at_all(room: Room) -> None:
    """A ceremony ends after three minutes."""
    asking, answer = await room.answer()
    room.clock.advance(LASTS - timedelta(milliseconds=1))
    await room.passkeys.check(asking.ceremony_id, answer, SEND)
    asking, answer = await room.answer()
    room.clock.advance(LASTS)
    await room.refused(asking, answer)


@pytest.mark.parametrize("counter", [0, 4, 5])
async def test_a_counter_that_does_not_rise_is_a_copied_device(room: Room, counter: int) -> None:
    """Once a device counts it has to go on counting."""
    asking, answer = await room.answer(counter=5)
    await room.passkeys.check(asking.ceremony_id, answer, SEND)
    asking, answer = await room.answer(counter=counter)
    await room.refused(asking, answer)


async def test_a_device_that_never_counts_may_be_used_again(room: Room) -> None:
    """Passkeys that are synced among devices always say 0."""
    for _ in range(3):
        asking, answer = await room.answer(counter=0)
        await room.passkeys.check(asking.ceremony_id, answer, SEND)


async def test_another_key_under_a_known_name_proves_nothing(room: Room) -> None:
    """The signature has to be of the key that was added."""
    room.device = Authenticator()
    asking, answer = await room.answer()
    await room.refused(asking, answer)


async def test_an_unknown_passkey_proves_nothing(room: Room) -> None:
    """A device that the owner did not add, or forgot."""
    room.device = Authenticator(credential_id=b"another")
    asking, answer = await room.answer()
    await room.refused(asking, answer)


@pytest.mark.parametrize(
    "rubbish",
    [{}, {"id": None}, {"id": 7}, {"id": []}, {"response": "x"}, {"response": None}, {"rawId": "!"},
     {"response": {}}, {"type": "x"}, {"response": {"clientDataJSON": "e30"}}],
)  # fmt: skip
async def test_a_malformed_answer_is_refused_and_breaks_nothing(
    room: Room, rubbish: dict[str, Any]
) -> None:
    """Whatever a page is sent, the answer is one sentence."""
    asking, answer = await room.answer()
    await room.refused(asking, {**answer, **rubbish} if rubbish else {})
    adding = await room.ask_to_add()
    made = room.device.create(adding.options)
    with pytest.raises(NotProven):
        await room.passkeys.add(adding.ceremony_id, {**made, **rubbish} if rubbish else {}, "x", "")


@pytest.mark.parametrize("public", [b"\x80", b"\x60", b"\xa0"], ids=["list", "text", "map"])
async def test_a_key_that_is_none_is_not_added(public: bytes) -> None:
    """Nothing of the library's own comes out of it."""
    made = Room()
    with pytest.raises(NotProven):
        await made.add(public=public)
    assert await made.passkeys.known() == ()


async def test_ceremonies_of_adding_and_of_using_are_not_exchanged(room: Room) -> None:
    """An answer to one kind of question is none to the other."""
    adding = await room.ask_to_add()
    _, answer = await room.answer(ADD_PASSKEY)
    await room.refused(adding, answer, ADD_PASSKEY)
    asking, _ = await room.answer(ADD_PASSKEY)
    with pytest.raises(NotProven):
        await room.passkeys.add(asking.ceremony_id, answer, "x", "page")


async def test_adding_and_removing_take_a_proof_about_just_that(room: Room) -> None:
    """A PIN typed for a send adds no passkey; neither does a client's dialog."""
    for proof in (
        await room.pin.check(SECRET, SEND, "test"),
        client_form("client", ADD_PASSKEY),
        client_form("client", REMOVE_PASSKEY),
        client_form("client", REMOVE_LOST_PASSKEY),
    ):
        with pytest.raises(NotProven):
            await room.passkeys.ask_to_add(ORIGIN, proof)
        with pytest.raises(NotProven):
            await room.passkeys.remove("x", proof)
        with pytest.raises(NotProven):
            await room.passkeys.remove_lost("x", proof)


async def test_a_passkey_lets_another_be_added_and_itself_be_removed(room: Room) -> None:
    """With it the owner manages without the PIN."""
    adding = await room.ask_to_add()
    phone = Authenticator(credential_id=b"another")
    await room.passkeys.add(adding.ceremony_id, phone.create(adding.options), "phone", "page")
    proof = await room.proof(REMOVE_PASSKEY)
    laptop, _ = await room.passkeys.known()
    await room.passkeys.remove(laptop.id, proof)
    assert [key.name for key in await room.passkeys.known()] == ["phone"]
    with pytest.raises(NotFound):
        await room.passkeys.remove(laptop.id, proof)


async def test_once_there_is_a_passkey_the_pin_adds_none(room: Room) -> None:
    """Whoever overheard the PIN does not come to a passkey by it."""
    proof = await room.pin_proof(ADD_PASSKEY)
    with pytest.raises(NotProven, match="There is a passkey"):
        await room.passkeys.ask_to_add(ORIGIN, proof)


async def test_a_passkey_that_the_pin_began_is_added_only_as_the_first() -> None:
    """Of two that were begun while there was none, one is kept."""
    made = Room()
    owners, others = await made.ask_to_add(), await made.ask_to_add()
    phone = Authenticator(credential_id=b"another")
    await made.passkeys.add(
        owners.ceremony_id, made.device.create(owners.options), "laptop", "page"
    )
    with pytest.raises(BadInput, match="another came first"):
        await made.passkeys.add(others.ceremony_id, phone.create(others.options), "x", "page")
    assert [key.name for key in await made.passkeys.known()] == ["laptop"]
    await made.ledger.close()


async def test_the_pin_removes_a_passkey_only_as_one_that_is_lost(room: Room) -> None:
    """That is asked for in a terminal; then the PIN adds the first one again."""
    (laptop,) = await room.passkeys.known()
    with pytest.raises(NotProven):
        await room.passkeys.remove(laptop.id, await room.pin_proof(REMOVE_PASSKEY))
    with pytest.raises(NotProven):
        await room.passkeys.remove(laptop.id, await room.pin_proof(REMOVE_LOST_PASSKEY))
    await room.passkeys.remove_lost(laptop.id, await room.pin_proof(REMOVE_LOST_PASSKEY))
    assert await room.passkeys.known() == ()
    assert (await room.add("new")).name == "new"


async def test_one_device_is_added_once(room: Room) -> None:
    """The same passkey twice would be one with two names."""
    with pytest.raises(BadInput, match="known already"):
        await room.add("again")


async def test_a_name_is_cleaned_and_there_has_to_be_one() -> None:
    """The name is drawn for people: nothing hidden is in it."""
    made = Room()
    with pytest.raises(BadInput, match="needs a name"):
        await made.add("\u200b \u202e")
    assert (await made.add("my\u202e lap\ntop")).name == "my lap top"


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:1", "http://localhost.evil.example", "http://localhost:1/x", "null", "",
     "http://localhost:1\n", "ftp://localhost", "http://user@localhost:1"],
)  # fmt: skip
async def test_only_a_page_of_localhost_may_ask(room: Room, origin: str) -> None:
    """An address has no passkeys, and no other name is ours."""
    with pytest.raises(BadInput):
        await room.passkeys.ask(SEND, origin)


async def test_without_a_passkey_there_is_nothing_to_ask_for() -> None:
    """The owner is told where one is added."""
    with pytest.raises(NotProven, match="approval page"):
        await Room().passkeys.ask(SEND, ORIGIN)
