"""What the tools may be asked, and what is said of what they may not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xdm_mcp.errors import BadInput
from xdm_mcp.server.arguments import Arguments, CheckCanDm, ListDms, NoArguments, SendDm, read

SECRET = "my-private-value"

WRONG: list[tuple[type[Arguments], dict[str, Any], str]] = [
    (SendDm, {"to": "ada"}, "text is missing: it must be a text of 1 to 10,000 characters"),
    (SendDm, {"text": "", "to": "ada"}, "text must be a text of 1 to 10,000 characters"),
    (SendDm, {"text": "x" * 10_001, "to": "ada"}, "text must be a text of 1 to 10,000 characters"),
    (SendDm, {"text": "\ud800", "to": "ada"}, "text must be a text of 1 to 10,000 characters"),
    (SendDm, {"text": "hi"}, "Give exactly one of to, conversation_id and new_group"),
    (SendDm, {"text": "hi", "to": "a", "conversation_id": "1-2"}, "Give exactly one of to"),
    (
        SendDm,
        {"text": "hi", "to": 42},
        'to must be one handle or numeric user id, as a string: "42"',
    ),
    (SendDm, {"text": "hi", "to": 4.2e18}, "to must be one handle or numeric user id, as a string"),
    (SendDm, {"text": "hi", "to": True}, "to must be one handle or numeric user id, as a string"),
    (
        SendDm,
        {"text": "hi", "conversation_id": 1.5},
        "conversation_id must be the id that list_dms",
    ),
    (SendDm, {"text": "hi", "new_group": ["a"]}, "new_group must be a list of 2 to 49"),
    (SendDm, {"text": "hi", "new_group": ["a", 2]}, "new_group must be a list of 2 to 49"),
    (SendDm, {"text": "hi", "to": "a", "dry_run": "yes"}, "dry_run must be true or false"),
    (SendDm, {"text": "hi", "to": "a", "dryRun": True}, "There is no argument called dryRun"),
    (SendDm, {"text": "hi", "to": "a", "confirm": True}, "There is no argument called confirm"),
    (SendDm, {"text": "hi", "to": "a", f"{SECRET} !": 1}, "There is no such argument"),
    (ListDms, {"limit": 20.0}, "limit must be a whole number from 1 to 100"),
    (ListDms, {"limit": True}, "limit must be a whole number from 1 to 100"),
    (ListDms, {"limit": 101}, "limit must be a whole number from 1 to 100"),
    (ListDms, {"since": "2026-10-14"}, "since must be an RFC 3339 time with its offset"),
    (ListDms, {"since": 1_791_970_302}, "since must be an RFC 3339 time with its offset"),
    (ListDms, {"since": "0001-01-01T00:00:00+14:00"}, "since must be an RFC 3339 time"),
    (ListDms, {"since": "9999-12-31T23:59:59-14:00"}, "since must be an RFC 3339 time"),
    (ListDms, {"wait_seconds": 51}, "wait_seconds must be a number from 0 to 50"),
    (ListDms, {"wait_seconds": float("nan")}, "wait_seconds must be a number from 0 to 50"),
    (ListDms, {"with_user": "a", "conversation_id": "1-2"}, "Give with_user or conversation_id"),
    (CheckCanDm, {"recipients": []}, "recipients must be a list of 1 to 100"),
    (CheckCanDm, {"recipients": ["a"] * 101}, "recipients must be a list of 1 to 100"),
    (NoArguments, {"verbose": True}, "There is no argument called verbose; leave it out"),
]


@pytest.mark.parametrize(("model", "given_", "says"), WRONG)
def test_bad_input_is_refused_with_one_sentence_of_ours(
    model: type[Arguments], given_: dict[str, Any], says: str
) -> None:
    """The sentence names the argument and what it must be, and ends."""
    with pytest.raises(BadInput) as refusal:
        read(model, given_)
    sentence = str(refusal.value)
    assert sentence.startswith(says)
    assert sentence.endswith(".")
    assert SECRET not in sentence


@settings(deadline=None)
@given(
    model=st.sampled_from([SendDm, ListDms, CheckCanDm, NoArguments]),
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    data=st.data(),
)
def test_whatever_does_not_fit_is_refused_without_repeating_it(
    model: type[Arguments], value: object, data: st.DataObject
) -> None:
    """Whatever the value, the refusal is one line of ours and quotes nothing that was given."""
    name = data.draw(st.sampled_from([*model.model_fields, "unknown"]))
    marked = {name: value, "text": SECRET, "recipients": SECRET}
    with pytest.raises(BadInput) as refusal:
        read(model, marked)
    assert SECRET not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_null_counts_as_left_out() -> None:
    """Hosts that fill every argument in are understood."""
    asked = read(SendDm, {"text": "hi", "to": "ada", "conversation_id": None, "new_group": None})
    assert (asked.to, asked.conversation_id, asked.dry_run) == ("ada", None, False)


@pytest.mark.parametrize("since", ["2026-10-14T09:31:42Z", "2026-10-14T11:31:42+02:00"])
def test_a_time_is_read_with_its_offset(since: str) -> None:
    """`since` is an aware time, in UTC whatever offset it came with."""
    asked = read(ListDms, {"since": since, "wait_seconds": 3})
    assert asked.since == datetime(2026, 10, 14, 9, 31, 42, tzinfo=UTC)
    assert asked.since.tzinfo is UTC
    assert asked.wait_seconds == 3


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_the_calendar_are_times(since: str) -> None:
    """Nothing is wrong with them but that nothing is older, or newer."""
    assert read(ListDms, {"since": since}).since is not None


def test_ten_thousand_characters_are_counted_as_code_points() -> None:
    """A text of 10,000 emoji fits, though it is 40,000 bytes."""
    assert read(SendDm, {"text": "🙂" * 10_000, "to": "ada"}).text == "🙂" * 10_000
