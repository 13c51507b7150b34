"""Kept messages: written with what is learned, found in many ways, forgotten for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.ledger.desk import ANNA, BEN, ME, START, UNKNOWN, Desk, draft, message
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.sends import SendState
from xdm_mcp.words import matches, parse

YEAR = timedelta(days=365)
WITH_ANNA = pair_id(ME, ANNA)
WITH_BEN = pair_id(ME, BEN)


def said(text: str, days: float = 0, serial: int = 1, **more: str) -> Message:
    """Return a message of so many days ago."""
    return message(START - timedelta(days=days), text, serial=serial, **more)


async def texts(desk: Desk, query: str, **more: object) -> list[str | None]:
    """Return the texts of what a query finds."""
    found = await desk.ledger.search_kept(ME, parse(query), **more)  # type: ignore[arg-type]
    return [one.text for one in found]


async def sweep(desk: Desk, keep: timedelta | None = YEAR, limit: int = 200) -> int:
    """Erase until nothing is left to erase; return how many went."""
    erased = 0
    while batch := await desk.ledger.sweep_kept(ME, keep, desk.now, limit):
        erased += batch
    return erased


async def test_nothing_is_kept_unless_it_is_asked_for(desk: Desk) -> None:
    """Learning from a message stores no word of it."""
    await desk.record(said("A parcel"))

    assert await desk.ledger.kept_newest(ME, 10) == ()
    assert await desk.ledger.kept_span(ME) is None
    assert await texts(desk, "parcel") == []


async def test_a_kept_message_comes_back_as_it_was(desk: Desk) -> None:
    """Every field, by its id; for its own account alone."""
    joined = replace(
        said("", 1), text=None, kind="join", participant_ids=(ME, ANNA), has_attachment=True
    )
    strange = said("A NUL \0 and a \x1a, 'quotes' \"and\" 中文 👍🏽")
    await desk.record(joined, strange, keep=YEAR)

    assert await desk.ledger.kept_message(ME, joined.id) == joined
    assert await desk.ledger.kept_message(ME, strange.id) == strange
    assert await desk.ledger.kept_message("200", strange.id) is None
    both = await desk.ledger.kept_messages(ME, [joined.id, "1", strange.id])
    assert both == (strange, joined)
    assert await desk.ledger.kept_message(ME, "9" * 19) is None


async def test_reading_again_keeps_once(desk: Desk) -> None:
    """The same page twice is one copy, and one hit."""
    for _ in range(2):
        await desk.record(said("A parcel"), keep=YEAR)

    assert await desk.ledger.kept_count(ME) == 1
    assert await texts(desk, "parcel") == ["A parcel"]


async def test_an_id_beyond_all_numbers_is_not_kept(desk: Desk) -> None:
    """Nineteen nines teach, and are not kept."""
    huge = replace(said("A parcel"), id="9" * 19)

    assert await desk.record(huge, keep=YEAR) == 1
    assert await desk.ledger.kept_count(ME) == 0


async def test_what_is_older_than_wanted_is_not_kept_at_all(desk: Desk) -> None:
    """It would be erased at once."""
    await desk.record(said("old", 8), said("new", 6), keep=timedelta(days=7))

    assert [m.text for m in await desk.ledger.kept_newest(ME, 10)] == ["new"]


async def test_pages_go_down_and_news_goes_up(desk: Desk) -> None:
    """Newest first before an id, of everything or of one conversation; oldest first after one."""
    mine = [said(f"a{n}", n, n) for n in range(1, 5)]
    theirs = said("b", 2.5, sender=BEN, peer=BEN)
    await desk.record(*mine, theirs, keep=YEAR)
    ledger = desk.ledger

    assert await ledger.kept_newest(ME, 3) == (mine[0], mine[1], theirs)
    assert await ledger.kept_newest(ME, 3, before_id=theirs.id) == (mine[2], mine[3])
    assert await ledger.kept_thread(ME, WITH_ANNA, 2, before_id=mine[0].id) == (mine[1], mine[2])
    assert await ledger.kept_after(ME, mine[2].id, 2) == (theirs, mine[1])
    span = await ledger.kept_span(ME)
    assert span is not None
    assert (span.oldest, span.newest) == (mine[3].created_at, mine[0].created_at)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("PARCEL late", "Late again: the parcel."),
        ("creme", "Crème brûlée"),
        ('"the red shade"', "Is the red shade back?"),
        ("invo*", "Invoice 12-77 is open"),
        ("12-77", "Invoice 12-77 is open"),
        ("退货", "我要退货, 谢谢"),
        ("ข้าว", "กินข้าวแล้ว"),
        ("취소", "주문을 취소해 주세요"),
        ("strasse", "Hauptstraße? Nein: STRAẞE 4"),
        ("👍", "ok 👍🏽"),
        ("invoice", "in\u200bvoice"),
    ],
)
async def test_words_are_found_in_any_script_and_case(desk: Desk, query: str, text: str) -> None:
    """And are not found where they do not stand."""
    await desk.record(said(text), said("Something else entirely", 1), keep=YEAR)

    assert await texts(desk, query) == [text]


async def test_words_of_a_phrase_stand_side_by_side(desk: Desk) -> None:
    """Single words stand anywhere."""
    await desk.record(said("one two three"), keep=YEAR)

    assert await texts(desk, "three one")
    assert await texts(desk, '"two three"')
    assert not await texts(desk, '"one three"')
    assert not await texts(desk, "one four")


@pytest.mark.parametrize(
    "query",
    ['"', "*", "AND", "a OR", "NEAR(", "words:a", "-a", "^a", "'", "\\", "a\0b", "(((", "{x}:y",
     "' & !", "<->", ":*", "%s ?", "a'b\\'c"],
)  # fmt: skip
async def test_no_query_is_an_error(desk: Desk, query: str) -> None:
    """What means something to an engine means nothing here."""
    await desk.record(said("a b c"), keep=YEAR)

    assert await texts(desk, query) in ([], ["a b c"])


async def test_hits_are_of_one_conversation_and_of_a_time(desk: Desk) -> None:
    """Each bound alone and all of them, and page by page."""
    rows = [said(f"parcel {n}", n, n) for n in range(6)]
    other = said("parcel of Ben", 2.5, sender=BEN, peer=BEN)
    await desk.record(*rows, other, keep=YEAR)
    two, four = START - timedelta(days=2), START - timedelta(days=4)

    assert await texts(desk, "parcel", conversation_id=WITH_BEN) == ["parcel of Ben"]
    assert await texts(desk, "parcel", since=two) == ["parcel 0", "parcel 1", "parcel 2"]
    assert await texts(desk, "parcel", until=four) == ["parcel 5"]
    assert await texts(desk, "parcel", since=four, until=two, conversation_id=WITH_ANNA) == [
        "parcel 3",
        "parcel 4",
    ]
    assert await texts(desk, "parcel", before_id=rows[1].id, limit=2) == ["parcel 2", other.text]


async def test_two_accounts_of_one_ledger_find_only_their_own(desk: Desk) -> None:
    """Even the very same message is each account's own copy."""
    both = said("parcel")
    await desk.record(both, keep=YEAR)
    await desk.ledger.record("200", [both], lambda text: False, desk.now, keep=YEAR)
    await desk.ledger.forget(ME, None, "owner", desk.now)
    await sweep(desk)

    assert await texts(desk, "parcel") == []
    assert await desk.ledger.search_kept("200", parse("parcel")) == (both,)


async def test_what_is_forgotten_is_gone_at_once_and_is_not_kept_again(desk: Desk) -> None:
    """The same words read from X again stay out; newer ones are kept."""
    old, bens = said("parcel", 1), said("parcel of Ben", 1, 9, sender=BEN, peer=BEN)
    await desk.record(old, bens, keep=YEAR)
    await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now)

    assert await texts(desk, "parcel") == ["parcel of Ben"]
    assert await desk.ledger.kept_message(ME, old.id) is None
    assert await desk.ledger.kept_thread(ME, WITH_ANNA, 9) == ()
    assert await sweep(desk) == 1
    await desk.record(old, keep=YEAR)
    desk.later(hours=1)
    await desk.record(message(desk.now, "parcel again"), keep=YEAR)
    assert await texts(desk, "parcel") == ["parcel again", "parcel of Ben"]
    assert await desk.ledger.kept_count(ME) == 2


async def test_forgetting_ends_what_waits_and_keeps_what_protects(desk: Desk) -> None:
    """Drafts to the person go, of what may have been sent the text goes, an opt-out stays."""
    held, kept = await desk.held(draft("To Anna")), await desk.held(draft("To Ben", BEN))
    doubtful = await desk.settle(await desk.flying(draft("Perhaps to Anna")), UNKNOWN)
    await desk.record(said("stop"), keep=YEAR)
    assert await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now) == 1

    ended, doubt = await desk.ledger.entry(held.id), await desk.ledger.entry(doubtful.id)
    assert ended is not None
    assert (ended.state, ended.text) == (SendState.REJECTED, None)
    assert doubt is not None
    assert (doubt.state, doubt.text) == (SendState.UNKNOWN, None)
    assert (await desk.ledger.waiting(ME)) == (kept,)
    assert (await desk.facts(draft("Probe"))).peers[0].opted_out_at is not None
    newest = (await desk.ledger.audit(-1))[0]
    assert newest.event == "forgotten"
    assert WITH_ANNA in newest.what
    assert (await desk.ledger.verify_audit()).broken_at is None


@pytest.mark.parametrize("conversation_id", [WITH_ANNA, None])
async def test_forgetting_takes_the_name_and_leaves_the_handle(
    desk: Desk, conversation_id: str | None
) -> None:
    """A name is a stranger's words; by the handle the person is found again."""
    await desk.ledger.remember_users([User(ANNA, handle="anna", name="Anna's words")], START)
    await desk.record(said("parcel"), keep=YEAR)
    await desk.ledger.forget(ME, conversation_id, "owner", START)

    known = await desk.ledger.known_user("anna")
    assert known is not None
    assert (known.user.id, known.user.name) == (ANNA, None)


async def test_other_processes_learn_that_something_was_forgotten(
    desks: tuple[Desk, Desk],
) -> None:
    """Later with each time, whatever the clocks say, and only of their own account."""
    one, other = desks
    assert await other.ledger.forgotten_at(ME) is None
    await one.ledger.forget(ME, WITH_ANNA, "owner", START)
    first = await other.ledger.forgotten_at(ME)
    await one.ledger.forget(ME, WITH_BEN, "owner", START - timedelta(hours=1))
    second = await other.ledger.forgotten_at(ME)

    assert first == START
    assert second is not None
    assert second > first
    assert await other.ledger.forgotten_at("200") is None


async def test_a_trace_is_remembered_until_the_files_are_written_anew(
    desks: tuple[Desk, Desk],
) -> None:
    """By the ledger, so that another process makes up for one that died in between."""
    one, other = desks
    await one.record(said("parcel", 8), said("parcel", 1), keep=YEAR)
    assert not await other.ledger.has_traces(ME)
    await one.ledger.sweep_kept(ME, timedelta(days=7), START)

    assert await other.ledger.has_traces(ME)
    assert not await other.ledger.has_traces("200")
    assert await other.ledger.scrub(5)
    assert not await one.ledger.has_traces(ME)


async def test_a_sweep_that_ends_with_a_full_batch_ends(desk: Desk) -> None:
    """The last batch is as large as it may be: nothing is left behind that keeps from keeping."""
    rows = [said(f"parcel {n}", n, n) for n in range(4)]
    await desk.record(*rows, keep=YEAR)
    assert [await desk.ledger.sweep_kept(ME, None, desk.now, 2) for _ in range(2)] == [2, 2]
    assert await desk.ledger.keeps_any()
    assert await sweep(desk) == 0
    await desk.record(*rows, keep=YEAR)

    assert await desk.ledger.kept_count(ME) == 4


async def test_retention_erases_what_has_become_old(desk: Desk) -> None:
    """In batches, oldest first; younger ones stay and are found."""
    week = timedelta(days=7)
    await desk.record(*(said(f"parcel {n}", n, n) for n in range(7)), keep=week)
    desk.later(days=3)

    assert await desk.ledger.sweep_kept(ME, week, desk.now, limit=1) == 1
    assert await desk.ledger.kept_count(ME) == 6
    assert await sweep(desk, week) == 1
    assert len(await texts(desk, "parcel")) == 5


async def test_keeping_no_more_erases_all_and_may_begin_again(desk: Desk) -> None:
    """Turned off, everything goes in batches; turned on again, the same messages are kept anew."""
    rows = [said(f"parcel {n}", n, n) for n in range(5)]
    await desk.record(*rows, keep=YEAR)

    assert await desk.ledger.sweep_kept(ME, None, desk.now, limit=2) == 2
    assert await texts(desk, "parcel") == []
    await desk.record(*rows, keep=YEAR)
    assert await desk.ledger.kept_count(ME) == 3
    assert await sweep(desk, YEAR) == 3
    await desk.record(*rows, keep=YEAR)
    assert len(await texts(desk, "parcel")) == 5
    assert await sweep(desk, None) == 5
    assert await sweep(desk, None) == 0


async def test_forgetting_everything_may_be_cut_short(desk: Desk) -> None:
    """Messages that come meanwhile are kept, found, and outlive the sweep."""
    await desk.record(*(said(f"parcel {n}", n, n) for n in range(5)), keep=YEAR)
    await desk.ledger.forget(ME, None, "owner", desk.now)
    desk.later(hours=1)
    await desk.record(message(desk.now, "parcel anew"), keep=YEAR)

    assert await sweep(desk, YEAR, limit=2) == 5
    assert await texts(desk, "parcel") == ["parcel anew"]
    assert await desk.ledger.scrub(1)
    assert await texts(desk, "parcel") == ["parcel anew"]


async def test_tidying_ends_and_changes_no_answer(desk: Desk) -> None:
    """After erasing, a few steps; before anything was kept, none."""
    assert not await desk.ledger.tidy_kept(ME, begin=True)
    await desk.record(*(said(f"parcel {n}", n, n) for n in range(9)), keep=YEAR)
    await desk.ledger.forget(ME, WITH_ANNA, "owner", START - timedelta(days=4))
    await sweep(desk)
    steps = 0
    while await desk.ledger.tidy_kept(ME, begin=not steps):
        steps += 1
        assert steps < 20

    assert len(await texts(desk, "parcel")) == 0


ALPHABET = "ab é京都กิ '\"*:-👍"
TEXTS = st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=6)
QUERIES = st.lists(st.text(ALPHABET, min_size=1, max_size=5), min_size=1, max_size=4)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=TEXTS, queries=QUERIES)
async def test_search_finds_what_a_look_at_every_message_finds(
    desk: Desk, texts: list[str], queries: list[str]
) -> None:
    """Whatever the texts and the queries are: the index and the plain rule agree."""
    desk.later(hours=1)
    await desk.ledger.forget(ME, None, "owner", desk.now)
    await sweep(desk)
    desk.later(hours=1)
    rows = [message(desk.now, text, serial=n) for n, text in enumerate(texts, 1)]
    await desk.record(*rows, keep=YEAR)
    for query in queries:
        phrases = parse(query)
        found = await desk.ledger.search_kept(ME, phrases, limit=100)
        wanted = [m for m in reversed(rows) if phrases and matches(m.text or "", phrases)]
        assert list(found) == wanted, query
