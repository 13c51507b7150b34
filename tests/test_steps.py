"""The steps of a process, and where those of an engine or a connection go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from xdm_mcp.errors import OverBudget
from xdm_mcp.steps import Step, Steps, in_force


def test_a_step_is_told_when_it_has_ended() -> None:
    """With its name, how it ended and how long it took."""
    steps, heard = Steps(), list[Step]()
    steps.subscribe(heard.append)
    with steps.step("request", "GET") as step:
        assert heard == []
        step.outcome = "200"
    assert heard == [step]
    assert (step.kind, step.name, step.outcome) == ("request", "GET", "200")
    assert step.seconds > 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(OverBudget("A sentence."), "over_budget"), (ValueError("somebody's words"), "ValueError")],
)
def test_a_step_that_fails_ends_with_a_word_of_ours(error: Exception, outcome: str) -> None:
    """The code of what we foresee, the type of anything else; never what it says."""
    steps, heard = Steps(), list[Step]()
    steps.subscribe(heard.append)
    with pytest.raises(type(error)), steps.step("read", "entry"):
        raise error
    assert [step.outcome for step in heard] == [outcome]


def test_what_is_entered_around_each_step_sees_how_it_ended() -> None:
    """A span is still open when the outcome is known."""
    steps, told = Steps(), list[str]()

    @contextmanager
    def span(step: Step) -> Iterator[None]:
        yield
        told.append(step.outcome)

    steps.spans = span
    with steps.step("write", "settle") as step:
        step.outcome = "late"
    assert told == ["late"]


def test_what_is_opened_takes_its_steps_where_it_was_opened() -> None:
    """Two programs in one process do not hear of each other; nowhere is a place too."""
    one, two = Steps(), Steps()
    with one.heard():
        assert in_force() is one
        with two.heard():
            assert in_force() is two
        assert in_force() is one
    assert in_force() not in (one, two)
