"""What was erased is nowhere in the home: every byte of every file is looked at."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from tests.contract.ledger.desk import ANNA, BEN, ME, START, message, stop
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.marks import SIZE
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.retention import leave_no_trace

WITH_ANNA = pair_id(ME, ANNA)
KEEP = timedelta(days=30)
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
MANY = 600


def canary(number: int, who: str) -> str:
    """Return a word that stands nowhere else; half of it folds to something else."""
    return f"Zq{who}Kanári{number:05}éÄ京Xy"


def spellings(word: str) -> set[bytes]:
    """Return how a word may lie in a file: as it was written, and as an index folds it."""
    folded = f"zq{word[2]}kanari{word[9:14]}ea"
    return {one.encode(code) for one in (word, word.casefold(), folded) for code in ENCODINGS}


def texts(who: str, count: int) -> list[str]:
    """Return texts that share common words and hold one canary each."""
    rng = random.Random(who)  # noqa: S311 - no secret
    common = ["parcel", "late", "thanks", "straße", "you", "the", "order", "退货"]
    return [
        f"{' '.join(rng.choices(common, k=6))} {canary(n, who)} {'pad ' * rng.randrange(40)}"
        for n in range(count)
    ]


def messages(who: str, peer: str, count: int, days: float = 0) -> list[Message]:
    """Return so many messages with somebody, a minute apart, the newest so many days ago."""
    return [
        message(
            START - timedelta(days=days, minutes=n), text, sender=peer, peer=peer, serial=int(peer)
        )
        for n, text in enumerate(texts(who, count))
    ]


def traces(home: Path, who: str, count: int) -> list[str]:
    """Return the canaries that lie anywhere in the home."""
    found = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    words = (canary(number, who) for number in range(count))
    return [word for word in words if any(spelled in found for spelled in spellings(word))]


class Home:
    """A folder with a ledger in which many messages are kept."""

    def __init__(self, path: Path) -> None:
        """Keep nothing yet."""
        self.path = path
        self.ledger = open_ledger(f"sqlite:///{path}/ledger.db")

    async def fill(self, *batches: list[Message]) -> None:
        """Keep messages in the order in which a backend may bring them: mixed, in pages."""
        rows = [row for batch in batches for row in batch]
        random.Random(7).shuffle(rows)  # noqa: S311 - no secret
        for begin in range(0, len(rows), 50):
            page = rows[begin : begin + 50]
            await self.ledger.record(ME, page, stop, START, keep=timedelta(days=400))

    async def erase(
        self, keep: timedelta | None = timedelta(days=400), patience: float = 5
    ) -> bool:
        """Erase what is due, and what that leaves in index and files; return whether that could
        be."""
        while await self.ledger.sweep_kept(ME, keep, START, 100):
            pass
        return await leave_no_trace(self.ledger, ME, patience)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without anything in it."""
    return Home(tmp_path / "home")


async def test_a_kept_message_does_lie_in_the_files(home: Home) -> None:
    """Else the other tests would prove nothing."""
    await home.fill(messages("A", ANNA, 5))
    await home.ledger.scrub(1)
    await home.ledger.close()

    assert len(traces(home.path, "A", 5)) == 5


async def test_what_is_not_kept_never_touches_the_disk(home: Home) -> None:
    """Off is off: learning from messages writes no word of them."""
    await home.ledger.record(ME, messages("A", ANNA, 20), stop, START)

    assert traces(home.path, "A", 20) == []
    await home.ledger.close()


async def test_a_forgotten_conversation_leaves_no_trace(home: Home) -> None:
    """In the database, its log or its index; the other conversation is whole."""
    await home.fill(messages("A", ANNA, MANY), messages("B", BEN, MANY))
    await home.ledger.forget(ME, WITH_ANNA, "owner", START)

    assert await home.erase()
    assert traces(home.path, "A", MANY) == []
    assert len(traces(home.path, "B", MANY)) == MANY
    await home.ledger.close()
    assert traces(home.path, "A", MANY) == []


def digests(home: Home) -> set[bytes]:
    """Return the digests of words that a ledger's table of marks holds, as they lie in its file."""
    with apsw.Connection(str(home.path / "ledger.db"), flags=apsw.SQLITE_OPEN_READONLY) as file:
        rows = file.execute("SELECT digest FROM mark").fetchall()
    return {int(str(digest)).to_bytes(SIZE, "big", signed=True) for (digest,) in rows}


@pytest.mark.parametrize("keep", [True, False])
async def test_a_forgotten_conversation_leaves_no_digest_and_no_note_that_it_was_shown(
    home: Home, *, keep: bool
) -> None:
    """The marks hold no word in the first place, and go with the words, kept or not."""
    said = messages("A", ANNA, 40)
    await home.ledger.record(ME, said, stop, START, keep=KEEP if keep else None)
    await home.ledger.note_shown(ME, said, START)
    of_anna = digests(home)
    assert len(of_anna) > 40
    assert len(traces(home.path, "A", 40)) == (40 if keep else 0)
    await home.ledger.record(ME, messages("B", BEN, 40), stop, START)
    of_ben = digests(home) - of_anna
    assert of_ben

    await home.ledger.forget(ME, WITH_ANNA, "owner", START)
    assert await home.erase()
    await home.ledger.close()

    files = b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    assert not any(digest in files for digest in of_anna - digests(home))
    assert all(digest in files for digest in of_ben)
    stays = [message.id for message in said if message.id.encode() in files]
    assert stays == [max(message.id for message in said)]  # when they wrote last, and no other
    assert traces(home.path, "A", 40) == []


async def test_retention_leaves_no_trace(home: Home) -> None:
    """In small steps, as a server does it."""
    await home.fill(messages("A", ANNA, MANY, days=40), messages("B", BEN, MANY))

    assert await home.erase(KEEP)
    assert traces(home.path, "A", MANY) == []
    assert len(traces(home.path, "B", MANY)) == MANY
    await home.ledger.close()


@pytest.mark.parametrize("how", ["forget", "off"])
async def test_everything_leaves_no_trace(home: Home, how: str) -> None:
    """Forgotten, or kept no more."""
    await home.fill(messages("A", ANNA, MANY), messages("B", BEN, 50))
    if how == "forget":
        await home.ledger.forget(ME, None, "owner", START)

    assert await home.erase(None if how == "off" else KEEP)
    assert traces(home.path, "A", MANY) + traces(home.path, "B", 50) == []
    await home.ledger.close()


async def test_no_trace_while_another_process_has_the_ledger_open(home: Home) -> None:
    """It has read and written before, and reads again after."""
    await home.fill(messages("A", ANNA, 200))
    script = (
        "import anyio, sys; from xdm_mcp.ledger.opening import open_ledger\n"
        "async def run():\n"
        "    ledger = open_ledger(sys.argv[1])\n"
        "    print(len(await ledger.kept_newest('100', 500)), flush=True)\n"
        "    sys.stdin.readline()\n"
        "    print(len(await ledger.kept_newest('100', 500)), flush=True)\n"
        "    await ledger.close()\n"
        "anyio.run(run)\n"
    )
    other = subprocess.Popen(  # noqa: ASYNC220 - it must live beside ours
        [sys.executable, "-c", script, f"sqlite:///{home.path}/ledger.db"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdin is not None
    try:
        assert other.stdout.readline() == "200\n"
        await home.ledger.forget(ME, None, "owner", START)
        assert await home.erase()
        assert traces(home.path, "A", 200) == []
        other.stdin.write("again\n")
        other.stdin.flush()
        assert other.stdout.readline() == "0\n"
        assert traces(home.path, "A", 200) == []
    finally:
        other.communicate()
    await home.ledger.close()


async def test_a_reader_that_stands_still_is_told_of(home: Home) -> None:
    """It sees the state before; until it ends the log cannot go, and scrubbing says so."""
    await home.fill(messages("A", ANNA, 20))
    reader = apsw.Connection(str(home.path / "ledger.db"))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM kept").fetchall()
    await home.ledger.forget(ME, None, "owner", START)

    assert not await home.erase(patience=0.01)
    reader.execute("ROLLBACK")
    assert await home.erase()
    assert traces(home.path, "A", 20) == []
    reader.close()
    await home.ledger.close()


async def test_a_rolled_back_page_leaves_neither_message_nor_trace(home: Home) -> None:
    """What a crash undoes was never kept: message and learning are one transaction."""
    await home.fill(messages("B", BEN, 5))

    def breaks(text: str) -> bool:
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        await home.ledger.record(ME, messages("A", ANNA, 20), breaks, START, keep=KEEP)

    assert await home.ledger.kept_count(ME) == 5
    assert traces(home.path, "A", 20) == []
    await home.ledger.close()
