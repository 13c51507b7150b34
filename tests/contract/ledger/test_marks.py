"""What a draft carries of other conversations, as the ledger tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    Desk,
    draft,
    message,
    own,
    sent,
    snowflake,
)
from xdm_mcp.ledger import mark_rows
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.sends import Entry, Target
from xdm_mcp.models.verdicts import Leak

SECRET = "We moved the spare key from the flowerpot to the box behind the drainpipe."
PIECE = "It seems that THE SPARE KEY, from the flower-pot to the box, is gone."
DAVE, EVE = "10", "11"


async def leaks(desk: Desk, text: str = PIECE, to: str = BEN) -> tuple[Leak, ...]:
    """Return what a draft carries."""
    return (await desk.facts(draft(text, to))).leaks


async def test_words_of_another_conversation_are_told_with_their_place(desk: Desk) -> None:
    """And how much of them, and when they were written."""
    told = message(desk.now, SECRET)
    await desk.record(told)

    [leak] = await leaks(desk)

    assert (leak.kind, leak.conversation_id, leak.message_id) == (
        "words",
        pair_id(ME, ANNA),
        told.id,
    )
    assert leak.wrote_at == desk.now
    assert leak.marks >= 2


async def test_own_words_to_one_person_are_private_towards_another(desk: Desk) -> None:
    """Whoever typed them."""
    await desk.record(own(desk.now, SECRET))

    assert [leak.kind for leak in await leaks(desk)] == ["words"]


async def test_own_words_are_private_from_the_moment_they_are_sent(desk: Desk) -> None:
    """The next send may come before anybody reads them back; reading them then changes nothing."""
    entry = await desk.send(draft(SECRET))
    before = await leaks(desk)
    assert [leak.conversation_id for leak in before] == [pair_id(ME, ANNA)]

    assert entry.receipt is not None
    serial = int(entry.receipt.message_id) & 0x3FFFFF
    await desk.record(own(desk.now, SECRET, serial=serial))

    assert await leaks(desk) == before


async def test_own_words_are_free_where_they_were_sent_by_whatever_number_x_calls_it(
    desk: Desk,
) -> None:
    """X's own example calls a conversation with one person by a single number."""
    number = snowflake(desk.now, serial=2)
    await desk.send(draft(SECRET), sent(snowflake(desk.now), number))

    assert await leaks(desk, to=ANNA) == ()
    assert [leak.conversation_id for leak in await leaks(desk)] == [pair_id(ME, ANNA)]


async def test_what_the_guard_let_pass_without_a_person_is_told_apart(desk: Desk) -> None:
    """It is an agent's own sentence; what a person approved is as private as what they typed."""
    unasked = await desk.send(draft(SECRET))
    await _read_back(desk, unasked, SECRET)
    assert [leak.kind for leak in await leaks(desk)] == ["said"]

    claimed = (await desk.claim(await desk.approved(draft(f"{SECRET} Yes.")))).entry
    assert claimed is not None
    flying = await desk.ledger.dispatch(claimed, desk.now)
    assert flying is not None
    asked = await desk.settle(flying, sent(snowflake(desk.now, serial=77)))
    await _read_back(desk, asked, f"{SECRET} Yes.")
    assert {leak.kind for leak in await leaks(desk)} == {"words"}


async def _read_back(desk: Desk, entry: Entry, text: str) -> None:
    assert entry.receipt is not None
    await desk.record(replace(own(desk.now, text), id=entry.receipt.message_id))


async def test_a_code_an_amount_and_a_number_are_found_in_another_notation(desk: Desk) -> None:
    """However short the text around them is."""
    await desk.record(message(desk.now, "Code 448 213, 4.512,30 EUR, +49 170 1234567"))

    assert [leak.kind for leak in await leaks(desk, "448213")] == ["code"]
    assert [leak.kind for leak in await leaks(desk, "€4,512.30")] == ["amount"]
    assert [leak.kind for leak in await leaks(desk, "0170-1234567")] == ["address"]
    assert await leaks(desk, "448214 in 2026") == ()


async def test_what_stands_in_this_very_conversation_may_be_said_here(desk: Desk) -> None:
    """Though it stands in another one too; a new group is nobody's conversation."""
    await desk.record(
        message(desk.now, SECRET), message(desk.now, SECRET, sender=BEN, peer=BEN, serial=2)
    )

    assert await leaks(desk) == ()
    assert len(await leaks(desk, to=CARA)) == 2
    group = draft(PIECE, target=Target((ANNA, BEN)))
    assert len((await desk.facts(group)).leaks) == 2


async def test_what_stands_in_three_conversations_is_a_phrase(desk: Desk) -> None:
    """A fourth changes nothing, and costs nothing."""
    for serial, who in enumerate((ANNA, CARA, DAVE, EVE), 1):
        assert len(await leaks(desk)) == (serial - 1 if serial < 4 else 0)
        await desk.record(message(desk.now, SECRET, sender=who, peer=who, serial=serial))

    assert await leaks(desk) == ()


async def test_the_ends_of_phrases_are_nobodys_words(desk: Desk) -> None:
    """A name before what is said to everybody does not make it a secret."""
    for serial, who in enumerate((ANNA, CARA, DAVE), 1):
        said = f"{['Ada', 'Bo', 'Cy'][serial - 1]}, thank you so much for your kind message!"
        await desk.record(message(desk.now, said, sender=who, peer=who, serial=serial))

    assert await leaks(desk, "Ada, thank you so much for your kind message!") == ()


async def test_another_accounts_messages_are_never_told(desk: Desk) -> None:
    """Its marks are others."""
    await desk.record(message(desk.now, SECRET))
    wanted = draft(PIECE, BEN, account="200")

    assert (await desk.facts(wanted)).leaks == ()


async def test_reading_the_same_again_teaches_nothing(desk: Desk) -> None:
    """In one batch or in many."""
    told = message(desk.now, SECRET)
    await desk.record(told, told)
    once = await leaks(desk)
    await desk.record(told)

    assert await leaks(desk) == once


async def test_marks_end_so_long_after_the_last_reading(desk: Desk) -> None:
    """Each reading begins the time anew; without any time nothing is marked at all."""
    told = message(desk.now, SECRET)
    await desk.record(told)
    desk.later(days=29)
    await desk.record(told)
    desk.later(days=29)
    await desk.record(message(desk.now, "Good morning", sender=CARA, peer=CARA, serial=2))
    assert len(await leaks(desk)) == 1

    desk.later(days=2)
    await desk.record(message(desk.now, "Good evening", sender=CARA, peer=CARA, serial=3))
    assert await leaks(desk) == ()

    await desk.ledger.record(ME, [told], lambda _: False, desk.now, marked_for=timedelta())
    assert await leaks(desk) == ()


@pytest.mark.parametrize("sender", [ANNA, ME])
async def test_what_an_agent_is_shown_long_after_it_was_read_is_guarded_as_if_read_now(
    desk: Desk, sender: str
) -> None:
    """What is kept may be found when its marks are gone, and is told of to nobody else either."""
    old = message(desk.now, SECRET, sender=sender)
    await desk.record(old)
    desk.later(days=31)
    await desk.record(message(desk.now, "Good morning", serial=2))
    assert await leaks(desk) == ()

    await desk.ledger.note_shown(ME, [old], desk.now, [old.id])

    assert [leak.message_id for leak in await leaks(desk)] == [old.id]
    desk.later(days=29)
    await desk.ledger.note_shown(ME, [old], desk.now)
    desk.later(days=29)
    await desk.record(message(desk.now, "Good evening", serial=3))
    assert [leak.message_id for leak in await leaks(desk)] == [old.id]


async def test_what_is_shown_leaves_no_marks_where_none_are_wanted(desk: Desk) -> None:
    """The owner may have the rule off."""
    told = message(desk.now, SECRET)

    await desk.ledger.note_shown(ME, [told], desk.now, marked_for=timedelta())

    assert await leaks(desk) == ()


async def test_what_was_said_again_outlives_what_was_said_first(desk: Desk) -> None:
    """Of what has ended no row is left, however much it was."""
    many = [
        message(desk.now, f"{SECRET} {number} {'abcdefghij'[number % 10] * 3}", serial=number)
        for number in range(40)
    ]
    await desk.record(*many)
    desk.later(days=20)
    again = message(desk.now, SECRET, serial=50)
    await desk.record(again)
    desk.later(days=11)
    await desk.record(message(desk.now, "Good morning", sender=CARA, peer=CARA, serial=60))

    assert [leak.message_id for leak in await leaks(desk)] == [again.id]
    assert isinstance(desk.ledger, SqlLedger)
    assert await desk.ledger._database.read(_rows) == await desk.ledger._database.read(_of_two)


async def test_one_conversation_or_all_can_be_forgotten(desk: Desk) -> None:
    """Nothing of it is left in the tables."""
    await desk.record(
        message(desk.now, SECRET), message(desk.now, SECRET, sender=CARA, peer=CARA, serial=2)
    )
    assert isinstance(desk.ledger, SqlLedger)

    def forget(thread: str | None) -> object:
        return lambda sql: mark_rows.forget(sql, ME, thread)

    await desk.ledger._database.write(forget(pair_id(ME, ANNA)))
    assert [leak.conversation_id for leak in await leaks(desk)] == [pair_id(ME, CARA)]

    other = message(desk.now, SECRET, serial=3)
    await desk.ledger.record("200", [other], lambda _: False, desk.now)
    both = await desk.ledger._database.read(_rows)
    await desk.ledger._database.write(forget(None))
    left = await desk.ledger._database.read(_rows)
    assert 0 < left < both

    await desk.ledger._database.write(lambda sql: mark_rows.forget(sql, "200"))
    assert await desk.ledger._database.read(_rows) == 0


def _rows(sql: Sql) -> int:
    [[count]] = sql.all("SELECT (SELECT count(*) FROM mark) + (SELECT count(*) FROM marked)")
    return int(count)


def _of_two(sql: Sql) -> int:
    [[count]] = sql.all(
        "SELECT count(*) + 2 FROM mark JOIN marked ON marked.id = mark.marked"
        " WHERE marked.message_id IN (SELECT message_id FROM marked ORDER BY id DESC LIMIT 2)"
    )
    return int(count)


async def test_no_text_is_kept(desk: Desk) -> None:
    """Only numbers, and ids of X."""
    await desk.record(message(desk.now, SECRET))
    assert isinstance(desk.ledger, SqlLedger)
    rows = await desk.ledger._database.read(lambda sql: sql.all("SELECT * FROM mark"))

    assert rows
    assert all(isinstance(value, int) for row in rows for value in row)
