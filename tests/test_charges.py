"""No more requests leave than are charged, and no read is booked below what may be billed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.backends import vendors, wires_v1
from tests.backends.test_bearer import Tokens, backend
from tests.backends.wires import ANNA, ME, NOW, PAIR, Answering, backend_over, raw, reply
from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BackendUnavailable, BadInput, NotFound, OverBudget, RateLimited, Refused
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.people import People
from xdm_mcp.reads import Reads

EVENT = 10_000
"""What X bills for a message or a person, in micro-dollars."""

SELF = reply(200, {"data": {"id": ME, "username": "me"}})
OWN_PROFILE = reply(200, {"status": "success", "data": {"id": ME, "userName": "me"}})
EMPTY = reply(200, {"userId": ME, "tab": "all", "has_more": False, "messages": []})
NOBODY = reply(
    200,
    {
        "errors": [
            {"title": "Not Found Error", "type": "https://api.x.com/2/problems/resource-not-found"}
        ]
    },
)
UNKNOWN_WORDS = reply(
    400,
    {
        "title": "Invalid Request",
        "type": "https://api.x.com/2/problems/invalid-request",
        "errors": [{"message": "Bad.", "parameters": {"dm_event.fields": ["text"]}}],
    },
)


def events(count: int, kind: str = "MessageCreate") -> bytes:
    """Return the body of a page of so many events of X API v2."""
    said = {"event_type": kind, "text": "x", "sender_id": ANNA, "dm_conversation_id": PAIR}
    numbered = [{"id": str(2110302518114725888 + n), **said} for n in range(count)]
    return json.dumps({"data": numbered, "meta": {"result_count": count}}).encode()


class Service:
    """A service that answers paths that end so by `known`, and every other by `answer`, which are
    the ones that it counts."""

    def __init__(self, answer: Answering, **known: Answering) -> None:
        """Nobody asked yet."""
        self._answer = answer
        self._known = known
        self.counted = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        for end, told in self._known.items():
            if request.url.path.removesuffix(".json").endswith(end):
                return told(request)
        self.counted += 1
        return self._answer(request)


@dataclass
class Desk:
    """Reads of one process that knows its account, and its books."""

    ledger: Ledger
    people: People
    reads: Reads
    clock: ManualClock
    before: int = 0

    async def booked(self) -> int:
        """Return what was booked since the account was known, in micro-dollars."""
        return (await self.ledger.spend(ME, self.clock.now())).total - self.before


@asynccontextmanager
async def desk(
    make: Callable[[Callable[[httpx2.Request], Any]], Backend],
    script: Service,
    rules: Mapping[str, object] | None = None,
) -> AsyncIterator[Desk]:
    """Yield reads over a scripted service, under these settings of the policy."""
    ledger, backend = open_ledger("sqlite:///:memory:"), make(script)
    policy = Policy.load(rules or {})
    clock: ManualClock = backend._clock  # type: ignore[attr-defined]
    people = People(backend, ledger, policy.budget(), clock)
    here = Desk(ledger, people, Reads(backend, ledger, people, policy, clock), clock)
    await people.account()
    here.before = await here.booked()
    yield here
    await ledger.close()


async def until_limited(read: Callable[[], Any], times: int = 60) -> None:
    """Read until the limit is met, whatever else goes wrong; fail if it is not."""
    for _ in range(times):
        try:
            with suppress(BackendUnavailable):
                await read()
        except RateLimited:
            return
    pytest.fail("the limit was never met")


@pytest.mark.parametrize("answer", [reply(503), httpx2.ReadError("reset")], ids=["503", "reset"])
async def test_failing_reads_leave_no_more_often_than_the_limit_says(
    answer: Answering | httpx2.ReadError,
) -> None:
    """X counts an attempt whatever becomes of it: 15 in 15 minutes."""

    def speak(request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, httpx2.ReadError):
            raise answer
        return answer(request)

    service = Service(speak, me=SELF)
    async with desk(backend_over, service) as here:
        await until_limited(lambda: here.reads.page(20))
    assert service.counted == 15


async def test_one_persons_messages_turn_no_more_pages_than_the_limit_says() -> None:
    """On X API v1.1 they are looked for in the list of all, 15 pages in 15 minutes."""
    turned = 0

    def page(request: httpx2.Request) -> httpx2.Response:
        nonlocal turned
        turned += 1
        return reply(200, {"events": [], "next_cursor": f"c{turned}"})(request)

    cursor: str | None = None

    async def read() -> None:
        nonlocal cursor
        cursor = (await here.reads.page(20, with_user=ANNA, cursor=cursor)).next_cursor

    async with desk(wires_v1.backend, Service(page, credentials=wires_v1.SELF)) as here:
        await until_limited(read)
    assert turned == 15


async def test_each_question_how_we_stand_to_somebody_is_counted() -> None:
    """X API v1.1 takes 180 in 15 minutes, one for each person of a small look-up."""

    def profiles(request: httpx2.Request) -> httpx2.Response:
        ids = request.url.params["user_id"].split(",")
        return reply(200, [{"id_str": each, "screen_name": f"u{each}"} for each in ids])(request)

    related = reply(200, {"relationship": {"source": {"can_dm": True}}})
    service = Service(related, credentials=wires_v1.SELF, lookup=profiles)
    numbers = iter(range(10_000, 20_000))
    async with desk(wires_v1.backend, service) as here:
        await until_limited(lambda: here.people.find_many([str(next(numbers)) for _ in range(5)]))
        assert service.counted == 180
        many = await here.people.find_many([str(next(numbers)) for _ in range(6)])
        assert {user.can_dm for user in many if user} == {None}
    assert service.counted == 180


async def test_ids_and_handles_of_one_look_up_are_two_requests() -> None:
    """Each has its own charge: 300 in 15 minutes."""
    service = Service(NOBODY, me=SELF)
    async with desk(backend_over, service) as here:
        await until_limited(lambda: here.people.find_many(["77", "@nobody"]), times=200)
    assert service.counted == 300


async def test_a_read_in_the_newer_words_is_charged_as_well() -> None:
    """X refuses the older words once; both requests count, and the refusal costs a message."""
    seen = 0

    def page(request: httpx2.Request) -> httpx2.Response:
        nonlocal seen
        seen += 1
        newer = "expansions" in request.url.params
        told = raw(200, events(1), content_type="application/json")
        return (told if newer else UNKNOWN_WORDS)(request)

    async with desk(backend_over, Service(page, me=SELF)) as here:
        assert len((await here.reads.page(20)).messages) == 1
        assert (seen, await here.booked()) == (2, 2 * EVENT)
        await until_limited(lambda: here.reads.page(20))
    assert seen == 15


async def test_a_read_with_a_renewed_token_is_charged_as_well() -> None:
    """X refuses the first token, takes the second, and both requests count."""
    seen: list[str] = []

    def page(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        told = raw(200, events(1), content_type="application/json")
        return (reply(401) if seen[-1] == "Bearer t1" else told)(request)

    service = Service(page, me=SELF)
    async with desk(lambda script: backend(Tokens(), script), service) as here:
        assert len((await here.reads.page(20)).messages) == 1
        assert (seen, await here.booked()) == (["Bearer t1", "Bearer t2"], 2 * EVENT)
        await until_limited(lambda: here.reads.page(20))
    assert len(seen) == 15


@pytest.mark.parametrize("cents", [23, 39, 41, 61])
async def test_senders_whom_the_newer_words_bring_never_pass_the_budget(cents: int) -> None:
    """X may bill each of them like a message, so they are booked before as well."""

    def page(request: httpx2.Request) -> httpx2.Response:
        if "expansions" not in request.url.params:
            return UNKNOWN_WORDS(request)
        said = json.loads(events(int(request.url.params["max_results"])))
        for number, event in enumerate(said["data"]):
            event["sender_id"] = str(7_000 + number)
        said["includes"] = {"users": [{"id": event["sender_id"]} for event in said["data"]]}
        return reply(200, said)(request)

    budget = {"budget": {"per_day_usd": f"0.{cents}"}}
    async with desk(backend_over, Service(page, me=SELF), budget) as here:
        for size in (20, 10, 5, 1):
            with suppress(OverBudget):
                await here.reads.page(size)
        assert (await here.ledger.spend(ME, here.clock.now())).today <= cents * EVENT


@pytest.mark.parametrize("what", ["unusable", "ambiguous", "cut"])
async def test_a_page_that_cannot_be_read_may_have_been_billed_whole(what: str) -> None:
    """X bills each message that it returns, whether we can make sense of the page or not."""
    body = events(100, "ReactionCreate" if what == "unusable" else "MessageCreate")
    if what == "ambiguous":
        body = body[:-1] + b',"Meta":{}}'
    if what == "cut":
        body = body[:-40]
    page = raw(200, body, content_type="application/json")
    async with desk(backend_over, Service(page, me=SELF)) as here:
        with pytest.raises(BackendUnavailable):
            await here.reads.page(100)
        assert await here.booked() == 100 * EVENT


@pytest.mark.parametrize(
    ("answer", "error", "owed"),
    [
        (reply(429, {"title": "Too Many Requests"}), RateLimited, 0),
        (reply(401, {"title": "Unauthorized"}), Refused, EVENT),
        (reply(500), BackendUnavailable, 50 * EVENT),
    ],
    ids=["429", "401", "500"],
)
async def test_what_x_refuses_is_booked_as_far_as_it_may_be_billed(
    answer: Answering, error: type[Exception], owed: int
) -> None:
    """Nothing with a 429, which X says; a message with a refusal, of which it says nothing; the
    whole page where nobody knows."""
    async with desk(backend_over, Service(answer, me=SELF)) as here:
        with pytest.raises(error):
            await here.reads.page(50)
        assert await here.booked() == owed


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


async def test_what_never_left_costs_nothing() -> None:
    """No connection, and what is wrong before there is a request."""

    def speak(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    async with desk(backend_over, Service(speak, me=SELF)) as here:
        with pytest.raises(BackendUnavailable, match="could not be reached"):
            await here.reads.page(50)
        with pytest.raises(BadInput):
            await here.reads.page(50, conversation_id="no/id")
        with pytest.raises(BackendUnavailable):
            await here.people.find("77")
        assert await here.booked() == 0


@pytest.mark.parametrize("status", [429, 404, 403])
async def test_a_service_that_sells_calls_is_paid_for_refusals_too(status: int) -> None:
    """Nobody says that it is not: one page stays booked, for each call that left."""
    refused = reply(status, {"error": "Rate limit exceeded" if status == 429 else "no"})
    service = Service(refused, list=EMPTY, info_by_id=OWN_PROFILE)
    async with desk(vendors.getxapi_over, service) as here:
        for _ in range(3):
            with pytest.raises((RateLimited, NotFound, Refused, BackendUnavailable)):
                await here.reads.page(10, conversation_id="2110302088714465281")
            here.clock.advance(timedelta(minutes=1))
        assert service.counted == 3
        assert await here.booked() >= 3 * 1_000


@pytest.mark.parametrize("connects", [True, False])
async def test_the_paid_half_of_an_inbox_is_booked_when_the_other_fails(connects: bool) -> None:
    """The main inbox came and was paid; the message requests met a limit, or no connection."""

    def tabs(request: httpx2.Request) -> httpx2.Response:
        requests = json.loads(request.content).get("tab") == "requests"
        if requests and not connects:
            raise httpx2.ConnectError("refused")
        return (reply(429, {"error": "Rate limit exceeded"}) if requests else EMPTY)(request)

    service = Service(tabs, info_by_id=OWN_PROFILE)
    async with desk(vendors.getxapi_over, service) as here:
        for _ in range(10):
            with pytest.raises((RateLimited, BackendUnavailable)):
                await here.reads.page(10)
            here.clock.advance(timedelta(minutes=1))
        assert service.counted >= 1 + 20  # whose inbox it is, then two tabs each time
        assert await here.booked() >= 10 * 2_000


async def test_the_paid_part_of_a_look_up_is_booked_when_the_rest_finds_no_connection() -> None:
    """GetXAPI is asked for one person after the other."""
    told = 0

    def profile(request: httpx2.Request) -> httpx2.Response:
        nonlocal told
        if told == 30:
            raise httpx2.ConnectError("refused")
        told += 1
        user = {"id": str(7_000 + told), "userName": request.url.params["userName"]}
        return reply(200, {"status": "success", "data": user})(request)

    service = Service(profile, list=EMPTY, info_by_id=OWN_PROFILE)
    async with desk(vendors.getxapi_over, service) as here:
        with pytest.raises(BackendUnavailable):
            await here.people.find_many([f"@user{number}" for number in range(49)])
        assert await here.booked() >= 30 * 1_000


async def test_a_look_up_that_finds_nobody_is_paid_where_calls_are_sold() -> None:
    """X bills the people that it returns, the others each call."""
    absent = Service(reply(404, {"error": "User not found"}), list=EMPTY, info_by_id=OWN_PROFILE)
    async with desk(vendors.getxapi_over, absent) as here:
        with pytest.raises(NotFound):
            await here.people.find("@nobody")
        assert await here.booked() == 1_000
    async with desk(backend_over, Service(NOBODY, me=SELF)) as here:
        with pytest.raises(NotFound):
            await here.people.find("@nobody")
        assert await here.booked() == 0
