"""What may be spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import ValidationError

from tests.guard.making import NOW, draft, facts
from xdm_mcp.guard.budget import Budget
from xdm_mcp.models import quota
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.verdicts import Finding, Verdict

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def judge(
    cost: int, today: int = 0, total: int = 0, now: datetime = NOW, **settings: object
) -> Finding | None:
    """Return what the rule says of a draft that costs `cost` micro-dollars."""
    known = facts(spend=Spend(today, total))
    finding = Budget.model_validate(settings).judge(draft(cost=cost), known, now)
    assert finding is None or finding.verdict is Verdict.DENY
    return finding


def test_five_dollars_a_day_are_the_default_and_nothing_bounds_the_total() -> None:
    """In micro-dollars."""
    assert Budget().budget() == quota.Budget(per_day=5_000_000, total=None)


def test_the_day_may_be_spent_to_the_last_micro_dollar() -> None:
    """One more is refused until midnight UTC."""
    assert judge(15_000, today=4_985_000) is None
    finding = judge(15_000, today=4_985_001)

    assert finding is not None
    assert finding.retry_at == MIDNIGHT
    assert finding.says == (
        "It costs 0.015 USD, and of the 5.000 USD allowed today 4.985001 are spent."
    )


def test_midnight_is_that_of_utc_wherever_the_moment_is_told() -> None:
    """A moment told in another zone has the same midnight after it."""
    tokyo = datetime(2026, 11, 23, 7, tzinfo=timezone(timedelta(hours=9)))
    finding = judge(2, today=5_000_000, now=tokyo)

    assert finding is not None
    assert finding.retry_at == MIDNIGHT


def test_what_costs_more_than_a_day_may_is_never_healed_by_midnight() -> None:
    """So there is no `retry_at`."""
    finding = judge(5_000_001)

    assert finding is not None
    assert finding.retry_at is None


def test_what_costs_all_that_a_day_may_fits_after_midnight() -> None:
    """Some of today is spent; tomorrow it takes the whole day."""
    finding = judge(5_000_000, today=1)

    assert finding is not None
    assert finding.retry_at == MIDNIGHT


def test_what_just_fits_into_the_total_waits_for_the_day_alone() -> None:
    """It may be spent to the last micro-dollar, so midnight heals it."""
    finding = judge(1, today=5_000_000, total=8_999_999, total_usd="9")

    assert finding is not None
    assert finding.retry_at == MIDNIGHT


def test_an_exhausted_total_is_not_healed_by_time() -> None:
    """Even where the day is exhausted too."""
    finding = judge(1, today=5_000_000, total=9_000_000, total_usd="9")

    assert finding is not None
    assert finding.retry_at is None
    assert "allowed in all 9.000 are spent" in finding.says


def test_what_costs_nothing_always_fits() -> None:
    """A budget of zero stops what costs, not what is free."""
    assert judge(0, today=9, total=9, per_day_usd=0, total_usd=0) is None
    assert judge(1, per_day_usd=0) is not None


@pytest.mark.parametrize("amount", [5, "5", "5.00", Decimal("5.00")])
def test_an_amount_is_exact_however_it_is_written(amount: object) -> None:
    """Whole numbers, strings and TOML's decimals mean the same."""
    assert Budget.model_validate({"per_day_usd": amount}).budget().per_day == 5_000_000


@pytest.mark.parametrize("amount", ["0.0000001", -1, "nan", "inf", True, "five", None])
def test_an_amount_that_is_no_sum_of_micro_dollars_is_refused(amount: object) -> None:
    """So nothing is ever rounded."""
    with pytest.raises(ValidationError):
        Budget.model_validate({"per_day_usd": amount})


def test_the_description_names_the_total_where_there_is_one() -> None:
    """And the day's sum always."""
    assert Budget().describe() == "At most 5.000 USD a day (UTC), reads included."
    both = Budget.model_validate({"per_day_usd": 1, "total_usd": "9"})
    assert both.describe() == "At most 1.000 USD a day (UTC) and 9.000 USD in all, reads included."
