"""What every engine keeps of an owner's factors: tries counted for all, answers taken once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import anyio

from tests.contract.ledger.desk import START, Desk, deny, draft
from xdm_mcp.ledger.factors import FREE_TRIES, LONGEST_LOCK
from xdm_mcp.models.factors import Ceremony, Passkey, PinTry, WrongPins

Desks = tuple[Desk, Desk]

KEY = Passkey("key1", "laptop", "public", 7, START)

CEREMONY = Ceremony(
    "c1", "use", "digest", "http://localhost:1", "nonce", START + timedelta(minutes=3)
)


async def tries(desk: Desk, count: int) -> PinTry:
    """Try the PIN so many times and return the last try."""
    last: PinTry | None = None
    for _ in range(count):
        last = await desk.ledger.try_pin(desk.now)
    assert last is not None
    return last


async def test_the_first_pin_is_set_once(desk: Desk) -> None:
    """Whoever comes second sets nothing."""
    assert await desk.ledger.has_pin() is False
    assert await desk.ledger.try_pin(desk.now) is None
    assert await desk.ledger.set_pin("one", "terminal", desk.now) is True
    assert await desk.ledger.set_pin("two", "terminal", desk.now) is False
    assert await desk.ledger.has_pin() is True
    assert (await tries(desk, 1)).verifier == "one"


async def test_there_is_nothing_to_change_before_the_first_pin(desk: Desk) -> None:
    """Changing is for what is set, and the new verifier holds at once."""
    assert await desk.ledger.change_pin("two", "terminal", desk.now) is False
    await desk.ledger.set_pin("one", "terminal", desk.now)
    assert await desk.ledger.change_pin("two", "terminal", desk.now) is True
    assert (await tries(desk, 1)).verifier == "two"


async def test_the_fifth_try_in_a_row_locks_and_each_further_one_for_twice_as_long(
    desk: Desk,
) -> None:
    """A minute, two, four: no try is granted before a lock ends, and one alone after it."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    left = [(await tries(desk, 1)).left for _ in range(FREE_TRIES)]
    assert left == [4, 3, 2, 1, 0]
    for minutes in (1, 2, 4, 8):
        refused = await tries(desk, 3)
        assert refused == PinTry(None, 0, desk.now + timedelta(minutes=minutes))
        desk.later(minutes=minutes, milliseconds=-1)
        assert (await tries(desk, 1)).verifier is None
        desk.later(milliseconds=1)
        assert (await tries(desk, 1)).verifier == "one"


async def test_a_lock_is_never_longer_than_a_day(desk: Desk) -> None:
    """However often it was wrong."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await tries(desk, FREE_TRIES)
    for _ in range(40):
        desk.later(days=1)
        until = (await tries(desk, 1)).locked_until
        assert until is not None
        assert until - desk.now <= LONGEST_LOCK
    assert until - desk.now == LONGEST_LOCK


async def test_a_try_that_would_leave_too_few_is_not_granted(desk: Desk) -> None:
    """Three are granted where two are kept; what is refused counts for nothing."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    for left in (4, 3, 2):
        assert await desk.ledger.try_pin(desk.now, 2) == PinTry("one", left, None)
    for _ in range(9):
        assert await desk.ledger.try_pin(desk.now, 2) == PinTry(None, 1, None)
    assert (await tries(desk, 1)).left == 1


async def test_wrong_tries_that_locked_nothing_are_forgotten_in_a_day(desk: Desk) -> None:
    """Counted from the last of them; a lock that came is never forgotten by time alone."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await tries(desk, FREE_TRIES - 1)
    desk.later(hours=24, milliseconds=-1)
    assert (await tries(desk, 1)).left == 0
    desk.later(days=9)
    assert (await tries(desk, 1)).locked_until == desk.now + timedelta(minutes=2)
    await desk.ledger.pin_was_right("one")
    await tries(desk, FREE_TRIES - 1)
    desk.later(hours=24)
    assert (await tries(desk, 1)).left == FREE_TRIES - 1


async def test_a_clock_that_steps_back_locks_nobody_out(desk: Desk) -> None:
    """Where nothing is locked, a wrong try of the future keeps no right one away."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await tries(desk, 1)
    desk.later(hours=-3)
    assert (await tries(desk, 1)).verifier == "one"


async def test_a_clock_that_steps_back_frees_nothing(desk: Desk) -> None:
    """A lock holds until its moment comes again."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await tries(desk, FREE_TRIES)
    desk.later(hours=-3)
    assert (await tries(desk, 1)).verifier is None


async def test_a_right_pin_forgets_the_wrong_ones(desk: Desk) -> None:
    """Only wrong tries in a row count; a verifier that was replaced forgets nothing."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await tries(desk, FREE_TRIES - 1)
    assert await desk.ledger.pin_was_right("other") is False
    assert await desk.ledger.pin_was_right("one") is True
    assert (await tries(desk, 1)).left == FREE_TRIES - 1


async def test_processes_that_guess_at_once_share_the_tries(desks: Desks) -> None:
    """Of many tries in two processes five are granted in all."""
    await desks[0].ledger.set_pin("one", "terminal", START)
    granted: list[PinTry | None] = []

    async def guess(desk: Desk) -> None:
        granted.append(await desk.ledger.try_pin(START))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for desk in desks * 12:
                tasks.start_soon(guess, desk)

    assert sum(bool(one and one.verifier) for one in granted) == FREE_TRIES


async def test_passkeys_are_kept_listed_and_forgotten(desk: Desk) -> None:
    """An id is known once; what was forgotten is gone."""
    later = replace(KEY, id="key2", name="phone", added_at=START + timedelta(hours=1))
    assert await desk.ledger.add_passkey(later, "page") is True
    assert await desk.ledger.add_passkey(KEY, "page") is True
    assert await desk.ledger.add_passkey(replace(KEY, name="other"), "page") is False
    assert await desk.ledger.passkeys() == (KEY, later)
    assert await desk.ledger.remove_passkey("key1", "terminal", desk.now) is True
    assert await desk.ledger.remove_passkey("key1", "terminal", desk.now) is False
    assert await desk.ledger.passkeys() == (later,)


async def test_the_first_passkey_is_added_only_where_there_is_none(desks: Desks) -> None:
    """Of two processes that each add the first one, one does."""
    added: list[bool] = []

    async def add(desk: Desk, key: Passkey) -> None:
        added.append(await desk.ledger.add_passkey(key, "page", first=True))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for desk, name in zip(desks, ("key1", "key2"), strict=True):
                tasks.start_soon(add, desk, replace(KEY, id=name))

    assert sorted(added) == [False, True]
    assert len(await desks[0].ledger.passkeys()) == 1


async def test_a_passkey_is_used_only_as_it_was_seen(desk: Desk) -> None:
    """Of two answers with one counter the second is refused; so is one of a forgotten passkey."""
    await desk.ledger.add_passkey(KEY, "page")
    assert await desk.ledger.use_passkey(KEY, 8, desk.now) is True
    assert await desk.ledger.use_passkey(KEY, 8, desk.now) is False
    assert await desk.ledger.passkeys() == (replace(KEY, sign_count=8, used_at=desk.now),)
    await desk.ledger.remove_passkey("key1", "terminal", desk.now)
    assert await desk.ledger.use_passkey(replace(KEY, sign_count=8), 9, desk.now) is False


async def test_a_ceremony_is_taken_once_and_in_time(desk: Desk) -> None:
    """A second taker finds nothing, and neither does one who comes too late."""
    await desk.ledger.begin_ceremony(CEREMONY, desk.now)
    assert await desk.ledger.take_ceremony("other", desk.now) is None
    assert await desk.ledger.take_ceremony("c1", desk.now) == CEREMONY
    assert await desk.ledger.take_ceremony("c1", desk.now) is None
    await desk.ledger.begin_ceremony(CEREMONY, desk.now)
    assert await desk.ledger.take_ceremony("c1", desk.later(minutes=3)) is None


async def test_a_ceremony_is_taken_by_one_of_two_processes(desks: Desks) -> None:
    """However many ask at once, one gets it."""
    await desks[0].ledger.begin_ceremony(CEREMONY, START)
    taken: list[Ceremony | None] = []

    async def take(desk: Desk) -> None:
        taken.append(await desk.ledger.take_ceremony("c1", START))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for desk in desks * 10:
                tasks.start_soon(take, desk)

    assert sum(one is not None for one in taken) == 1


async def test_every_change_of_a_factor_is_in_the_audit_chain(desk: Desk) -> None:
    """Who set the PIN and added or removed a passkey is written down, and never a verifier."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    await desk.ledger.change_pin("two", "PIN, terminal", desk.now)
    await desk.ledger.add_passkey(KEY, "page")
    await desk.ledger.remove_passkey("key1", "PIN, terminal", desk.now)
    told = await desk.ledger.audit()
    assert [record.event for record in told] == [
        "pin_set",
        "pin_changed",
        "passkey_added",
        "passkey_removed",
    ]
    assert not any("one" in record.what or "two" in record.what for record in told)
    assert (await desk.ledger.verify_audit()).broken_at is None


async def test_wrong_tries_are_in_the_audit_chain_with_where_they_happened(desk: Desk) -> None:
    """Four wrong ones, then one record for each lock; what a lock refuses leaves nothing."""
    await desk.ledger.set_pin("one", "terminal", desk.now)
    assert await desk.ledger.wrong_pins(desk.now) is None
    for _ in range(FREE_TRIES):
        await desk.ledger.pin_was_wrong(await tries(desk, 1), "page", desk.later(seconds=1))
    told = [(record.event, record.what) for record in (await desk.ledger.audit())[1:]]
    assert told == [("pin_wrong", '{"by":"page"}')] * 4 + [("pin_locked", '{"by":"page"}')]
    assert (await desk.ledger.verify_audit()).broken_at is None


async def test_wrong_tries_are_counted_since_a_moment(desk: Desk) -> None:
    """How many, from when to when, and where the last was."""
    wrong = PinTry("one", 3, None)
    for where in ("terminal", "page", "terminal"):
        await desk.ledger.pin_was_wrong(wrong, where, desk.later(hours=1))
    found = await desk.ledger.wrong_pins(START + timedelta(hours=2))
    late = START + timedelta(hours=3)
    assert found == WrongPins(2, START + timedelta(hours=2), late, "terminal")
    assert await desk.ledger.wrong_pins(late + timedelta(seconds=1)) is None


async def test_no_number_of_later_records_hides_a_wrong_try(desk: Desk) -> None:
    """An agent adds records as it likes: each draft that is refused is one."""
    await desk.ledger.pin_was_wrong(PinTry("one", 3, None), "page", desk.now)
    await desk.ledger.pin_was_wrong(PinTry("one", 0, desk.now), "page", desk.now)
    for number in range(501):
        await desk.reserve(draft(str(number)), deny())
    assert len(await desk.ledger.audit(limit=1_000)) == 503
    assert await desk.ledger.wrong_pins(desk.now) == WrongPins(2, desk.now, desk.now, "page")


async def test_who_was_asked_about_what_is_found_newest_first(desk: Desk) -> None:
    """What never waited for a person is not among them; what was rejected says by whom."""
    await desk.reserved(draft("free"))
    first = await desk.held(draft("first"))
    second = await desk.held(draft("second"))
    assert first.hold is not None
    await desk.ledger.reject(first.hold.approval_id, "page", desk.now)
    asked = await desk.ledger.asked()
    assert [entry.id for entry in asked] == [second.id, first.id]
    assert asked[1].hold is not None
    assert asked[1].hold.rejected_by == "page"
    assert [entry.id for entry in await desk.ledger.asked(1)] == [second.id]
