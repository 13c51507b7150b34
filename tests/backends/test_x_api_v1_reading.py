"""How the answers of the X API v1.1 are read, and what is asked for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.backends.test_strict_json import VALUES
from tests.backends.wires import ANNA, EVENT, ME, PAIR, Answering, Script, reply
from tests.backends.wires_v1 import MADE, ONE, SELF, SENT, backend, code
from xdm_mcp.backends import x_api_v1_parse as parse
from xdm_mcp.errors import BadInput, NotFound, RateLimited, Unsupported, XdmError
from xdm_mcp.models.messages import MessagePage
from xdm_mcp.models.sends import SendState


async def test_pages_lead_on_even_where_they_are_empty() -> None:
    """The cursor says whether there is more, and the same one again that there is not."""
    script = Script(
        reply(200, {"events": [], "next_cursor": "c1"}),
        reply(200, {"events": [MADE], "next_cursor": "c1"}),
    )
    there = backend(script)
    first = await there.messages(limit=10)
    assert (first.messages, first.next_cursor) == ((), "c1")
    second = await there.messages(limit=10, cursor="c1")
    assert ([m.id for m in second.messages], second.next_cursor) == ([EVENT], None)
    assert script.params() == {"count": "10", "cursor": "c1"}


async def test_one_persons_messages_are_looked_for_in_whole_pages() -> None:
    """One at a time, since X counts each, though it may hold none of theirs; what did not fit is
    read again from behind the last one shown."""

    def event(number: int, sender: str) -> dict[str, Any]:
        made = {**MADE["message_create"], "sender_id": sender, "target": {"recipient_id": ME}}
        return {**MADE, "id": str(number), "message_create": made}

    others = reply(200, {"events": [event(9, "5")], "next_cursor": "c1"})
    theirs = reply(200, {"events": [event(n, ANNA) for n in (8, 7, 6)], "next_cursor": "c2"})
    last = reply(200, {"events": [event(5, ANNA)]})
    script = Script(others, theirs, theirs, last)
    there = backend(script)
    told: list[list[str]] = []
    cursor: str | None = None
    for _ in range(4):
        page = await there.messages(limit=2, with_user=ANNA, cursor=cursor)
        told.append([m.id for m in page.messages])
        cursor = page.next_cursor
    assert (told, cursor) == ([[], ["8", "7"], ["6"], ["5"]], None)
    assert [request.url.params.get("cursor") for request in script.requests] == [
        None, "c1", "c1", "c2",
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["abc", "|", "-5", "9" * 5000, "\u0663"])
async def test_a_place_that_is_not_ours_is_refused_before_anything_leaves(place: str) -> None:
    """Whoever forges a cursor may write any place into it."""
    script = Script(reply(200, {"events": [MADE]}))
    with pytest.raises(BadInput, match="cursor"):
        await backend(script).messages(limit=2, with_user=ANNA, cursor=f"c1|{place}")
    assert script.requests == []


async def test_a_person_is_looked_up_with_how_we_stand_to_them() -> None:
    """Whether X lets us write to them is relative to us."""
    relation = {"relationship": {"source": {"can_dm": False, "blocked_by": True, "muting": False}}}
    script = Script(
        SELF, reply(200, [{"id_str": ANNA, "screen_name": "anna"}]), reply(200, relation)
    )
    there = backend(script)
    await there.me()
    (user,) = await there.users(handles=["ANNA"])
    assert (user.id, user.can_dm, user.can_dm_basis) == (ANNA, False, "relative")
    assert user.connection == {"blocked_by"}
    assert script.params() == {"source_id": ME, "target_id": ANNA}


@pytest.mark.parametrize("answer", [code(88, 429), code(50, 404), reply(503), reply(200, {})])
async def test_where_the_relation_is_not_told_it_is_unknown(answer: Answering) -> None:
    """The look-up itself stands."""
    script = Script(SELF, reply(200, [{"id_str": ANNA}]), answer)
    there = backend(script)
    await there.me()
    (user,) = await there.users(ids=[ANNA])
    assert (user.can_dm, user.can_dm_basis) == (None, "unknown")


async def test_of_many_people_only_the_profiles_are_asked_for() -> None:
    """Each relation is a request of its own, so it is asked for few."""
    many = [str(number) for number in range(1, 8)]
    script = Script(reply(200, [{"id_str": each} for each in many]))
    found = await backend(script).users(ids=many)
    assert [user.id for user in found] == many
    assert {user.can_dm for user in found} == {None}
    assert len(script.requests) == 1


async def test_a_message_is_shown_deleted_and_marked_as_the_reference_says() -> None:
    """Paths, queries and forms."""
    script = Script(reply(200, {"event": MADE}), reply(204), reply(204))
    there = backend(script)
    assert (await there.message(EVENT)).conversation_id == PAIR
    await there.delete(EVENT)
    await there.mark_read(EVENT, ANNA)
    assert script.paths == [
        "GET /1.1/direct_messages/events/show.json",
        "DELETE /1.1/direct_messages/events/destroy.json",
        "POST /1.1/direct_messages/mark_read.json",
    ]
    assert script.params(1) == {"id": EVENT}
    form = dict(parse_qsl(script.requests[2].content.decode()))
    assert form == {"last_read_event_id": EVENT, "recipient_id": ANNA}


async def test_a_refused_read_is_a_typed_error() -> None:
    """As on every backend."""
    with pytest.raises(RateLimited):
        await backend(Script(code(88, 429))).messages(limit=5)
    with pytest.raises(NotFound):
        await backend(Script(code(34, 404))).message(EVENT)
    with pytest.raises(NotFound):
        await backend(Script(code(34, 404))).delete(EVENT)
    with pytest.raises(BadInput):
        await backend(Script(SENT)).messages(limit=51)
    with pytest.raises(Unsupported, match="with_user"):
        await backend(Script(SENT)).messages(limit=5, conversation_id=PAIR)


@given(VALUES)
@settings(deadline=None)
def test_any_value_is_parsed_without_failing(value: Any) -> None:
    """Whatever stands in an answer, in whatever place, parsing never raises."""
    for content in (value, {"event": value}, {"events": [value]}, {"relationship": value}):
        parse.receipt_in(content)
        parse.page_in(content)
        parse.relation_in(content)
        parse.user_of(content)
    for name in MADE:
        parse.message_of({**MADE, name: value})
    for name in MADE["message_create"]:
        parse.message_of({**MADE, "message_create": {**MADE["message_create"], name: value}})


@given(st.text(max_size=20))
@settings(deadline=None)
def test_an_odd_timestamp_gives_way_to_the_id(stamp: str) -> None:
    """A message always has a time."""
    message = parse.message_of({**MADE, "created_timestamp": stamp})
    assert message is not None
    assert message.created_at.tzinfo is not None


@example({"events": []}, 200)
@given(VALUES, st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 408, 429, 500, 503]))
@settings(deadline=None, max_examples=60)
async def test_no_answer_is_sent_without_a_proper_event(value: Any, status: int) -> None:
    """Whatever stands in it, and whatever its status: a send is unknown or failed, a read gives a
    typed error or what it promises."""
    for content in (value, {"event": value}, {"events": [value]}, {"errors": [value]}):
        there = backend(Script(reply(status, content)))
        outcome = await there.send(ONE, "Hello.", None)
        assert outcome.state is not SendState.SENT
        assert outcome.receipt is None
        for read in (there.me(), there.messages(limit=5), there.message(EVENT)):
            with suppress(XdmError):
                found = await read
                assert isinstance(found, MessagePage)
                assert found.messages == ()
