"""X's objects become our values, in both vocabularies, and odd ones do no harm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from tests.backends.test_strict_json import VALUES
from tests.backends.wires import ANNA, EVENT, ME, PAIR
from xdm_mcp.backends import x_api_v2_parse as parse
from xdm_mcp.backends.x_api_v2_problems import problems_in
from xdm_mcp.models.sends import Receipt, Target

GROUP = "2110302088714465281"
MESSAGE: dict[str, Any] = {
    "id": EVENT,
    "event_type": "MessageCreate",
    "text": "thanks!",
    "sender_id": ANNA,
    "dm_conversation_id": PAIR,
    "created_at": "2026-10-14T09:31:42.000Z",
}
JOIN: dict[str, Any] = {
    "id": "2110069350631682048",
    "event_type": "ParticipantsJoin",
    "participant_ids": [ANNA],
    "sender_id": ME,
    "dm_conversation_id": GROUP,
    "created_at": "2026-10-13T18:05:11.000Z",
}


@pytest.mark.parametrize(
    ("content", "receipt"),
    [
        ({"data": {"dm_conversation_id": PAIR, "dm_event_id": EVENT}}, Receipt(EVENT, PAIR)),
        ({"data": {"dm_event_id": EVENT}}, Receipt(EVENT)),
        ({"data": {"id": EVENT}}, Receipt(EVENT)),
        ({"dm_event_id": EVENT, "dm_conversation_id": PAIR}, Receipt(EVENT, PAIR)),
        ({"id": EVENT}, Receipt(EVENT)),
        ({"data": {"dm_event_id": EVENT}, "errors": [{"title": "Odd"}]}, Receipt(EVENT)),
        ({"data": {}, "dm_event_id": EVENT}, Receipt(EVENT)),
    ],
)
def test_a_receipt_is_found_wherever_x_puts_it(content: object, receipt: Receipt) -> None:
    """Under `data` or on top, under its new name or its old."""
    assert parse.receipt_in(content) == receipt


@pytest.mark.parametrize("event_id", [None, "", 7, 2019384131067818211, 1.5, True, "abc", "-1"])
def test_an_odd_id_is_no_receipt(event_id: object) -> None:
    """Only a string of digits proves a message: a number may have lost some on its way."""
    assert parse.receipt_in({"data": {"dm_event_id": event_id}}) is None


@pytest.mark.parametrize("event_id", ["1" * 20, "\u0661\u0662", "12\n", " 12"])
def test_digits_of_other_scripts_and_lengths_are_no_id(event_id: str) -> None:
    """An id has 1 to 19 plain digits, all of them."""
    assert parse.receipt_in({"data": {"dm_event_id": event_id}}) is None


@pytest.mark.parametrize("content", [None, [], "", 7, {}, {"data": None}, {"data": [MESSAGE]}])
def test_no_receipt_without_an_object(content: object) -> None:
    """Other shapes prove nothing."""
    assert parse.receipt_in(content) is None


@pytest.mark.parametrize(
    ("named", "target", "other"),
    [
        (PAIR, Target((ANNA,)), False),
        (f"{ANNA}-{ME}", Target((ANNA,)), False),
        ("111-222", Target((ANNA,)), True),
        (None, Target((ANNA,)), False),
        ("g2110302088714465281", Target((ANNA,)), False),
        (GROUP, Target((ANNA,)), False),
        (GROUP, Target(conversation_id=GROUP), False),
        ("2110302088714465282", Target(conversation_id=GROUP), True),
        (f"{ANNA}-{ME}", Target(conversation_id=PAIR), False),
        ("111-222", Target(conversation_id=PAIR), True),
        ("new kind", Target(conversation_id=PAIR), False),
        (GROUP, Target((ANNA, "5550001112")), False),
    ],
)
def test_an_answer_about_another_conversation_is_noticed(
    named: str | None, target: Target, other: bool
) -> None:
    """Forms that we know must fit the target; forms that we do not know are not judged."""
    assert parse.contradicts(Receipt(EVENT, named), target) is other


def test_a_message_is_read_in_both_vocabularies() -> None:
    """What is written in the words of before and after August 2026 gives the same message."""
    old = parse.message_of({**MESSAGE, "referenced_tweets": [{"id": "1"}], "urls": []})
    new = parse.message_of({**MESSAGE, "referenced_posts": [{"id": "1"}], "entities": {"urls": []}})
    assert old == new
    assert old is not None
    assert (old.id, old.conversation_id, old.sender_id, old.text) == (EVENT, PAIR, ANNA, "thanks!")
    assert old.created_at == datetime(2026, 10, 14, 9, 31, 42, tzinfo=UTC)
    assert (old.kind, old.has_attachment) == ("message", False)


def test_joins_and_leaves_are_read() -> None:
    """They name people and have no text, even if something stands in its place."""
    join = parse.message_of(JOIN)
    leave = parse.message_of({**JOIN, "event_type": "ParticipantsLeave", "text": "spoof"})
    assert join is not None
    assert leave is not None
    assert (join.kind, join.participant_ids, join.text) == ("join", (ANNA,), None)
    assert (leave.kind, leave.text) == ("leave", None)


def test_a_picture_is_noticed() -> None:
    """Attached media are told, and a message of media alone has no text."""
    event = {**MESSAGE, "text": "", "attachments": {"media_keys": ["3_1"]}}
    message = parse.message_of(event)
    assert message is not None
    assert (message.has_attachment, message.text) == (True, None)


def test_the_card_of_a_link_is_no_attachment() -> None:
    """Else its link would count as that which X adds to a picture, and the words as said without
    one: typed by hand, they would not be known again."""
    cards: dict[str, object] = {"card_ids": ["card://1"]}
    for attachments, attached in ((cards, False), ({**cards, "media_keys": ["3_1"]}, True)):
        message = parse.message_of({**MESSAGE, "attachments": attachments})
        assert message is not None
        assert message.has_attachment is attached


@pytest.mark.parametrize("created_at", [None, "", "yesterday", "2026-10-14T09:31:42", 7])
def test_a_time_that_is_missing_comes_from_the_id(created_at: object) -> None:
    """An id tells its own time to the millisecond; a time without a zone tells none."""
    message = parse.message_of({**MESSAGE, "created_at": created_at})
    assert message is not None
    assert message.created_at == parse.snowflake_time(EVENT)
    assert message.created_at.tzinfo is UTC


def test_the_time_of_a_snowflake() -> None:
    """The documented epoch plus the upper bits in milliseconds."""
    stamp = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
    snowflake = (int(stamp.timestamp() * 1000) - parse.SNOWFLAKE_EPOCH) << 22
    assert parse.snowflake_time(str(snowflake | 4_194_303)) == stamp


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"id": 7}, {"id": "x"}, {"event_type": "New"}, {"dm_conversation_id": None}],
)
def test_what_cannot_be_placed_is_no_message(change: dict[str, Any]) -> None:
    """Without an id, of an unknown kind, or of no conversation."""
    assert parse.message_of({**MESSAGE, **change}) is None


def test_what_was_asked_for_stands_in_for_a_missing_conversation() -> None:
    """In the answer for one conversation, events need not name it."""
    message = parse.message_of({**MESSAGE, "dm_conversation_id": None}, PAIR)
    assert message is not None
    assert message.conversation_id == PAIR


def test_a_page_is_newest_first_and_has_each_message_once() -> None:
    """By number, not by the order or the letters of the ids."""
    ids = ["9", "100", "20", "100"]
    content = {"data": [{**MESSAGE, "id": i} for i in ids], "meta": {"next_token": "n" * 16}}
    listing = parse.listing_in(content)
    assert listing is not None
    assert [message.id for message in listing.messages] == ["100", "20", "9"]
    assert (listing.next_token, listing.billed) == ("n" * 16, 4)


def test_an_unusable_event_is_left_out_and_still_billed() -> None:
    """One odd event does not hide the others."""
    listing = parse.listing_in({"data": [MESSAGE, {"id": "x"}, None], "meta": {}})
    assert listing is not None
    assert ([message.id for message in listing.messages], listing.billed) == ([EVENT], 3)


def test_a_page_with_errors_beside_its_events_is_a_page() -> None:
    """Partial success is success for what is there."""
    content = {"data": [MESSAGE], "errors": [{"title": "Not Found Error"}]}
    listing = parse.listing_in(content)
    assert listing is not None
    assert len(listing.messages) == 1


def test_the_people_in_a_page_are_kept() -> None:
    """An expansion brings names along."""
    people = [{"id": ANNA, "username": "target_user", "name": "Target"}, {"id": "x"}]
    listing = parse.listing_in({"data": [MESSAGE], "includes": {"users": people}})
    assert listing is not None
    assert [(user.id, user.handle) for user in listing.users] == [(ANNA, "target_user")]


def test_an_empty_page_has_a_count_and_no_events() -> None:
    """X leaves `data` out of an empty page."""
    listing = parse.listing_in({"meta": {"result_count": 0}})
    assert listing is not None
    assert (listing.messages, listing.next_token, listing.billed) == ((), None, 0)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"data": {}},
        {"data": [{"id": "x"}]},
        {"meta": {"result_count": 3}},
        {"meta": {"result_count": 0}, "errors": [{"title": "Odd"}]},
    ],
)
def test_what_is_no_page_is_not_taken_for_an_empty_one(content: object) -> None:
    """An answer that we do not understand never reads as "no messages"."""
    assert parse.listing_in(content) is None


def test_a_user_is_read_with_what_x_says_of_us_and_them() -> None:
    """Whether they receive our messages, and how the two accounts are connected."""
    user = parse.user_of(
        {
            "id": ANNA,
            "username": "target_user",
            "name": "Target",
            "receives_your_dm": True,
            "connection_status": ["followed_by", "blocking"],
        }
    )
    assert user is not None
    assert (user.can_dm, user.can_dm_basis) == (True, "relative")
    assert user.connection == {"followed_by", "blocking"}


def test_absent_is_not_false() -> None:
    """Without user context X leaves the fields out: then nothing is known."""
    user = parse.user_of({"id": ANNA, "username": "not a handle!", "receives_your_dm": "yes"})
    assert user is not None
    assert (user.can_dm, user.can_dm_basis, user.handle) == (None, "unknown", None)


@pytest.mark.parametrize(
    "error",
    [
        {"detail": f"User has been suspended: [{ANNA}].", "parameter": "ids", "value": ANNA},
        {"detail": f"User has been suspended: [{ANNA}]."},
        {"detail": "User has been suspended.", "resource_id": ANNA},
    ],
)
def test_a_suspended_user_is_known_by_the_id_that_was_asked_for(error: dict[str, str]) -> None:
    """Others in the same answer are not taken for suspended."""
    problems = problems_in({"errors": [error]})
    (user,) = parse.suspended_in(problems, ["1", ANNA])
    assert (user.id, user.suspended) == (ANNA, True)
    assert parse.suspended_in(problems, ["1"]) == ()


@pytest.mark.parametrize(
    ("content", "media_id"),
    [
        ({"data": {"id": "7", "media_key": "3_7"}}, "7"),
        ({"data": {"id": "7", "processing_info": {"state": "succeeded"}}}, "7"),
        ({"data": {"id": "7", "processing_info": {"state": "pending"}}}, None),
        ({"data": {"id": 7}}, None),
        ({"id": "7"}, None),
        (None, None),
    ],
)
def test_only_a_ready_picture_can_be_sent(content: object, media_id: str | None) -> None:
    """What X still works on cannot be sent."""
    media = parse.media_in(content)
    assert (media.id if media and media.ready else None) == media_id


@pytest.mark.parametrize(
    ("work", "ready", "failed", "wait"),
    [
        ({"state": "in_progress", "check_after_secs": 7}, False, False, 7),
        ({"state": "pending", "check_after_secs": -1}, False, False, 1),
        ({"state": "pending", "check_after_secs": 10**9}, False, False, parse.LONGEST_CHECK),
        ({"state": "pending", "check_after_secs": True}, False, False, 1),
        ({"state": "failed"}, False, True, 1),
        ({"state": "what is this"}, False, True, 1),
        ({"state": "succeeded"}, True, False, 1),
    ],
)
def test_a_picture_that_x_works_on_says_how_it_stands(
    work: dict[str, Any], ready: bool, failed: bool, wait: int
) -> None:
    """Ready, failed, or to be looked at again after a sensible time."""
    media = parse.media_in({"data": {"id": "7", "processing_info": work}})
    assert media == parse.Media("7", ready, failed, wait)


@given(VALUES)
@settings(deadline=None)
def test_any_value_is_parsed_without_failing(value: Any) -> None:
    """Whatever stands in an answer, in whatever place, parsing never raises."""
    for content in (value, {"data": value, "meta": value, "includes": value}, {"data": [value]}):
        parse.receipt_in(content)
        parse.listing_in(content)
        parse.users_in(content)
        parse.media_in(content)
    for name in MESSAGE:
        parse.message_of({**MESSAGE, name: value})
    for name in ("id", "username", "name", "receives_your_dm", "connection_status"):
        parse.user_of({"id": ANNA, name: value})
