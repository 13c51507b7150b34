"""People who answer when they are written to."""

from __future__ import annotations

from datetime import timedelta

import httpx2

from tests.sandbox.conftest import COLE, IRIS, JUNE, SOL, START, client_of, sent, to
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.world import World


async def newest(x: httpx2.AsyncClient, person_id: str) -> str:
    """Return the newest text of a conversation."""
    path = f"/2/dm_conversations/with/{person_id}/dm_events"
    answer = await x.get(path, params={"max_results": "1"})
    return str(answer.json()["data"][0]["text"])


async def test_a_person_answers_after_their_delay_and_not_before(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """At 19.999 seconds there is our message, at 20 there is theirs."""
    await sent(x, IRIS, "It comes tomorrow.")

    clock.advance(timedelta(seconds=19.999))
    assert await newest(x, IRIS) == "It comes tomorrow."

    clock.advance(timedelta(milliseconds=1))
    assert await newest(x, IRIS) == "Oh, that was quick. Thank you!"


async def test_answers_come_in_turn_and_begin_again(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """The third message gets the first answer again."""
    heard = []
    for number in range(3):
        await sent(x, IRIS, f"Message {number}.")
        clock.advance(timedelta(seconds=21))
        heard.append(await newest(x, IRIS))

    assert heard[0] == heard[2] != heard[1]


async def test_every_process_hears_the_same_answer(
    x: httpx2.AsyncClient, journal: MemoryJournal, clock: ManualClock
) -> None:
    """An application that joins later, and one that folds the journal anew, agree to the id."""
    await sent(x, IRIS)
    clock.advance(timedelta(seconds=60))
    path, query = f"/2/dm_conversations/with/{IRIS}/dm_events", {"max_results": "1"}
    first = (await x.get(path, params=query)).json()

    later = MemoryJournal(clock)
    later.lines[:] = journal.lines
    later._world = later._folded()
    second = (await client_of(build_app(later, clock)).get(path, params=query)).json()

    assert first == second
    assert len(journal.lines) == 2


async def test_a_message_after_an_answer_has_the_greater_id(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """In the very millisecond of an answer ids still grow."""
    await sent(x, IRIS)
    clock.advance(timedelta(seconds=20))

    ours = await sent(x, JUNE)

    path = f"/2/dm_conversations/with/{IRIS}/dm_events"
    theirs = (await x.get(path, params={"max_results": "1"})).json()["data"][0]["id"]
    assert int(ours) > int(theirs)


async def test_who_is_blocked_meanwhile_is_not_heard(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """An answer that falls due after the block never comes, not even after the block is lifted."""
    await sent(x, IRIS, "Hello?")
    await x.post(f"/2/users/{IRIS}/dm/block")
    clock.advance(timedelta(seconds=60))
    await x.post(f"/2/users/{IRIS}/dm/unblock")

    assert await newest(x, IRIS) == "Hello?"


async def test_who_reads_only_encrypted_threads_does_not_answer(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """The message is accepted and nobody sees it."""
    await sent(x, SOL, "Hello?")
    clock.advance(timedelta(days=1))

    assert await newest(x, SOL) == "Hello?"


async def test_a_refused_message_is_not_answered(
    x: httpx2.AsyncClient, journal: MemoryJournal, clock: ManualClock
) -> None:
    """Nothing follows from a message that was not delivered."""
    assert (await x.post(to(COLE), json={"text": "Hello?"})).status_code == 403
    clock.advance(timedelta(days=1))

    world: World = await journal.act(lambda hold: hold.world)

    assert all(message.created_at < START for message in world.threads.messages.values())
