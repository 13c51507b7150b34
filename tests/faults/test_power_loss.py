"""Power that fails at any sync of a send: what was promised before is still known after it.

By default the power fails just before each sync. At every write, with five disks that each keep
other unsynced writes, it fails in

    pytest -m faults tests/faults/test_power_loss.py
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.faults.books import rows_in
from tests.faults.clocks import START
from tests.faults.disk import Keep, Mark, RecordedLog, Tape, everything, nothing, recorded, some
from tests.faults.quick import PEOPLE, Quick, Roomy, meet_everybody, outbox_over
from xdm_mcp.clock import ManualClock
from xdm_mcp.digests import content_digest
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.sends import Assurance, Outcome, SendState

ENDS: dict[str, Outcome | None] = {
    "Accepted.": None,
    "Delivered, and nobody knows.": Outcome(SendState.UNKNOWN, "no_answer", "It was lost."),
    "Refused.": Outcome(SendState.FAILED, "recipient_closed", "X refused."),
    "By a person.": None,
}
"""The messages that are sent, and how the attempt ends; None is accepted."""

DELIVERED = [text for text in ENDS if text != "Refused."]

RANKS = {
    "held": 0, "approved": 1, "reserved": 2, "in_flight": 3, "sent": 4, "failed": 4, "unknown": 4,
}  # fmt: skip
"""How far a send has come."""

_numbers = count()


async def play(folder: Path, tape: Tape, now: datetime) -> None:
    """Send every message over the ledger in `folder`, the last one by a person's approval."""
    ledger, clock = SqlLedger(SqliteDatabase(folder / "ledger.db")), ManualClock(now)

    def deliver(text: str) -> Outcome | None:
        tape.mark(text, "in_flight")
        return ENDS[text]

    backend = Quick(deliver)
    await meet_everybody(ledger)
    *at_once, last = ENDS
    free = outbox_over(ledger, backend, Roomy.of(100), clock)
    for text, who in zip(at_once, PEOPLE, strict=False):
        tape.mark(text, (await free.send(text=text, to=who)).status)
    asking = outbox_over(ledger, backend, Roomy.of(100, "always"), clock)
    held = await asking.send(text=last, to=PEOPLE[-1])
    tape.mark(last, held.status)
    if held.approval_id is not None and held.status == "held":
        hold = (await asking.find(held.approval_id)).hold
        assert hold is not None
        if hold.assurance is None:
            await asking.approve(
                hold.approval_id, digest=hold.digest, assurance=Assurance.PERSON, by="test"
            )
        tape.mark(last, "approved")
        await asking.work()
        tape.mark(last, (await asking.send(text=last, to=PEOPLE[-1])).status)
    await ledger.close()


async def taped(folder: Path) -> Tape:
    """Return the tape of a whole play on a new ledger."""
    with recorded() as tape:
        await play(folder / "whole", tape, START)
    return tape


async def broken(tape: Tape, place: int, keep: Keep, folder: Path) -> list[str]:
    """Cut the power at a place, open what is left, let the agent do everything again, and return
    what was forgotten or delivered twice."""
    home = folder / str(next(_numbers))
    home.mkdir(mode=0o700)
    for name, content in tape.files(place, keep).items():
        (home / name).write_bytes(content)
    ledger: Ledger = SqlLedger(SqliteDatabase(home / "ledger.db"))
    await ledger.recent()
    await ledger.close()
    rows = rows_in(home / "ledger.db")
    states = {row["content_digest"]: row["state"] for row in rows.entries}
    wrong = [] if rows.integrity == "ok" else [rows.integrity]
    for mark in tape.marks(place):
        state = states.get(content_digest(mark.text, None))
        if state is None or RANKS[state] < RANKS[mark.state]:
            wrong.append(f"{mark.text} was {mark.state} and is {state}")
    again = Tape()
    await play(home, again, START + timedelta(minutes=10))
    left = [mark.text for mark in (*tape.marks(place), *again.marks()) if mark.state == "in_flight"]
    wrong += [f"{text} was delivered twice" for text in DELIVERED if left.count(text) > 1]
    return wrong


def cuts(tape: Tape) -> Iterator[tuple[int, Keep]]:
    """Yield the moments before each sync and the end, with a disk that kept nothing since the sync
    before, and with one that kept some of it."""
    for number, place in enumerate([*tape.syncs(), len(tape.steps)]):
        yield place, nothing
        if number % 3 == 0:
            yield place, some(str(place))


async def test_power_that_fails_at_a_sync_lets_nothing_be_forgotten(
    tmp_path: Path, tell: Tell
) -> None:
    """Whatever was promised since, the ledger that is found knows it."""
    tape = await taped(tmp_path)
    places = list(cuts(tape))

    for place, keep in places:
        assert await broken(tape, place, keep, tmp_path) == []
    tell(f"power cut: {len(tape.steps)} steps, {len(tape.syncs())} syncs, {len(places)} cuts")


@pytest.mark.faults
async def test_power_that_fails_at_any_write_lets_nothing_be_forgotten(
    tmp_path: Path, tell: Tell
) -> None:
    """At every step, with disks that keep nothing, everything, and three different halves."""
    tape = await taped(tmp_path)
    for place in range(len(tape.steps) + 1):
        for keep in (nothing, everything, *(some(f"{seed}/{place}") for seed in range(3))):
            assert await broken(tape, place, keep, tmp_path) == []
    tell(f"power cut at every one of {len(tape.steps)} steps, 5 disks: nothing forgotten")


async def test_a_ledger_that_does_not_wait_for_its_disk_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the sync of its own a delivered message is forgotten and goes out again, and the cuts
    show."""
    monkeypatch.setattr(RecordedLog, "sync", lambda _: None)
    tape = await taped(tmp_path)

    wrong = []
    for place, step in enumerate(tape.steps):
        if isinstance(step, Mark):
            wrong += await broken(tape, place + 1, nothing, tmp_path)

    assert any(says.endswith("was delivered twice") for says in wrong), wrong
