"""A process that dies at any edge of a send: nothing goes out twice, nothing is lost, nothing lies.

By default two edges of each way and behaviour are tried. The whole matrix is

    pytest -m faults tests/faults/test_kill_points.py
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import apsw
import pytest

from tests.conftest import Tell
from tests.faults.arena import KILLED, Arena
from tests.faults.cases import BEHAVIOURS, SEEDS, WAYS, Case
from tests.faults.judging import Figures
from tests.faults.runs import able_to_sleep, edges_of, run, sampled, sleep_through

CASES = [Case(*each) for each in product(WAYS, BEHAVIOURS, SEEDS)]
"""Every way, behaviour and seed, at no edge yet."""


@pytest.fixture(scope="module")
def sums(tell: Tell) -> Iterator[Figures]:
    """The figures of all cases of the matrix together."""
    figures = Figures()
    yield figures
    tell(f"killed at every edge, all cases: {figures.told()}")


@pytest.mark.faults
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_kill_at_any_edge_breaks_no_promise(
    open_arena: Arena, sums: Figures, tell: Tell, case: Case
) -> None:
    """Every edge of one case: the process dies, two recover at once, the agent asks again."""
    edges = edges_of(open_arena, case)
    figures = Figures(edges=len(edges))
    for point in range(len(edges)):
        figures.add(run(open_arena, replace(case, point=point)))
    sums.take(figures)
    tell(f"{case}: {figures.told()}")
    assert not figures.broken, figures.told()


def test_a_kill_at_a_sample_of_the_edges_breaks_no_promise(open_arena: Arena, tell: Tell) -> None:
    """Each way and behaviour, with a seed and two edges that differ from case to case."""
    figures = Figures()
    for number, case in enumerate(CASES[:: len(SEEDS)]):
        case = replace(case, seed=number % len(SEEDS))
        edges = edges_of(open_arena, case)
        figures.edges += len(edges)
        for each in sampled(case, edges):
            figures.add(run(open_arena, each))
    tell(f"killed at a sample of the edges: {figures.told()}")
    assert not figures.broken, figures.told()


def test_the_edges_of_a_send_are_the_same_each_time(open_arena: Arena) -> None:
    """Else the number of an edge would name nothing, and a matrix would have holes."""
    case = Case("approved", "acts and answers", 1)

    assert edges_of(open_arena, case) == edges_of(open_arena, case)


@pytest.mark.parametrize("last", [3, pytest.param(None, marks=pytest.mark.faults)])
@pytest.mark.parametrize("behaviour", ["acts and answers", "acts and drops"])
@pytest.mark.parametrize("way", WAYS)
def test_a_process_that_slept_for_hours_sends_nothing_when_it_wakes(
    open_arena: Arena, tell: Tell, way: str, behaviour: str, last: int | None
) -> None:
    """Others gave its send up meanwhile, and perhaps made it: there is one message at most, and it
    left while its place in the windows was its own. By default it sleeps at the `last` few edges
    before its request alone."""
    case = Case(way, behaviour, seed=0)
    edges = edges_of(open_arena, case)
    leaves = next(number for number, edge in enumerate(edges) if edge.startswith("POST"))
    points = [point for point in able_to_sleep(edges) if point < leaves]
    figures = Figures(edges=len(points))
    for point in points[-last:] if last else points:
        figures.add(sleep_through(open_arena, replace(case, point=point)))
    tell(f"{case}, asleep for hours before its request: {figures.told()}")
    assert not figures.broken, figures.told()


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.faults)])
def test_a_kill_at_a_statement_of_the_opening_leaves_a_ledger_that_opens(
    open_arena: Arena, tell: Tell, step: int
) -> None:
    """A first start that dies while it makes the tables does no harm to the next two at once."""
    whole = open_arena.folder / f"opening-{step}"
    whole.mkdir(mode=0o700)
    statements = open_arena.alone("opening", home=whole).words("passed")[0]
    tables = rows_of(whole)
    for point in range(0, len(statements), step):
        home = whole / str(point)
        home.mkdir(mode=0o700)
        assert open_arena.alone("opening", home=home, die_at=point).code == KILLED
        open_arena.together(*[{"job": "opening", "home": home}] * 2)
        assert rows_of(home) == tables, statements[point]
    tell(f"killed at statement 1, {step + 1}, ... of the {len(statements)} of the opening")


def rows_of(home: Path) -> list[object]:
    """Return everything that makes a ledger's schema, and SQLite's word on the file."""
    connection = apsw.Connection(str(home / "ledger.db"))
    try:
        schema = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name")
        marks = [connection.pragma(name) for name in ("application_id", "user_version")]
        return [*schema.fetchall(), *marks, connection.pragma("integrity_check")]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("mutant", "way", "behaviour", "dies"),
    [
        ("calls_the_interrupted_unsent", "send", "acts and answers", True),
        ("sends_before_it_is_written_down", "send", "acts and answers", True),
        ("posts_again_after_no_answer", "send", "acts and drops", False),
        ("takes_doubt_for_a_refusal", "send", "500 after", False),
        ("takes_absence_for_proof", "approved", "500 before", False),
    ],
)
def test_a_program_that_is_wrong_on_purpose_is_caught(
    open_arena: Arena, mutant: str, way: str, behaviour: str, dies: bool
) -> None:
    """The harness sees each of the faults that it is there for, when X has just answered."""
    case = Case(way, behaviour, seed=0, mutant=mutant)
    if dies:
        edges = edges_of(open_arena, case)
        answered = [n for n, edge in enumerate(edges) if edge.endswith("messages: answered")]
        case = replace(case, point=answered[-1])
    figures = Figures()
    figures.add(run(open_arena, case))

    assert figures.broken["doubled"] or figures.broken["false failed"], figures.told()
