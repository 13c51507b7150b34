"""The same words once: what counts as the same send, under whatever key or name of a recipient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    UNKNOWN,
    Desk,
    draft,
    own,
    sent,
    snowflake,
)
from xdm_mcp.models.sends import Attachment, SendState, Target

GROUP = "1234567890123456789"
"""The number that X gives a group."""

OPENING = Target((BEN, CARA))
OPENED = Target(conversation_id=GROUP)


@pytest.mark.parametrize("said", ["Your parcel is on its way.", " Your parcel is on its way.  "])
async def test_what_a_person_rejected_is_remembered_whatever_the_key_and_the_blanks(
    desk: Desk, said: str
) -> None:
    """For a day; then the words are new again."""
    await desk.held(draft())
    rejected = await desk.ledger.reject("approval1", "owner", desk.now)

    known = (await desk.facts(draft(said, key="other"))).duplicate
    desk.later(hours=24)

    assert known is not None
    assert (known.entry_id, known.state) == (rejected.id, SendState.REJECTED)
    assert (await desk.facts(draft(said, key="other"))).duplicate is None


async def test_what_was_sent_after_all_comes_before_what_was_rejected(desk: Desk) -> None:
    """A person may let rejected words pass; nobody lets them pass twice."""
    await desk.held(draft())
    await desk.ledger.reject("approval1", "owner", desk.now)
    desk.later(minutes=1)
    await desk.send(draft(key="other"))

    known = (await desk.facts(draft(key="third"))).duplicate

    assert known is not None
    assert known.state == SendState.SENT


async def test_words_that_opened_a_group_are_the_same_in_the_group(desk: Desk) -> None:
    """The group has a number since, under which the words would go out once more."""
    first = await desk.send(draft(target=OPENING), sent(snowflake(desk.now), GROUP))
    desk.later(minutes=1)

    known = (await desk.facts(draft(target=OPENED))).duplicate

    assert known is not None
    assert known.entry_id == first.id
    assert (await desk.facts(draft("Others.", target=OPENED))).duplicate is None
    elsewhere = Target(conversation_id="1234567890123456780")
    assert (await desk.facts(draft(target=elsewhere))).duplicate is None


async def test_what_opened_a_group_comes_before_what_was_rejected_in_it(desk: Desk) -> None:
    """A person who lets rejected words pass would send them a second time."""
    await desk.held(draft(target=OPENED))
    await desk.ledger.reject("approval1", "owner", desk.now)
    first = await desk.send(draft(target=OPENING), sent(snowflake(desk.now), GROUP))

    known = (await desk.facts(draft(target=OPENED, key="other"))).duplicate

    assert known is not None
    assert known.entry_id == first.id


@pytest.mark.parametrize("known", [False, True], ids=["on its way", "unknown"])
async def test_words_that_may_have_opened_a_group_go_to_no_group_until_that_is_known(
    desk: Desk, known: bool
) -> None:
    """Its number is not known before the answer is, so it may be any."""
    flying = await desk.flying(draft(target=OPENING))
    if known:
        await desk.settle(flying, UNKNOWN)
        desk.later(days=2)

    met = (await desk.facts(draft(target=OPENED))).duplicate

    assert met is not None
    assert met.entry_id == flying.id
    assert (await desk.facts(draft())).duplicate is None


@pytest.mark.parametrize("shown", [False, True])
async def test_words_alone_prove_no_picture(desk: Desk, shown: bool) -> None:
    """The owner may have typed them; with a picture it is what was sent."""
    picture = Attachment("map.png", "0" * 64, "image/png", 9)
    unknown = await desk.send(replace(draft("Here it is"), attachment=picture), UNKNOWN)

    found = own(desk.now, "Here it is", peer=ANNA)
    await desk.record(replace(found, has_attachment=shown))

    entry = await desk.ledger.entry(unknown.id)
    assert entry is not None
    assert entry.state is (SendState.SENT if shown else SendState.UNKNOWN)
    assert entry.account_id == ME


@pytest.mark.parametrize(
    ("sent", "read", "shown", "proves"),
    [
        ("Here it is", "Here it is https://t.co/aB3dE", True, True),
        ("", "https://t.co/aB3dE", True, True),
        ("See https://x.com/a", "See https://t.co/1 https://t.co/aB3dE", True, True),
        ("Here it is", "Here it is https://t.co/aB3dE", False, False),
        ("Here it is", "Here it is https://evil.example/aB3dE", True, False),
        ("Here it is", "Here it is, too https://t.co/aB3dE", True, False),
    ],
)
async def test_a_picture_is_found_by_its_words_though_x_adds_a_link_to_them(
    desk: Desk, sent: str, read: str, shown: bool, proves: bool
) -> None:
    """X shows what is attached as a short link of its own at the end of the text."""
    picture = Attachment("map.png", "0" * 64, "image/png", 9)
    unknown = await desk.send(replace(draft(sent), attachment=picture), UNKNOWN)
    await desk.record(replace(own(desk.now, read, peer=ANNA), has_attachment=shown))
    entry = await desk.ledger.entry(unknown.id)
    assert entry is not None
    assert entry.state is (SendState.SENT if proves else SendState.UNKNOWN)


async def test_a_link_typed_with_a_picture_proves_no_send_of_the_words_alone(desk: Desk) -> None:
    """They were to go without one."""
    unknown = await desk.send(draft("Here it is"), UNKNOWN)
    typed = own(desk.now, "Here it is https://t.co/aB3dE", peer=ANNA)
    await desk.record(replace(typed, has_attachment=True))
    entry = await desk.ledger.entry(unknown.id)
    assert entry is not None
    assert entry.state is SendState.UNKNOWN
