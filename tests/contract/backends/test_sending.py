"""What every backend promises of a send: one attempt, told as it was."""

from __future__ import annotations

import anyio
import pytest

from tests.contract.backends.arena import (
    ASHA,
    BLOCKER,
    BRAM,
    CLOSED,
    IRIS,
    ME,
    NOBODY,
    STALE,
    STRANGER,
    SUSPENDED,
    THEO,
    Arena,
)
from xdm_mcp.backends.base import Picture
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.sends import SendState, Target

PICTURE = Picture("lamp.png", "image/png", b"\x89PNG\r\n\x1a\n a lamp")
TEXTS = ["Hello.", "naïve 🙂 été", 'a "quote",\n\nthree lines\tand \\ more', "x" * 10_000]

ONE = Target((IRIS,))


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "letters", "lines", "long"])
async def test_a_send_is_proven_by_the_message_it_made(arena: Arena, text: str) -> None:
    """The receipt names a message that exists: ours, to them, and with exactly that text."""
    outcome = await arena.backend.send(ONE, text, None)
    assert outcome.state is SendState.SENT
    assert outcome.receipt is not None
    made = (await arena.posted())[outcome.receipt.message_id]
    assert (made.sender_id, made.text, made.conversation_id) == (ME, text, pair_id(ME, IRIS))
    assert outcome.receipt.conversation_id in (None, made.conversation_id)
    assert (outcome.retry_at, outcome.halt, outcome.closed_for) == (None, None, None)


async def test_a_send_is_one_request(arena: Arena) -> None:
    """Nothing is looked up, prepared or repeated on the way."""
    with arena.counting() as requests:
        await arena.backend.send(ONE, "Hello.", None)
        assert requests() == 1


@pytest.mark.parametrize("recipient", [CLOSED, BLOCKER, SUSPENDED])
async def test_a_closed_recipient_fails_alone(arena: Arena, recipient: str) -> None:
    """They are remembered as closed; the account goes on."""
    before = await arena.posted()
    outcome = await arena.backend.send(Target((recipient,)), "Hello.", None)
    assert outcome.state is SendState.FAILED
    assert outcome.closed_for is not None
    assert (outcome.halt, outcome.not_sent, outcome.receipt) == (None, False, None)
    assert await arena.posted() == before
    assert (await arena.backend.send(ONE, "Hello.", None)).state is SendState.SENT


async def test_nobody_cannot_be_written_to(arena: Arena) -> None:
    """An id of no one fails, and blames neither the account nor the words."""
    outcome = await arena.backend.send(Target((NOBODY,)), "Hello.", None)
    assert outcome.state is SendState.FAILED
    assert outcome.halt is None


async def test_an_existing_conversation_can_be_written_to(arena: Arena) -> None:
    """By its id, where the backend says that it can."""
    if not arena.backend.capabilities.conversations:
        pytest.skip("this backend writes to people only")
    group = next(m for m in (await arena.posted()).values() if m.sender_id == BRAM)
    for conversation in (group.conversation_id, pair_id(ME, THEO)):
        outcome = await arena.backend.send(Target((), conversation), "Hello.", None)
        assert outcome.receipt is not None
        made = (await arena.posted())[outcome.receipt.message_id]
        assert made.conversation_id == conversation


async def test_a_new_group_is_opened_by_its_first_message(arena: Arena) -> None:
    """Where the backend can; elsewhere nothing leaves."""
    target = Target((ASHA, IRIS))
    with arena.counting() as requests:
        outcome = await arena.backend.send(target, "Hello, you two.", None)
        if not arena.backend.capabilities.new_groups:
            assert (outcome.state, requests()) == (SendState.FAILED, 0)
            return
        assert requests() == 1
    assert outcome.receipt is not None
    made = (await arena.posted())[outcome.receipt.message_id]
    assert made.text == "Hello, you two."
    assert made.conversation_id == outcome.receipt.conversation_id


async def test_a_picture_travels_with_its_message(arena: Arena) -> None:
    """Where the backend can; elsewhere nothing leaves."""
    outcome = await arena.backend.send(ONE, "Look.", PICTURE)
    if not arena.backend.capabilities.attachments:
        assert (outcome.state, outcome.not_sent) == (SendState.FAILED, True)
        return
    assert outcome.receipt is not None
    made = (await arena.posted())[outcome.receipt.message_id]
    assert made.media_id is not None
    page = await arena.backend.messages(limit=1, with_user=IRIS)
    assert page.messages[0].has_attachment


async def test_sends_at_once_do_not_mix(arena: Arena) -> None:
    """Each of ten outcomes proves its own text."""
    proven: dict[str, str] = {}

    async def send(text: str) -> None:
        outcome = await arena.backend.send(ONE, text, None)
        assert outcome.receipt is not None
        proven[outcome.receipt.message_id] = text

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(send, f"Number {number}.")
    made = await arena.posted()
    assert {key: made[key].text for key in proven} == proven
    assert len(proven) == 10


FAULTS = {
    "dropped before": {"kind": "drop_before"},
    "dropped after": {"kind": "drop_after"},
    "500 before": {"kind": "status", "status": 500},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "503 after": {"kind": "status", "status": 503, "when": "after"},
    "302 after": {"kind": "status", "status": 302, "when": "after", "body": ""},
    "403 after": {"kind": "status", "status": 403, "when": "after", "body": "<html>"},
    "204 after": {"kind": "status", "status": 204, "when": "after", "body": ""},
    "garbage": {"kind": "malformed"},
    "html": {"kind": "malformed", "body": "<html></html>"},
    "empty": {"kind": "malformed", "body": "{}"},
    "null": {"kind": "malformed", "body": "null"},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_goes_wrong_is_unknown_and_never_repeated(arena: Arena, name: str) -> None:
    """Whether or not the message was made: one request, no proof either way."""
    before = await arena.posted()
    await arena.strike(method="POST", **FAULTS[name])
    with arena.counting() as requests:
        outcome = await arena.backend.send(ONE, "Hello.", None)
        assert requests() == 1
    assert (outcome.state, outcome.receipt) == (SendState.UNKNOWN, None)
    assert not outcome.not_sent
    assert len(await arena.posted()) - len(before) <= 1


async def test_a_rate_limited_send_says_until_when(arena: Arena) -> None:
    """It failed, nothing was made, and the time is ahead."""
    before = await arena.posted()
    await arena.strike("rate_limit", "POST", seconds=300)
    outcome = await arena.backend.send(ONE, "Hello.", None)
    assert (outcome.state, outcome.code) == (SendState.FAILED, "rate_limited")
    assert outcome.retry_at is not None
    assert 0 < (outcome.retry_at - arena.clock.now()).total_seconds() <= 900
    assert await arena.posted() == before


async def test_dead_credentials_fail_each_send(arena: Arena) -> None:
    """Nothing was made, and the sentence says what to renew."""
    if arena.name not in STALE:
        pytest.skip("this backend has no credentials that can die")
    before = await arena.posted()
    outcome = await arena.opened(STALE[arena.name]).send(Target((STRANGER,)), "Hello.", None)
    assert (outcome.state, outcome.code) == (SendState.FAILED, "auth")
    assert await arena.posted() == before
