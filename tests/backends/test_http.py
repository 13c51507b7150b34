"""The HTTP client is bounded in time, size, place and number of tries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.wires import NOW, TOKEN, Script, raw, reply
from xdm_mcp.backends.auth import Credential
from xdm_mcp.backends.http import MAX_BODY, MAX_PAGE, Answer, NoAnswer, Unreadable, Wire
from xdm_mcp.clock import ManualClock

NEVER_LEFT = [
    httpx2.ConnectError("refused"),
    httpx2.ConnectTimeout("slow"),
    httpx2.PoolTimeout("busy"),
]
MAY_HAVE_LEFT = [
    httpx2.ReadError("reset"),
    httpx2.ReadTimeout("slow"),
    httpx2.WriteError("broken pipe"),
    httpx2.WriteTimeout("slow"),
    httpx2.RemoteProtocolError("closed"),
    OSError("odd"),
    RuntimeError("odder"),
]


class Drip(httpx2.AsyncByteStream):
    """A body that comes in pieces, and counts those that were taken."""

    def __init__(self, piece: bytes, times: int, pause: float = 0) -> None:
        """Give `piece` so many `times`, after a `pause` in seconds each."""
        self.piece, self.times, self.pause, self.taken = piece, times, pause, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        for _ in range(self.times):
            await anyio.sleep(self.pause)
            self.taken += 1
            yield self.piece


def wire_over(
    handler: Callable[[httpx2.Request], httpx2.Response],
    clock: ManualClock | None = None,
    **options: Any,
) -> Wire:
    """Return a wire to a place that `handler` plays."""
    return Wire(
        "https://api.x.com",
        Credential(SecretStr(TOKEN)),
        clock or ManualClock(NOW),
        transport=httpx2.MockTransport(handler),
        seed=1,
        **options,
    )


async def get(wire: Wire) -> Answer:
    """Read one thing, in bounded time."""
    with anyio.fail_after(5):
        return await wire.read("/2/users/me")


async def test_the_secret_travels_in_its_header_alone() -> None:
    """The address is bare, and we ask for nothing compressed."""
    script = Script(reply(content={}))
    await get(wire_over(script))
    sent = script.requests[0]
    assert str(sent.url) == "https://api.x.com/2/users/me"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["user-agent"].startswith("xdm-mcp/")


async def test_a_redirect_is_not_followed() -> None:
    """A 307 elsewhere is an answer like any other; the secret goes nowhere else."""
    script = Script(reply(307, location="https://evil.example/steal"))
    answer = await get(wire_over(script))
    assert (answer.status, len(script.requests)) == (307, 1)


async def test_a_path_cannot_lead_to_another_host() -> None:
    """A request that would go elsewhere is not made."""
    script = Script(reply())
    wire = wire_over(script)
    for path in ("@evil.example/2/users/me", ".evil.example/2", ":1/2", "https://evil.example"):
        with pytest.raises(NoAnswer) as failed:
            await wire.write(path, content=b"{}")
        assert not failed.value.left
    assert script.requests == []


async def test_cookies_are_not_kept() -> None:
    """What a place wants remembered does not come back to it."""
    script = Script(reply(content={}, set_cookie="guest=canary; Path=/"))
    wire = wire_over(script)
    await get(wire)
    await get(wire)
    assert "cookie" not in script.requests[1].headers


async def test_a_body_beyond_the_bound_is_dropped_early() -> None:
    """Of endless bytes no more are taken than the bound and one piece."""
    endless = Drip(b" " * 65_536, 10_000)
    answer = await get(wire_over(lambda _: httpx2.Response(200, stream=endless)))
    assert answer.content == Unreadable("too large")
    assert endless.taken <= MAX_PAGE // 65_536 + 1
    endless = Drip(b" " * 65_536, 10_000)
    wire = wire_over(lambda _: httpx2.Response(200, stream=endless))
    assert (await wire.write("/2/dm", content=b"{}")).content == Unreadable("too large")
    assert endless.taken <= MAX_BODY // 65_536 + 1


async def test_a_compressed_body_is_never_unpacked() -> None:
    """We asked for plain text, so not one byte of anything else is read."""
    bomb = Drip(b"\x1f\x8b", 10)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = await get(wire_over(lambda _: httpx2.Response(200, headers=headers, stream=bomb)))
    assert isinstance(answer.content, Unreadable)
    assert bomb.taken == 0


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=utf-8", "application/xml"])
async def test_other_content_types_are_not_read(kind: str) -> None:
    """A page that says it is no JSON is not searched for any."""
    script = Script(raw(200, b'{"data":{}}', content_type=kind))
    assert isinstance((await get(wire_over(script))).content, Unreadable)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/problem+json"])
async def test_both_json_types_are_read(kind: str) -> None:
    """X words problems under a type of their own."""
    script = Script(raw(200, b'{"a":1}', content_type=kind))
    assert (await get(wire_over(script))).content == {"a": 1}


async def test_a_slow_drip_ends_at_the_deadline() -> None:
    """The deadline is for the whole call: bytes that keep coming do not extend it."""
    drip, clock = Drip(b" ", 1_000, pause=0.01), ManualClock(NOW)
    script = Script(lambda _: httpx2.Response(200, stream=drip))
    wire = wire_over(script, clock, deadline=timedelta(milliseconds=250))
    with pytest.raises(NoAnswer, match="in time") as failed:
        await get(wire)
    assert failed.value.left
    assert drip.taken < 50
    assert (len(script.requests), clock.now()) == (1, NOW)


@pytest.mark.parametrize("error", NEVER_LEFT, ids=lambda error: type(error).__name__)
async def test_a_connection_that_never_was_carried_nothing(error: Exception) -> None:
    """A write that found no connection can be given back in full."""
    with pytest.raises(NoAnswer) as failed:
        await wire_over(Script(error)).write("/2/x", content=b"{}")
    assert not failed.value.left


@pytest.mark.parametrize("error", MAY_HAVE_LEFT, ids=lambda error: type(error).__name__)
async def test_a_write_that_broke_may_have_left_and_is_made_once(error: Exception) -> None:
    """Whatever breaks later, even what nobody foresees, is no proof, and nothing is repeated."""
    script = Script(error)
    with pytest.raises(NoAnswer) as failed:
        await wire_over(script).write("/2/x", content=b"{}")
    assert failed.value.left
    assert len(script.requests) == 1
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


async def test_a_write_is_not_repeated_for_any_status() -> None:
    """A busy server may have acted all the same."""
    script = Script(reply(503, {}, retry_after="1"))
    assert (await wire_over(script).write("/2/x", content=b"{}")).status == 503
    assert len(script.requests) == 1


async def test_a_read_that_finds_no_connection_is_tried_three_times_at_most() -> None:
    """Two more tries, then it is told that nothing left."""
    script = Script(httpx2.ConnectError("refused"))
    with pytest.raises(NoAnswer) as failed:
        await get(wire_over(script))
    assert not failed.value.left
    assert len(script.requests) == 3


async def test_a_read_survives_two_moments_without_a_network() -> None:
    """Nothing of it left, so nobody counted it, and the waits stay short."""
    clock = ManualClock(NOW)
    script = Script(httpx2.ConnectError("refused"), httpx2.PoolTimeout("busy"), reply(content={}))
    assert (await get(wire_over(script, clock))).ok
    assert timedelta(0) < clock.now() - NOW <= timedelta(seconds=1.5)


@pytest.mark.parametrize("error", MAY_HAVE_LEFT, ids=lambda error: type(error).__name__)
async def test_a_read_that_may_have_left_is_made_once(error: Exception) -> None:
    """The service may have counted and billed it: whoever charges reads decides about another."""
    script = Script(error)
    with pytest.raises(NoAnswer) as failed:
        await get(wire_over(script))
    assert failed.value.left
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 501, 502, 503, 504])
async def test_a_read_that_was_answered_is_not_repeated(status: int) -> None:
    """Repeating it spends the window, which counts each request, whatever was asked to wait for."""
    script = Script(reply(status, retry_after="1"))
    assert (await get(wire_over(script))).status == status
    assert len(script.requests) == 1


async def test_two_wires_with_one_seed_wait_alike() -> None:
    """Randomness is injected: the same seed gives the same waits."""
    waits = []
    for _ in range(2):
        clock = ManualClock(NOW)
        with pytest.raises(NoAnswer):
            await get(wire_over(Script(httpx2.ConnectError("refused")), clock))
        waits.append(clock.now() - NOW)
    assert waits[0] == waits[1] > timedelta(0)


async def test_a_client_that_cannot_be_made_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates that cannot be read are told like a place that cannot be reached."""

    def fail(**_: object) -> None:
        raise OSError("canary")

    monkeypatch.setattr(httpx2, "AsyncClient", fail)
    with pytest.raises(NoAnswer, match="could not be reached") as failed:
        await wire_over(Script(reply())).write("/2/x", content=b"{}")
    assert not failed.value.left
    assert "canary" not in str(failed.value)


async def test_one_client_serves_all_calls_until_it_is_closed() -> None:
    """Nothing is built before the first call, nothing per call, and closing is not the end."""
    wire = wire_over(Script(reply(content={})))
    assert wire._client is None
    await get(wire)
    first = wire._client
    await get(wire)
    assert wire._client is first
    await wire.close()
    await wire.close()
    assert (await get(wire)).status == 200
    assert wire._client is not first
