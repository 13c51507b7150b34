"""No interval of a window's length ever holds more than the window allows, by X's own stamps.

By default two thousand sends are simulated. A hundred thousand are

    pytest -m faults tests/faults/test_intervals.py
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Tell
from tests.contract.ledger.desk import START
from tests.faults.days import LIMITS, Days, fullest
from xdm_mcp.ledger import windows
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase


async def most_of(sends: int, seed: int, tell: Tell) -> dict[str, int]:
    """Simulate so many sends; return what the fullest interval of each window held."""
    database = SqliteDatabase(MEMORY)
    seen = await Days([SqlLedger(database), SqlLedger(database)], seed).live(sends)
    await database.close()
    held = {
        f"{limit.name}{' unanswered' * limit.reply_exempt}, limit {limit.limit}": fullest(
            seen.stamps(limit), limit.per
        )
        for limit in LIMITS
    }
    tell(f"{sends} simulated sends, seed {seed}: fullest intervals {held}; {dict(seen.happened)}")
    return held


@pytest.mark.parametrize(
    ("sends", "seed"),
    [(2_000, 1), *(pytest.param(25_000, seed, marks=pytest.mark.faults) for seed in range(2, 6))],
)
async def test_no_interval_ever_holds_more_than_its_window(
    tell: Tell, sends: int, seed: int
) -> None:
    """With refusals, unknowns, credits, messages typed elsewhere, and steps of the clock; yet the
    windows are used nearly to the full."""
    held = await most_of(sends, seed, tell)

    for most, limit in zip(held.values(), LIMITS, strict=True):
        assert 0.9 * limit.limit <= most <= limit.limit


async def test_without_the_margin_some_interval_holds_too_much(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X stamps a request later than we count it: the test above sees what the margin is for."""
    monkeypatch.setattr(windows, "WINDOW_MARGIN", timedelta())

    held = await most_of(1_000, 1, tell)

    assert any(most > limit.limit for most, limit in zip(held.values(), LIMITS, strict=True))


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 100))
def test_the_fullest_interval_is_the_one_that_a_slow_count_finds(
    seconds: list[int], per: int
) -> None:
    """Counted once more by looking at every interval that begins with a stamp."""
    stamps = [START + timedelta(seconds=second) for second in seconds]

    def inside(begin: datetime) -> int:
        return sum(begin <= at < begin + timedelta(seconds=per) for at in stamps)

    assert fullest(stamps, timedelta(seconds=per)) == max(map(inside, stamps), default=0)
