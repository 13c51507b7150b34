"""The shapes in which X tells of trouble, all read into one.

An RFC 7807 object, an object with `errors[]`, `errors[]` alone (of problems, or of `{code,
message}` as in v1.1), any of them as text inside another. HTML and empty bodies tell nothing.
(docs.x.com response codes, 2026-08; X API v2 OpenAPI 2.167, 2026-08.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xdm_mcp.backends.strict_json import parse

MAX_PROBLEMS = 200
"""How many problems of one answer are looked at: a look-up of 100 people can have one for each."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem as X words it, and never shown to anybody.

    `kind` is the last segment of its type, whatever the host; `number` a numeric code of v1.1;
    `parameters` the query parameters that it names; `value` what it is about, such as a user id.
    """

    kind: str = ""
    title: str = field(default="", repr=False)
    detail: str = field(default="", repr=False)
    number: int | None = None
    parameters: tuple[str, ...] = ()
    value: str = field(default="", repr=False)

    def blames(self, *parameters: str) -> bool:
        """Whether it complains about one of these query parameters."""
        return any(name in self.parameters or f"`{name}`" in self.detail for name in parameters)


def problems_in(content: object) -> tuple[Problem, ...]:
    """Return the problems that an answer tells of, the outermost first."""
    found: list[Problem] = []
    for candidate in _candidates(content, 2):
        problem = _problem(candidate)
        if problem is not None and len(found) < MAX_PROBLEMS:
            found.append(problem)
    return tuple(found)


def _candidates(content: object, depth: int) -> Iterator[Mapping[str, object]]:
    """Yield every object in which a problem may stand, down to `depth` objects below this one."""
    if not isinstance(content, dict):
        return
    yield content
    if depth:
        inner = content.get("errors")
        for item in [*(inner if isinstance(inner, list) else [inner]), content.get("error")]:
            quoted = isinstance(item, str) and item
            yield from _candidates(_unwrapped(item) if quoted else item, depth - 1)


def _unwrapped(text: str) -> object:
    if not text.lstrip().startswith("{"):
        return {"message": text}
    try:
        return parse(text.encode(errors="replace"))
    except ValueError:
        return {"message": text}


def _problem(item: Mapping[str, object]) -> Problem | None:
    named = item.get("parameters")
    parameters = tuple(named) if isinstance(named, dict) else ()
    problem = Problem(
        kind=_text(item, "type").rstrip("/").rpartition("/")[2],
        title=_text(item, "title"),
        detail=_text(item, "detail") or _text(item, "message"),
        number=_number(item.get("code", item.get("twitter_error_code"))),
        parameters=(*parameters, *filter(None, [_text(item, "parameter")])),
        value=_text(item, "resource_id") or _text(item, "value"),
    )
    told = problem.kind or problem.title or problem.detail or problem.number is not None
    return problem if told else None


def _text(item: Mapping[str, object], name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 6:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
