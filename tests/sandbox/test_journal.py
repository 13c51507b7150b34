"""Journals: one world in several processes, and nothing lost between them."""

# ruff: noqa: ASYNC240 - a test may look at its files while nothing else runs

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from filelock import FileLock

from tests.sandbox.conftest import IRIS, ME, START, client_of, deliveries, sent, to
from tests.sandbox.x_api_v2.test_media import PNG, attach, uploaded
from tests.starting import start_together
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.events import Blocked
from xdm_mcp.sandbox.journal import Hold, JournalDamaged, MemoryJournal
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app

Open = Callable[[], httpx2.AsyncClient]

CHILD = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
import httpx2
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app

async def main(path, now, count):
    clock = ManualClock(datetime.fromisoformat(now))
    transport = httpx2.ASGITransport(app=build_app(FileJournal(Path(path), clock), clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(count)):
            body = {"from": "iris_sandbox", "text": str(number)}
            answer = await client.post("/_sandbox/inbound", json=body)
            print(answer.json()["id"])

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "home" / "sandbox.jsonl"


@pytest.fixture
def join(path: Path, clock: ManualClock) -> Open:
    """Open the journal once more, as another process would."""

    def opened() -> httpx2.AsyncClient:
        return client_of(build_app(FileJournal(path, clock), clock))

    return opened


def child(path: Path, count: int) -> subprocess.Popen[str]:
    """Start another process in which Iris writes as soon as it is told to go."""
    command = [sys.executable, "-c", CHILD, str(path), START.isoformat(), str(count)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def test_two_processes_see_one_world(join: Open) -> None:
    """What one sends, blocks, breaks or moves the other sees at once; a third begins there."""
    one, other = join(), join()

    event_id = await sent(one, IRIS)
    assert [told["id"] for told in await deliveries(other)] == [event_id]
    await other.post("/_sandbox/clock", json={"advance_seconds": 60})
    await other.post("/_sandbox/faults", json={"kind": "status", "status": 500})
    assert (await one.post(to(IRIS), json={"text": "Hello."})).status_code == 500
    await other.post(f"/2/users/{IRIS}/dm/block")
    assert (await one.post(to(IRIS), json={"text": "Hello."})).status_code == 403

    worlds = [(await each.get("/_sandbox/world")).json() for each in (one, other, join())]

    assert worlds[0] == worlds[1] == worlds[2]
    assert worlds[0]["now"] == "2026-11-22T10:01:00Z"


async def test_two_processes_share_the_rate_window_of_sends(join: Open) -> None:
    """Fifteen attempts between them, and no more."""
    one, other = join(), join()
    for _ in range(7):
        await sent(one, IRIS)
        await sent(other, IRIS)
    await sent(one, IRIS)

    assert (await other.post(to(IRIS), json={"text": "Hello."})).status_code == 429


async def test_a_restart_forgets_nothing(join: Open) -> None:
    """Deliveries, uploads and what was billed for sends are in the file."""
    before = join()
    media_id = await uploaded(before)
    await sent(before, IRIS)

    after = join()

    assert (await attach(after, media_id)).status_code == 201
    assert len(await deliveries(after)) == 2
    page = (
        await after.get(
            "/2/dm_events",
            params={
                "max_results": "1",
                "expansions": "attachments.media_keys",
                "media.fields": "url",
            },
        )
    ).json()
    rest = "/".join(page["includes"]["media"][0]["url"].rsplit("/", 3)[1:])
    assert (await after.get(f"/2/dm_conversations/media/{rest}")).content == PNG
    bill = (await after.get("/_sandbox/bill")).json()
    assert bill["items"]["dm_create"]["count"] == 2


async def test_real_processes_at_once_lose_and_repeat_nothing(path: Path, join: Open) -> None:
    """Three children write as fast as they can: every id once, and every message in the world."""
    children = [child(path, 20) for _ in range(3)]
    try:
        start_together(children)
        outputs = [each.communicate(timeout=60) for each in children]
    finally:
        for each in children:
            each.kill()

    assert [error for _, error in outputs] == ["", "", ""]
    made = [event_id for output, _ in outputs for event_id in output.split()]
    world = (await join().get("/_sandbox/world")).json()
    (thread,) = [one for one in world["conversations"] if one["id"] == f"{ME}-{IRIS}"]
    injected = [each["id"] for each in thread["messages"] if each["via"] == "control"]
    assert len(made) == 60
    assert injected == sorted(made, key=int)


async def test_a_torn_last_line_is_ignored_and_written_over(path: Path, join: Open) -> None:
    """What a crash left half written never happened; the next line takes its place."""
    running = join()
    first = await sent(running, IRIS, "First.")
    whole = path.read_bytes()
    lost = json.dumps(json.loads(whole.splitlines()[-1])).encode()
    with path.open("ab") as file:
        file.write(lost[:-5])

    assert [told["id"] for told in await deliveries(join())] == [first]
    assert [told["id"] for told in await deliveries(running)] == [first]

    second = await sent(running, IRIS, "Second.")
    assert [told["id"] for told in await deliveries(join())] == [first, second]
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


async def test_a_torn_first_line_begins_a_new_world(path: Path, join: Open) -> None:
    """A crash at the very beginning leaves nothing behind."""
    path.parent.mkdir()
    path.write_bytes(b'{"at":17953')

    await sent(join(), IRIS)

    assert len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"{}\n",
        b"[]\n",
        b'{"at":1795341600000,"do":[{"kind":"Exploded"}]}\n',
        b'{"at":1795341600000,"do":[{"kind":"Deleted","who":"me"}]}\n',
        b'{"at":1795341600000,"do":[{"kind":"FaultUsed","id":"7"}]}\n',
    ],
)
async def test_a_damaged_journal_is_refused_with_a_sentence(
    path: Path, join: Open, line: bytes
) -> None:
    """Complete lines that make no sense are not passed over; repair brings the world back."""
    running = join()
    await sent(running, IRIS)
    whole = path.read_bytes()
    path.write_bytes(whole + line)

    answers = [await each.get("/2/users/me") for each in (running, join())]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].text == (f"The sandbox's journal {path} is damaged; delete it to begin anew.")
    path.write_bytes(whole)
    assert len(await deliveries(running)) == 1


async def test_a_journal_of_another_version_is_refused(
    path: Path, join: Open, clock: ManualClock
) -> None:
    """Its first line says which form it has."""
    await sent(join(), IRIS)
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))

    with pytest.raises(JournalDamaged):
        await FileJournal(path, clock).act(lambda hold: hold.now)


async def test_a_deleted_journal_begins_anew(path: Path, join: Open) -> None:
    """A running process notices."""
    running = join()
    await sent(running, IRIS)

    path.unlink()

    assert await deliveries(running) == []
    assert path.exists()


async def test_a_reset_is_seen_by_the_others(path: Path, join: Open) -> None:
    """The file begins anew with one line, and uploads are gone."""
    one, other = join(), join()
    await uploaded(one)
    await sent(one, IRIS)
    assert len(await deliveries(other)) == 1

    await one.post("/_sandbox/reset", json={"story": "empty"})

    assert await deliveries(other) == []
    assert (await other.get("/_sandbox/world")).json()["story"] == "empty"
    assert len(path.read_bytes().splitlines()) == 1
    assert list(path.with_name("sandbox.jsonl.media").iterdir()) == []


async def test_files_are_the_owner_s_alone(path: Path, join: Open) -> None:
    """0600 in 0700, whatever the umask says."""
    before = os.umask(0)
    try:
        await uploaded(join())
        await join().post("/_sandbox/reset")
        await uploaded(join())
    finally:
        os.umask(before)

    modes = {
        str(each.relative_to(path.parent)): each.stat().st_mode & 0o777
        for each in [path.parent, *path.parent.rglob("*")]
    }
    digest = modes.keys() - {".", path.name, f"{path.name}.lock", f"{path.name}.media"}
    assert modes.pop(".") == 0o700
    assert modes.pop(f"{path.name}.media") == 0o700
    assert set(modes.values()) == {0o600}
    assert len(digest) == 1


async def test_nothing_is_touched_before_the_first_act(path: Path, clock: ManualClock) -> None:
    """Building an application makes no folder, no file and no lock."""
    build_app(FileJournal(path, clock), clock)

    assert not path.parent.exists()


async def test_who_finds_the_journal_kept_gives_up_with_a_sentence(
    path: Path, join: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was done, and the answer says why."""
    monkeypatch.setattr("xdm_mcp.sandbox.journal_file.LONGEST_WAIT", 0.02)
    x = join()
    await sent(x, IRIS)

    with FileLock(path.with_name(path.name + ".lock")), anyio.fail_after(5):
        answer = await x.post(to(IRIS), json={"text": "Hello."})

    assert (answer.status_code, answer.text) == (
        503,
        "Another process keeps the sandbox's journal; try again.",
    )
    assert len(await deliveries(x)) == 1


async def test_what_cannot_be_written_has_not_happened(
    join: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk answers 503; neither this process nor another sees the message."""
    x = join()
    await sent(x, IRIS)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        answer = await x.post(to(IRIS), json={"text": "Hello."})

    assert answer.status_code == 503
    assert answer.text == "The sandbox's journal cannot be used: No space left on device."
    assert len(await deliveries(x)) == len(await deliveries(join())) == 1


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_an_act_that_fails_has_not_happened(
    kind: str, path: Path, clock: ManualClock
) -> None:
    """What it recorded is forgotten, in memory as in a file."""
    journal = MemoryJournal(clock) if kind == "memory" else FileJournal(path, clock)

    def fails(hold: Hold) -> None:
        hold.record(Blocked("2200000001", IRIS, True))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await journal.act(fails)

    blocked = await journal.act(lambda hold: hold.world.people.blocked("2200000001", IRIS))
    assert blocked is False


async def test_an_act_reads_only_what_is_new(
    path: Path, join: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that an act reads are those that others appended, however long the file is."""
    one, other = join(), join()
    for _ in range(5):
        await sent(one, IRIS)
    await deliveries(other)
    before = path.stat().st_size
    await sent(one, IRIS)
    read: list[int] = []
    real = os.pread

    def counted(descriptor: int, size: int, start: int) -> bytes:
        content = real(descriptor, size, start)
        read.append(len(content))
        return content

    monkeypatch.setattr("os.pread", counted)
    await deliveries(one)
    await deliveries(other)

    assert read == [0, path.stat().st_size - before]


async def test_the_time_of_the_world_is_the_time_of_its_clock(
    clock: ManualClock, journal: MemoryJournal
) -> None:
    """Whole milliseconds, moved by the clock, and told by the journal's own."""
    clock.advance(timedelta(microseconds=1_500_400))

    now = await journal.act(lambda hold: hold.now)

    assert now == START + timedelta(milliseconds=1500)
    assert journal.clock.now() == clock.now()
