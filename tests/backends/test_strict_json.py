"""JSON from a stranger has one meaning or none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xdm_mcp.backends.strict_json import MAX_DEPTH, parse, parse_page

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b"1e999",
        b'{"a": -1e999}',
        b'{"a": 1} {"a": 2}',
        b"\xff\xfe",
        b'"\\ud800"',
        b"9" * 5_000,
        b"<html></html>",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """Neither half a document nor what only lenient readers take is read."""
    with pytest.raises(ValueError, match=r".+"):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [b'{"id":"1","id":"2"}', b'{"id":"1","ID":"2"}', b'[{"a":{"x":1,"\\u0078":2}}]'],
)
def test_an_object_with_a_key_twice_is_refused(body: bytes) -> None:
    """Two readers could take different ids out of it, so nobody takes one; escapes hide nothing."""
    with pytest.raises(ValueError, match="twice"):
        parse(body)


def test_nesting_is_bounded() -> None:
    """The deepest value that is allowed is read, one level more is refused."""
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    for depth in (MAX_DEPTH + 1, 150, 100_000):
        with pytest.raises(ValueError, match=r"nested|recursion"):
            parse(b"[" * depth + b"]" * depth)


@given(VALUES)
@settings(deadline=None)
def test_plain_values_survive(value: object) -> None:
    """What any writer of JSON wrote is read as it was, unless its keys are ambiguous."""
    try:
        assert parse(json.dumps(value).encode()) == value
    except ValueError as error:
        assert "twice" in str(error)  # noqa: PT017 - hypothesis may draw keys that differ in case


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """Whatever the bytes are, the only failure is a ValueError."""
    try:
        parse(body)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - most bytes are no JSON, some are


def test_long_ids_keep_every_digit() -> None:
    """Numbers are exact: no id is rounded to what a float can hold."""
    assert parse(b'{"id": 2019384131067818211}') == {"id": 2019384131067818211}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a \ud83d b", "a \ufffd b"),
        (r"\uDC00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\ud83d\n", "\ufffd\n"),
    ],
)
def test_half_a_character_spoils_no_page(written: str, read: str) -> None:
    """It alone is replaced: whole ones, and what only looks like one, stay."""
    assert parse_page(b'["' + written.encode() + b'", 1]') == [read, 1]


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_a_page_is_read_as_anything_else_or_refused(body: bytes) -> None:
    """Mending turns nothing else into sense, and raises nothing else."""
    try:
        assert parse_page(body) == parse(body)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - most bytes are no JSON, some are
