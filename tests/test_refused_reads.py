"""Where a service says wait, every process that shares the ledger does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.backends.wires import NOW, backend_over, raw, reply
from tests.test_charges import SELF, Service, desk, events
from xdm_mcp.errors import RateLimited
from xdm_mcp.guard.policy import Policy
from xdm_mcp.people import People
from xdm_mcp.reads import Reads


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({}, NOW + timedelta(minutes=15)),
        ({"retry_after": "40"}, NOW + timedelta(seconds=40)),
        (
            {"x_rate_limit_remaining": "9", "x_rate_limit_reset": str(int(NOW.timestamp()) + 600)},
            NOW + timedelta(minutes=15),
        ),
    ],
    ids=["no header", "retry-after", "a header that says that 9 are left"],
)
async def test_a_read_that_x_refused_is_not_tried_before_its_time_by_any_process(
    headers: dict[str, str], until: datetime
) -> None:
    """X said wait: whoever shares the ledger does, by the same moment."""
    service = Service(reply(429, {"title": "Too Many Requests"}, **headers), me=SELF)
    async with desk(backend_over, service) as here:
        with pytest.raises(RateLimited):
            await here.reads.page(20)
        other = backend_over(service)
        people = People(other, here.ledger, Policy.load({}).budget(), here.clock)
        for reads in (
            here.reads,
            Reads(other, here.ledger, people, Policy.load({}), here.clock),
        ):
            with pytest.raises(RateLimited) as refused:
                await reads.page(20)
            assert refused.value.retry_at == until
        assert service.counted == 1
        here.clock.advance(until - NOW)
        with pytest.raises(RateLimited):
            await here.reads.page(20)
        assert service.counted == 2


async def test_a_look_up_that_x_refused_is_not_repeated_before_its_time() -> None:
    """Of people as well as of messages, and of each by itself: the inbox may still be read."""
    refused = reply(429, {"title": "Too Many Requests"})
    page = raw(200, events(1), content_type="application/json")
    service = Service(refused, me=SELF, dm_events=page)
    async with desk(backend_over, service) as here:
        for _ in range(3):
            with pytest.raises(RateLimited):
                await here.people.find("77")
        assert service.counted == 1
        assert len((await here.reads.page(20)).messages) == 1
