"""The server as a child process on stdio, spoken to without the SDK."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.server.child import GO_ON
from tests.server.raw import ENVELOPE, PRETEND, REAL, ROOT, Wire, started

QUOTA = "xdm://quota"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def wait_for(wire: Wire, word: bytes) -> None:
    """Wait until the server has written `word` to stderr."""
    await wire.stderr.receive_until(word, 10_000)


async def test_an_older_client_shakes_hands_and_calls() -> None:
    """2025-11-25: initialize, list, call; every line of stdout is one answer."""
    async with started(PRETEND) as wire:
        said = await wire.open()
        assert said["protocolVersion"] == "2025-11-25"
        assert said["serverInfo"]["name"] == "xdm-mcp"
        assert said["capabilities"]["resources"]["subscribe"] is True
        tools = (await wire.answer("tools/list"))["tools"]
        assert len(tools) == 4
        call = {"name": "list_dms", "arguments": {}}
        assert (await wire.answer("tools/call", call))["structuredContent"]["untrusted"] is True


async def test_a_newer_client_needs_no_handshake() -> None:
    """2026-07-28: the first request is the question itself, and says how long it may be cached."""
    async with started(PRETEND) as wire:
        said = await wire.answer("tools/list", {"_meta": ENVELOPE})
        assert (len(said["tools"]), said["ttlMs"], said["cacheScope"]) == (4, 300_000, "public")
        found = await wire.answer("server/discover", {"_meta": ENVELOPE})
        assert found["supportedVersions"] == ["2026-07-28"]


async def test_an_older_client_is_told_of_changes() -> None:
    """2025-11-25: a notification of the URI that was subscribed to."""
    async with started(PRETEND) as wire:
        await wire.open()
        assert await wire.answer("resources/subscribe", {"uri": QUOTA}) == {}
        number = await wire.send_dm("change")
        heard = [await wire.read(), await wire.read()]
    assert number in [message.get("id") for message in heard]
    assert told(heard) == [{"uri": QUOTA}]


async def test_a_newer_client_is_told_of_changes() -> None:
    """2026-07-28: the stream begins with what was granted, and each update carries its id."""
    async with started(PRETEND) as wire:
        wanted = {"resourceSubscriptions": [QUOTA]}
        listening = await wire.ask(
            "subscriptions/listen", {"_meta": ENVELOPE, "notifications": wanted}
        )
        granted = await wire.read()
        assert granted["method"] == "notifications/subscriptions/acknowledged"
        assert granted["params"]["notifications"] == wanted
        await wire.send_dm("change", _meta=ENVELOPE)
        (update,) = told([await wire.read(), await wire.read()])
    assert update["uri"] == QUOTA
    assert update["_meta"]["io.modelcontextprotocol/subscriptionId"] == listening


def told(messages: list[Any]) -> list[Any]:
    """Return what the updates of resources among messages say."""
    updates = [m for m in messages if m.get("method") == "notifications/resources/updated"]
    return [update["params"] for update in updates]


NO_MESSAGES = (
    b"not json",
    b"[]",
    b'{"jsonrpc":"2.0"}',
    b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"text":"\\ud800"}}',
    b"\xff\xfe",
    b"x" * 1_100_000,
)


async def test_a_line_that_is_no_message_is_refused_and_the_next_is_served() -> None:
    """One parse error without an id for each, none for blank lines, then business as usual."""
    async with started(PRETEND) as wire:
        await wire.open()
        for line in NO_MESSAGES:
            await wire.write(b"  ")
            await wire.write(line)
            refusal = await wire.read()
            assert (refusal.get("id"), refusal["error"]["code"]) == (None, -32700)
        assert len((await wire.answer("tools/list"))["tools"]) == 4


async def test_messages_may_come_in_pieces_and_together() -> None:
    """A line ends at its line break, however it arrived."""
    async with started(PRETEND) as wire:
        await wire.open()
        ping = b'{"jsonrpc":"2.0","id":"a","method":"ping"}\n'
        for piece in (ping[:9], ping[9:] + ping + ping[:20], ping[20:]):
            await wire.stdin.send(piece)
        assert [(await wire.read())["id"] for _ in range(3)] == ["a", "a", "a"]


async def test_a_large_answer_reaches_a_slow_reader_whole() -> None:
    """Answers larger than a pipe holds wait for the client and are not cut."""
    async with started(PRETEND) as wire:
        await wire.open()
        numbers = [await wire.ask("tools/list") for _ in range(40)]
        assert [(await wire.read())["id"] for _ in numbers] == numbers


async def test_only_protocol_reaches_stdout() -> None:
    """Prints, writes to file descriptor 1 and children that print go to stderr."""
    async with started(PRETEND) as wire:
        await wire.open()
        number = await wire.send_dm("noisy")
        assert (await wire.read())["id"] == number
        await wait_for(wire, b"noise of a child\n")


async def test_the_end_of_stdin_ends_the_server() -> None:
    """Without a signal, quickly, with code 0, even while a call waits for something to happen."""
    async with started(PRETEND) as wire:
        await wire.open()
        await wire.send_dm("endless")
        await wait_for(wire, b"sending\n")
        begun = anyio.current_time()
        await wire.stdin.aclose()
        last = await wire.read()
        assert last["error"]["message"] == "Connection closed"
        assert await wire.ended() == 0
        assert anyio.current_time() - begun < 2


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_server_though_stdin_is_open(number: int) -> None:
    """SIGINT and SIGTERM end it with code 0."""
    async with started(PRETEND) as wire:
        await wire.open()
        wire.process.send_signal(number)
        assert await wire.ended() == 0


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_lets_a_send_finish_and_its_answer_out(number: int) -> None:
    """What was being sent when the signal came is answered first; nothing new begins."""
    async with started(PRETEND) as wire:
        await wire.open()
        slow = await wire.send_dm("slow")
        await wait_for(wire, b"sending\n")
        wire.process.send_signal(number)
        late = await wire.send_dm("hi")
        refused = await wire.read()
        assert refused["id"] == late
        assert refused["result"]["content"][0]["text"].startswith(
            "NOT SENT by this call. The server is stopping"
        )
        wire.process.send_signal(GO_ON)
        answer = await wire.read()
        assert answer["id"] == slow
        assert answer["result"]["structuredContent"]["status"] == "held"
        assert await wire.ended() == 0


async def test_a_second_signal_ends_the_process_at_once() -> None:
    """Who insists need not wait."""
    async with started(PRETEND) as wire:
        await wire.open()
        await wire.send_dm("endless")
        await wait_for(wire, b"sending\n")
        wire.process.send_signal(signal.SIGTERM)
        late = await wire.send_dm("hi")
        assert (await wire.read())["id"] == late
        wire.process.send_signal(signal.SIGTERM)
        assert await wire.ended() == -signal.SIGTERM


async def test_a_client_that_reads_no_more_ends_the_server() -> None:
    """A stdout without a reader is the end, though stdin is still open."""
    reader, writer = os.pipe()
    with anyio.fail_after(30):
        async with await anyio.open_process(
            PRETEND, stdin=subprocess.PIPE, stdout=writer, stderr=None, cwd=ROOT
        ) as process:
            os.close(writer)
            os.close(reader)
            assert process.stdin is not None
            question = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            await process.stdin.send(
                json.dumps(question | {"params": {"_meta": ENVELOPE}}).encode()
            )
            await process.stdin.send(b"\n")
            assert await process.wait() == 0


async def test_a_stdin_that_holds_nothing_ends_the_server_at_once() -> None:
    """Not every stdin can be waited for: a device or a plain file is read as it stands."""
    with anyio.fail_after(30):
        done = await anyio.run_process(PRETEND, stdin=subprocess.DEVNULL, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, b"")


async def test_the_real_server_starts_without_home_network_or_keys(tmp_path: Path) -> None:
    """Listing what there is creates nothing and says nothing."""
    home = tmp_path / "home"
    async with started(REAL, home) as wire:
        await wire.open()
        for method in ("tools/list", "prompts/list", "resources/list"):
            assert "error" not in await wire.answer(method)
        await wire.stdin.aclose()
        assert await wire.ended() == 0
        with pytest.raises(anyio.EndOfStream):
            await wire.stderr.receive()
    assert not home.exists()


async def test_a_broken_policy_is_one_sentence_and_code_2(tmp_path: Path) -> None:
    """Nothing is served with a policy that cannot be read."""
    (tmp_path / "policy.toml").write_text("[guard\n")
    async with started(REAL, tmp_path) as wire:
        said = await wire.stderr.receive()
        assert said.startswith(b"xdm-mcp: policy.toml is not valid TOML")
        assert said.count(b"\n") == 1
        assert await wire.ended() == 2
