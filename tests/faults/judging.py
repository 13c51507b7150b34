"""What a run proves: how often the message was delivered, and every promise that was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.books import MARGIN, Row, misbooked, miscounted
from tests.faults.runs import Run
from xdm_mcp.clock import to_ms
from xdm_mcp.models.sends import SETTLED

BROKEN = (
    "doubled",
    "lost",
    "false sent",
    "false failed",
    "left unknown though visible",
    "never ended",
    "left late",
    "misbooked",
    "damaged",
)
"""Every way in which a run can break a promise. All of them are to be 0."""

MAYBE_LEFT = frozenset({"in_flight", "unknown"})
"""States of a send of which bytes may have left."""


@dataclass
class Figures:
    """The sums over many runs."""

    edges: int = 0
    runs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Judge one more run."""
        self.runs += 1
        self.ends[end_of(run)] += 1
        for promise, says in breaches(run):
            self.broken[promise] += 1
            self.examples.append(f"{promise}: {says} in {run.case}")

    def take(self, other: Figures) -> None:
        """Add the figures of other runs."""
        self.edges, self.runs = self.edges + other.edges, self.runs + other.runs
        self.ends += other.ends
        self.broken += other.broken
        self.examples += other.examples

    def told(self) -> str:
        """Return the figures as lines for people."""
        lines = [f"{self.edges} edges, {self.runs} runs"]
        lines += [f"  {count:6} {end}" for end, count in sorted(self.ends.items())]
        lines += [f"  {self.broken[promise]:6} {promise}" for promise in BROKEN]
        return "\n".join([*lines, *self.examples[:20]])


def end_of(run: Run) -> str:
    """Return how the message ended up, in words."""
    arrived = len(run.deliveries)
    state = run.rows.entries[-1]["state"] if run.rows.entries else "nothing"
    return f"delivered {arrived} times, and the last row says {state}"


def breaches(run: Run) -> Iterator[tuple[str, str]]:
    """Yield each promise that the run broke, with what shows it."""
    ours, rows = run.deliveries, run.rows.entries
    texts = [one["text"] for one in ours]
    if texts not in ([], [run.case.ask["text"]]):
        yield "doubled", f"delivered {len(ours)} times"
    if rows_gone := run.dead.states().keys() - run.rows.states().keys():
        yield "lost", f"the rows {sorted(rows_gone)} are gone"
    if ours and not rows:
        yield "lost", "it was delivered and no row knows of it"
    yield from _forgotten(run)
    yield from _lies(run)
    if _posted_after_sleep(run) and any(_late(row, ours) for row in rows):
        yield "left late", "it was delivered long after its place in the windows"
    for row in rows:
        if row["state"] not in {*SETTLED, "unknown"}:
            yield "never ended", f"a row is {row['state']} half a day later"
    for wrong in _books(run):
        yield "misbooked", wrong
    if run.rows.integrity != "ok" or run.dead.integrity != "ok":
        yield "damaged", f"{run.dead.integrity}, then {run.rows.integrity}"


def _posted_after_sleep(run: Run) -> bool:
    """Whether a process that was stopped has made the request when it woke up."""
    passed = [edge for edges in run.victim.words("passed") for edge in edges[run.case.point :]]
    return any(edge.startswith("POST") for edge in passed)


def _late(row: Row, deliveries: Iterable[dict[str, Any]]) -> bool:
    stamps = [one["created_at"] for one in deliveries if one["id"] == row["message_id"]]
    ends = row["slot_at"] + MARGIN
    return any(to_ms(datetime.fromisoformat(stamp)) > ends for stamp in stamps)


def _books(run: Run) -> Iterator[str]:
    told = run.others[-1].words("quota")
    for quota in told:
        yield from miscounted(run.rows, quota["says"], quota["at"])
    yield from misbooked(run.rows, told[-1]["says"], run.bill)


def _forgotten(run: Run) -> Iterator[tuple[str, str]]:
    """What a caller or a person was told must still be so."""
    known = {row["approval_id"] for row in run.rows.entries}
    for ended in (run.victim, *run.others):
        for answer in ended.words("answer"):
            if answer["status"] == "held" and answer["approval_id"] not in known:
                yield "lost", "a held send that an agent was told of is gone"
        if set(ended.words("approved")) - known:
            yield "lost", "an approved send is gone"
    for row in run.rows.entries:
        if run.dead.states().get(row["id"]) == "approved" and row["state"] == "expired":
            yield "lost", "an approved send was never taken up"


def _lies(run: Run) -> Iterator[tuple[str, str]]:
    """What is said of a send must be so."""
    arrived = {one["id"] for one in run.deliveries}
    for row in run.rows.entries:
        if row["state"] == "sent" and row["message_id"] not in arrived:
            yield "false sent", "a row says sent and nothing arrived"
        if run.dead.states().get(row["id"]) in MAYBE_LEFT and row["state"] == "failed":
            yield "false failed", "a row of which bytes may have left is called failed"
    for answer in _answers(run):
        if answer["status"] == "sent" and answer["message_id"] not in arrived:
            yield "false sent", "an agent was told sent and nothing arrived"
    unproven = arrived - {row["message_id"] for row in run.rows.entries}
    doubts = [row for row in run.rows.entries if row["state"] == "unknown"]
    if unproven and not doubts:
        yield "false failed", f"it was delivered, and the rows say {_states(run.rows.entries)}"
    if unproven and doubts:
        yield "left unknown though visible", "read-back shows it, and the row is unknown"


def _answers(run: Run) -> Iterator[dict[str, Any]]:
    for ended in (run.victim, *run.others):
        yield from ended.words("answer")


def _states(rows: Iterable[Row]) -> list[str]:
    return [row["state"] for row in rows]
