"""One run of the matrix: a send that is killed, its recovery, the agent's retry."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults.arena import KILLED, Arena, Ended
from tests.faults.books import Rows, rows_in
from tests.faults.cases import Case


@dataclass(frozen=True)
class Run:
    """What is left to judge by: rows at the death and at the end, the world, and every word."""

    case: Case
    victim: Ended
    others: tuple[Ended, ...]
    dead: Rows
    rows: Rows
    deliveries: list[dict[str, Any]]
    bill: dict[str, Any]


def prepare(arena: Arena) -> None:
    """Make the ledger that every run begins with: one that has read the inbox."""
    arena.begin()
    home = arena.folder / "template"
    home.mkdir(mode=0o700)
    arena.alone("prepare", home=home, approvals=False)


def edges_of(arena: Arena, case: Case) -> list[str]:
    """Return the names of the edges that an undisturbed send passes."""
    home = _begin(arena, case)
    ended = arena.alone(case.way, **_given(case, home), ask=case.ask)
    shutil.rmtree(home)
    passed: list[str] = ended.words("passed")[0]
    return passed


def run(arena: Arena, case: Case) -> Run:
    """Kill a send at its edge, recover by two processes at once, and let the agent retry.

    The seed decides whether the agent retries after the recovery, before it as well, or at the same
    time; and in the last of these one of the recovering processes is killed too.
    """
    home = _begin(arena, case)
    given = _given(case, home)
    asks = {**given, "ask": case.ask}
    victim = arena.alone(case.way, **asks, die_at=case.point)
    assert case.point is None or victim.code == KILLED, f"{case} never came to its edge"
    dead = rows_at_death(home)
    others = []
    if case.seed == 1:
        others += [arena.alone("retry", **asks)]
    recover: list[dict[str, Any]] = [{"job": "recover", **given}, {"job": "recover", **given}]
    if case.seed == 2:
        recover[0]["die_at"] = case.chance(200)
        recover += [{"job": "retry", **asks}]
    others += arena.together(*recover)
    others += [arena.alone("finish", **asks)]
    return _looked_at(arena, case, home, victim, others, dead)


def sleep_through(arena: Arena, case: Case) -> Run:
    """Stop a send at its edge, let two others recover and the agent retry, and wake it up then."""
    home = _begin(arena, case)
    given = _given(case, home)
    asks = {**given, "ask": case.ask}
    recover = {"job": "recover", **given}
    sleeper = {"job": case.way, **asks, "sleep_at": case.point}
    victim, *others = arena.together(recover, recover, {"job": "retry", **asks}, sleeper=sleeper)
    assert victim.words("ended at"), f"{case} never came to its edge"
    others += [arena.alone("finish", **asks)]
    return _looked_at(arena, case, home, victim, others, Rows())


def sampled(case: Case, edges: list[str]) -> list[Case]:
    """Return the case at two of its edges: one before the request of the send, one from it on."""
    leaves = next(number for number, edge in enumerate(edges) if edge.startswith("POST"))
    points = (case.chance(leaves), leaves + case.chance(len(edges) - leaves))
    return [replace(case, point=point) for point in points]


def able_to_sleep(edges: list[str]) -> list[int]:
    """Return the numbers of the edges at which a process holds up nobody: outside transactions."""
    inside = ("before ", "after ")
    ends = ("begun", "before its end")
    return [
        number
        for number, edge in enumerate(edges)
        if not edge.startswith(inside) and not edge.endswith(ends)
    ]


def rows_at_death(home: Path) -> Rows:
    """Return what a ledger holds whose process was killed, without opening it: a copy is read."""
    copy = home / "copy"
    copy.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        if (home / name).exists():
            shutil.copy(home / name, copy / name)
    rows = rows_in(copy / "ledger.db")
    shutil.rmtree(copy)
    return rows


def _looked_at(
    arena: Arena, case: Case, home: Path, victim: Ended, others: list[Ended], dead: Rows
) -> Run:
    rows, bill = rows_in(home / "ledger.db"), arena.control("GET", "bill")
    shutil.rmtree(home)
    return Run(case, victim, tuple(others), dead, rows, arena.deliveries(), bill)


def _begin(arena: Arena, case: Case) -> Path:
    arena.begin()
    if case.fault is not None:
        arena.control("POST", "faults", case.fault)
    home = arena.folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(arena.folder / "template", home)
    return home


def _given(case: Case, home: Path) -> dict[str, Any]:
    return {
        "home": str(home),
        "approvals": case.approvals,
        "patience": case.patience,
        "mutant": case.mutant,
    }
