"""Ids that tell time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.sandbox.snowflake import EARLIEST, ORIGINS, answer_id, first_id, moment_of, next_id

MOMENTS = st.datetimes(
    min_value=datetime(2011, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2070, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_an_id_of_x_tells_its_time() -> None:
    """A known id of X reads as the moment at which X made it."""
    assert moment_of("2019384131067818211") == datetime(2026, 2, 5, 12, 14, 29, 846_000, tzinfo=UTC)


def test_the_first_id_is_that_of_the_epoch() -> None:
    """Time begins with the id 0."""
    assert first_id(EARLIEST) == 0


@given(st.lists(MOMENTS, min_size=2))
def test_ids_grow_whatever_the_clock_does(moments: list[datetime]) -> None:
    """Each id is greater than the one before, and never tells a time before its own."""
    last = 0
    for moment in moments:
        fresh = next_id(last, moment)
        assert fresh > last
        assert moment_of(fresh) >= moment.replace(
            microsecond=moment.microsecond // 1000 * 1000
        ) - timedelta(milliseconds=1)
        last = fresh


@given(MOMENTS, st.integers(1, 5000))
def test_ids_of_one_millisecond_have_origin_0(moment: datetime, count: int) -> None:
    """However many ids one millisecond needs, none takes an origin that is a person's."""
    last = 0
    for _ in range(count):
        last = next_id(last, moment)
    assert (last >> 12) % ORIGINS == 0


@given(MOMENTS, st.integers(1, ORIGINS - 1), st.integers(0, 10**6))
def test_an_answer_is_as_much_later_as_it_says(moment: datetime, origin: int, ms: int) -> None:
    """An answer's id tells the time of the question plus the delay."""
    asked = next_id(0, moment)
    answered = answer_id(asked, timedelta(milliseconds=ms), origin)
    assert moment_of(answered) == moment_of(asked) + timedelta(milliseconds=ms)
    assert next_id(answered, moment) > answered
