"""X words trouble in many shapes, and all of them are read into one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.backends.test_strict_json import VALUES
from xdm_mcp.backends.x_api_v2_problems import MAX_PROBLEMS, Problem, problems_in


def test_a_problem_and_its_errors_are_read_together() -> None:
    """The object comes first, then what stands in its list."""
    content = {
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
        "errors": [
            {
                "message": "The `dm_event.fields` query parameter value [sender_id] is wrong.",
                "parameters": {"dm_event.fields": ["sender_id"]},
            }
        ],
    }
    outer, inner = problems_in(content)
    assert (outer.kind, outer.title) == ("invalid-request", "Invalid Request")
    assert inner.parameters == ("dm_event.fields",)


@pytest.mark.parametrize(
    "problem",
    [
        Problem(parameters=("expansions",)),
        Problem(detail="The `expansions` query parameter value [sender_id] is not one of [x]"),
        Problem(parameters=("dm_event.fields",)),
    ],
)
def test_a_problem_blames_the_parameters_it_names(problem: Problem) -> None:
    """By its list of parameters or in its sentence."""
    assert problem.blames("dm_event.fields", "expansions")
    assert not problem.blames("max_results")


@pytest.mark.parametrize(
    "content", [None, [], {}, 7, {"data": {}}, {"errors": []}, {"errors": [[]]}]
)
def test_no_problem_is_seen_where_none_is_told(content: object) -> None:
    """Empty and odd shapes tell nothing."""
    assert problems_in(content) == ()


def test_a_flood_of_problems_is_cut() -> None:
    """No answer can make us work without bound."""
    assert len(problems_in({"errors": [{"code": 1}] * 100_000})) == MAX_PROBLEMS


def test_words_of_x_are_not_in_the_repr() -> None:
    """A log line of a problem shows neither what X echoes nor whom it is about."""
    (problem,) = problems_in({"title": "canary", "detail": "canary", "value": "canary", "code": 7})
    assert "canary" not in repr(problem)


@given(VALUES)
@settings(deadline=None)
def test_any_value_is_read_without_failing(value: object) -> None:
    """Whatever stands in an answer, reading problems out of it never raises."""
    assert isinstance(problems_in(value), tuple)
    assert isinstance(problems_in({"errors": value, "error": value}), tuple)
