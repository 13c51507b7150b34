"""Reads are booked before they are made, at the price of a page or of its messages, and settled by
what they cost: the books agree with the bill of the pretend service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rigs import IRIS
from tests.services import SERVICES, books
from xdm_mcp.errors import BackendUnavailable, OverBudget, Unsupported
from xdm_mcp.models.quota import usd
from xdm_mcp.sandbox.faults import Fault


@pytest.mark.parametrize("name", SERVICES)
async def test_the_books_agree_with_the_bill(name: str, tmp_path: Path) -> None:
    """To the micro-dollar where a service lists its prices, and never less than it bills."""
    async with books(tmp_path, name) as here:
        able = here.app.backend.capabilities
        await here.app.people.find("iris_sandbox")
        await here.app.reads.page(20, with_user=IRIS)
        if able.inbox:
            await here.app.reads.page(5)
        assert await here.booked() >= await here.billed() > -1
        if able.prices.read_page:
            assert await here.booked() == await here.billed()


async def test_a_page_is_booked_whole_and_settled_by_what_it_cost(tmp_path: Path) -> None:
    """A page of one thread is cheaper than the dearest page, and the rest is given back."""
    async with books(tmp_path, "getxapi") as here:
        before = await here.booked()
        await here.app.reads.page(5, with_user=IRIS)
        assert await here.booked() - before == 1_000
        await here.app.reads.page(5)
        assert await here.booked() - before == 5_000


async def test_a_page_beyond_the_budget_is_not_asked_for(tmp_path: Path) -> None:
    """The price of the page counts before it is read, though its messages cost nothing."""
    async with books(tmp_path, "getxapi", per_day="0.006") as here:
        await here.app.people.account()
        before = await here.billed()
        with pytest.raises(OverBudget):
            await here.app.reads.page(5)
        assert await here.billed() == before


async def test_a_doubtful_page_stays_booked(tmp_path: Path) -> None:
    """Whether a call that failed is billed is not documented."""
    async with books(tmp_path, "getxapi") as here:
        before = await here.booked()
        await here.fault(Fault("1", "status", times=3, status=502))
        with pytest.raises(BackendUnavailable):
            await here.app.reads.page(5)
        assert await here.booked() - before == 4_000


async def test_a_watched_inbox_costs_a_page_for_each_look(tmp_path: Path) -> None:
    """However many messages it holds: what is new and at most one page."""
    async with books(tmp_path, "getxapi") as here:
        await here.app.inbox.page()
        before = await here.billed()
        await here.app.feed.look()
        assert await here.billed() - before <= 4_000


async def test_without_an_inbox_one_person_must_be_named(tmp_path: Path) -> None:
    """The sentence says so, and nothing was asked or paid."""
    async with books(tmp_path, "twitterapi-io") as here:
        before = await here.booked()
        with pytest.raises(Unsupported, match="with_user"):
            await here.app.reads.page(5)
        assert await here.booked() == before


@pytest.mark.parametrize("name", SERVICES)
async def test_the_risk_and_the_cost_are_told(name: str, tmp_path: Path) -> None:
    """`quota_status` repeats the risk of an unsanctioned backend; a preview tells its price."""
    async with books(tmp_path, name) as here:
        quota = await here.app.standing.quota()
        preview = await here.app.outbox.send(text="Hello.", to=IRIS, dry_run=True)
        able = here.app.backend.capabilities
        assert quota.backend.risk == able.risk
        assert preview.cost_usd == usd(able.prices.send)
