"""The pretend X API v1.1: signatures that are checked, free replies, pages, errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from oauthlib.oauth1 import Client

from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox import SANDBOX_KEYS, SANDBOX_TOKEN
from xdm_mcp.sandbox.acts import inject
from xdm_mcp.sandbox.events import Attempted
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.x_api_v1.errors import ERRORS

START = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
ME, IRIS, THEO, ASHA = "2200000001", "2200000011", "1500000012", "2200000013"
CLOSED, BLOCKER, SUSPENDED, STRANGER = "2200000017", "2200000018", "2200000019", "2200000020"
NEW = "/1.1/direct_messages/events/new.json"
LIST = "/1.1/direct_messages/events/list.json"
FORM = "application/x-www-form-urlencoded"


class Pretend:
    """The sandbox, and a signer that can be made to err."""

    def __init__(self, http: httpx2.AsyncClient, journal: MemoryJournal, clock: ManualClock):
        """Sign with the sandbox's keys."""
        self.http = http
        self.journal = journal
        self.clock = clock
        self.keys = list(SANDBOX_KEYS)
        self.ahead = 0
        self.nonce: str | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> httpx2.Response:
        """Make a signed request."""
        whole = None if body is None else json.dumps(body)
        request = self.http.build_request(method, path, params=query, data=form, content=whole)
        signer = Client(
            self.keys[0],
            client_secret=self.keys[1],
            resource_owner_key=self.keys[2],
            resource_owner_secret=self.keys[3],
            timestamp=str(int(self.clock.now().timestamp()) + self.ahead),
            nonce=self.nonce,
        )
        _, headers, _ = signer.sign(
            str(request.url),
            method,  # type: ignore[arg-type]
            body=request.content.decode() if form else None,
            headers={"Content-Type": FORM} if form else None,
        )
        request.headers["Authorization"] = headers["Authorization"]
        return await self.http.send(request)

    async def send(self, to: str, text: str = "Hello.", **more: Any) -> httpx2.Response:
        """Send a message."""
        said = {"text": text, **more}
        made = {"target": {"recipient_id": to}, "message_data": said}
        event = {"type": "message_create", "message_create": made}
        return await self.call("POST", NEW, body={"event": event})

    async def hears(self, who: str) -> None:
        """Let somebody write to the owner."""

        def write(hold: Hold) -> None:
            inject(hold, hold.world.people.by_id[who], "Hello.", None)

        await self.journal.act(write)


@asynccontextmanager
async def pretend() -> AsyncIterator[Pretend]:
    """Yield a sandbox with the default story."""
    clock = ManualClock(START)
    journal = MemoryJournal(clock)
    transport = httpx2.ASGITransport(app=build_app(journal, clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        yield Pretend(http, journal, clock)


def codes(answer: httpx2.Response) -> tuple[int, int]:
    """Return status and X's number of a refusal."""
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_a_signed_request_is_answered() -> None:
    """Whatever the place of the parameters: query, form or JSON."""
    async with pretend() as x:
        me = await x.call("GET", "/1.1/account/verify_credentials.json", query={"a": "b, c & ~é"})
        assert (me.status_code, me.json()["id_str"]) == (200, ME)
        typing = await x.call(
            "POST", "/1.1/direct_messages/indicate_typing.json", form={"recipient_id": IRIS}
        )
        assert (typing.status_code, typing.content) == (204, b"")
        assert (await x.send(IRIS)).status_code == 200


async def test_half_a_character_is_no_text() -> None:
    """As on the newer wire; what was delivered can still be told."""
    async with pretend() as x:
        assert codes(await x.send(IRIS, "\ud800")) == (400, 38)
        assert (await x.http.get("/_sandbox/deliveries")).json() == {"deliveries": []}


@pytest.mark.parametrize(
    ("key", "expected"), [(0, (401, 89)), (1, (401, 32)), (2, (401, 89)), (3, (401, 32))]
)
async def test_a_wrong_key_is_refused(key: int, expected: tuple[int, int]) -> None:
    """Names that are not known, and secrets that do not sign."""
    async with pretend() as x:
        x.keys[key] = "another-one"
        assert codes(await x.send(IRIS)) == expected


@pytest.mark.parametrize("ahead", [-301, 301])
async def test_a_clock_that_is_off_by_minutes_is_refused(ahead: int) -> None:
    """Either way."""
    async with pretend() as x:
        x.ahead = ahead
        assert codes(await x.send(IRIS)) == (401, 135)


async def test_a_request_that_is_played_again_is_refused() -> None:
    """A nonce is good for one request."""
    async with pretend() as x:
        x.nonce = "the-same"
        assert (await x.send(IRIS)).status_code == 200
        assert codes(await x.send(IRIS)) == (401, 32)


@pytest.mark.parametrize(
    "header", [None, f"Bearer {SANDBOX_TOKEN}", "OAuth nonsense", 'OAuth oauth_token="x"']
)
async def test_without_a_signature_there_is_nothing(header: str | None) -> None:
    """A token of the newer API is none."""
    async with pretend() as x:
        headers = {"Authorization": header} if header else {}
        assert codes(await x.http.get(LIST, headers=headers)) == (400, 215)


async def test_a_signature_opens_the_newer_api_as_well() -> None:
    """As on X; a wrong one does not."""
    async with pretend() as x:
        assert (await x.call("GET", "/2/users/me")).json()["data"]["id"] == ME
        x.keys[3] = "another-one"
        assert (await x.call("GET", "/2/users/me")).status_code == 401


async def test_a_changed_query_breaks_the_signature() -> None:
    """What was signed is what counts."""
    async with pretend() as x:
        answer = await x.call("GET", LIST, query={"count": "5"})
        request = answer.request
        changed = httpx2.URL(str(request.url).replace("count=5", "count=6"))
        again = await x.http.get(
            changed, headers={"Authorization": request.headers["authorization"]}
        )
        assert codes(again) == (401, 32)


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (CLOSED, (403, 150)),
        (BLOCKER, (403, 349)),
        (SUSPENDED, (403, 63)),
        ("99", (403, 108)),
        (ME, (403, 349)),
        ("iris_sandbox", (400, 38)),
    ],
)
async def test_who_cannot_be_written_to_is_refused(to: str, expected: tuple[int, int]) -> None:
    """With the number that X has for it."""
    async with pretend() as x:
        assert codes(await x.send(to)) == expected


async def test_a_day_is_counted_but_for_five_replies_to_each_message() -> None:
    """What the headers say has gone down by the counted ones alone."""
    async with pretend() as x:
        await x.hears(IRIS)
        left = [
            int((await x.send(IRIS, f"Reply {n}.")).headers["x-rate-limit-remaining"])
            for n in range(7)
        ]
        assert left == [1_000] * 5 + [999, 998]


async def test_a_spent_day_refuses_all_but_the_free_replies() -> None:
    """429 with code 88, and the reply goes."""
    async with pretend() as x:
        attempt = Attempted((ME, "app"), "v1_send", (86_400, 86_400))
        await x.journal.act(lambda hold: hold.record(*[attempt] * 999))
        assert (await x.send(STRANGER, "The last one.")).status_code == 200
        refused = await x.send(STRANGER, "One more.")
        assert codes(refused) == (429, 88)
        assert refused.headers["x-rate-limit-remaining"] == "0"
        await x.hears(IRIS)
        assert (await x.send(IRIS)).status_code == 200


async def test_pages_are_cut_before_groups_are_taken_out() -> None:
    """So a page may be short or empty; the cursors lead to every message of two people once."""
    async with pretend() as x:
        found: list[str] = []
        empty = 0
        cursor: dict[str, str] = {}
        while True:
            page = (await x.call("GET", LIST, query={"count": "1", **cursor})).json()
            found += [event["id"] for event in page["events"]]
            empty += not page["events"]
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
            x.clock.advance(timedelta(minutes=15))
        assert empty > 0

        def plain(hold: Hold) -> set[str]:
            messages = hold.world.threads.messages.values()
            return {m.id for m in messages if "-" in m.conversation_id and m.kind == "message"}

        assert set(found) == await x.journal.act(plain)
        assert len(found) == len(set(found))


async def test_reads_are_limited() -> None:
    """15 in 15 minutes."""
    async with pretend() as x:
        for _ in range(15):
            assert (await x.call("GET", LIST)).status_code == 200
        assert codes(await x.call("GET", LIST)) == (429, 88)
        x.clock.advance(timedelta(minutes=15))
        assert (await x.call("GET", LIST)).status_code == 200


async def test_a_message_leaves_ones_own_view_alone() -> None:
    """It is gone from show and list, and the world has it."""
    async with pretend() as x:
        made = (await x.send(IRIS)).json()["event"]["id"]
        path = "/1.1/direct_messages/events/destroy.json"
        assert (await x.call("DELETE", path, query={"id": made})).status_code == 204
        show = "/1.1/direct_messages/events/show.json"
        assert codes(await x.call("GET", show, query={"id": made})) == (404, 34)
        assert await x.journal.act(lambda hold: int(made) in hold.world.threads.messages)


async def test_how_two_stand_to_each_other_is_told_from_our_side() -> None:
    """Whether the source may write to the target."""
    async with pretend() as x:
        for target, can in ((STRANGER, True), (CLOSED, False), (BLOCKER, False)):
            query = {"source_id": ME, "target_id": target}
            told = (await x.call("GET", "/1.1/friendships/show.json", query=query)).json()
            assert told["relationship"]["source"]["can_dm"] is can
        query = {"source_id": ME, "target_id": "99"}
        assert codes(await x.call("GET", "/1.1/friendships/show.json", query=query)) == (404, 50)


async def test_users_are_found_by_id_and_name() -> None:
    """The unknown and the suspended are absent."""
    async with pretend() as x:
        query = {"user_id": f"{IRIS},{SUSPENDED},99", "screen_name": "THEO_sandbox"}
        found = (await x.call("GET", "/1.1/users/lookup.json", query=query)).json()
        assert [user["id_str"] for user in found] == [IRIS, THEO]
        nobody = await x.call("GET", "/1.1/users/lookup.json", query={"user_id": "99"})
        assert codes(nobody) == (404, 17)
        show = await x.call("GET", "/1.1/users/show.json", query={"screen_name": "asha_sandbox"})
        assert show.json()["id_str"] == ASHA
        gone = await x.call("GET", "/1.1/users/show.json", query={"user_id": SUSPENDED})
        assert codes(gone) == (403, 63)


async def test_only_who_wrote_can_have_their_message_marked_read() -> None:
    """The parameter is the other person."""
    async with pretend() as x:
        made = (await x.send(IRIS)).json()["event"]["id"]
        form = {"last_read_event_id": made, "recipient_id": IRIS}
        answer = await x.call("POST", "/1.1/direct_messages/mark_read.json", form=form)
        assert answer.status_code == 400


@pytest.mark.parametrize("name", sorted(ERRORS))
async def test_a_fault_can_ask_for_each_error(name: str) -> None:
    """In X's own numbers."""
    async with pretend() as x:
        fault = {"kind": "status", "path": "/1.1/", "error": name}
        await x.http.post("/_sandbox/faults", content=json.dumps(fault))
        error = ERRORS[name]
        assert codes(await x.send(IRIS)) == (error.status, error.code)
        assert (await x.send(IRIS)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"event": 5},
        {"event": {"type": "other", "message_create": {}}},
        {"event": {"type": "message_create", "message_create": {"target": {"recipient_id": 5}}}},
    ],
)
async def test_a_body_that_is_no_event_is_refused(body: Any) -> None:
    """With 400, whatever it is."""
    async with pretend() as x:
        assert (await x.call("POST", NEW, body=body)).status_code == 400
