"""A page of messages on the wire: packed, with nothing lost."""

from __future__ import annotations

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.pretend import HELD, REPORT, TALKS, THEM, US, WORDS
from xdm_mcp.models.results import InboxPage, MessageRow, SendResult
from xdm_mcp.server.packing import PackedPage, pack, structured
from xdm_mcp.server.schemas import output_schema

PAGE = jsonschema.Draft202012Validator(output_schema(PackedPage))

ROWS = st.lists(
    st.builds(
        MessageRow,
        id=st.integers(0, 2**63).map(str),
        conversation_id=st.none() | st.sampled_from(["1-2", "3-4"]),
        from_id=st.none() | st.sampled_from([US, THEM, "7", "8"]),
        at=st.datetimes().map(lambda t: t.isoformat(timespec="seconds") + "Z"),
        text=st.none() | st.text(max_size=20),
        truncated=st.booleans(),
        hidden_removed=st.integers(0, 3),
    ),
    max_size=12,
    unique_by=lambda row: row.id,
)


def test_messages_of_one_day_share_the_time_of_the_newest() -> None:
    """A run holds ids, places of writers and texts; another day begins another run."""
    packed = structured(WORDS)
    assert packed["messages"] == [
        {
            "at": "2026-10-14T09:31:42Z",
            "rows": [
                {"id": "30", "sender": 1, "text": "Is it here yet?"},
                {"id": "20", "text": "It left today."},
            ],
        },
        {
            "at": "2026-10-13T18:05:11.250Z",
            "rows": [{"id": "10", "sender": 1, "text": "Hello!"}],
        },
    ]
    assert packed["untrusted"] is True


@settings(deadline=None)
@given(rows=ROWS)
def test_packing_keeps_every_message_in_order_with_its_writer(rows: list[MessageRow]) -> None:
    """Unpacked again, ids, texts, writers, conversations and remarks are what they were."""
    page = WORDS.model_copy(update={"messages": rows})
    packed = pack(page)
    writers = {0: US, -1: None} | {n: p.id for n, p in enumerate(packed.people, start=1)}
    unpacked = [
        (
            message.model_dump(exclude={"sender"}),
            run.conversation_id,
            writers[message.sender],
        )
        for run in packed.messages or []
        for message in run.rows
    ]
    kept = {"id", "text", "truncated", "hidden_removed"}
    assert unpacked == [(r.model_dump(include=kept), r.conversation_id, r.from_id) for r in rows]
    assert list(PAGE.iter_errors(structured(page))) == []


def test_what_is_absent_is_left_out() -> None:
    """No nulls and no empty lists, but for `can_dm`, where null is an answer."""
    assert structured(SendResult(status="sent", says="X accepted the message.")) == {
        "status": "sent",
        "says": "X accepted the message.",
    }
    assert structured(REPORT)["recipients"][0]["can_dm"] is None
    assert "notes" not in structured(WORDS)


def test_answers_fit_their_schemas() -> None:
    """Conversations, previews and held sends are valid as they go out."""
    for answer, model in ((TALKS, PackedPage), (WORDS, PackedPage), (HELD, SendResult)):
        jsonschema.validate(structured(answer), output_schema(model))


def test_an_empty_page_says_that_it_is_one() -> None:
    """No messages is an empty list, not a missing one."""
    empty = InboxPage(
        account_id=US, messages=[], coverage="legacy_unencrypted_only", as_of="2026-10-14T09:40:00Z"
    )
    assert structured(empty)["messages"] == []
