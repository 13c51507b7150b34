"""Things that go wrong on purpose: a fault strikes the next requests that match it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from xdm_mcp.sandbox.texts import is_whole

FaultKind = Literal["drop_before", "drop_after", "delay", "status", "malformed", "rate_limit"]
When = Literal["before", "after"]

GARBAGE = '{"data":{"dm_event_'
"""The body of a `malformed` answer that names none of its own: JSON that ends too early."""

LONGEST_DELAY = 3600.0
"""The most seconds that a fault may wait."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, for which requests, and how many times more.

    - `drop_before`, `drop_after`: the connection ends without an answer, not having acted or having
    - `delay`: `seconds` pass `when` it acts
    - `status`: the answer is `status` with `body`, or the façade's own `error` of that name,
      instead of acting (`before`) or although it acted (`after`)
    - `malformed`: it acts and answers `body` or garbage
    - `rate_limit`: 429 without acting; the window resets after `seconds` (900 where 0)

    `method` is exact; `path` is a regular expression that must be found in the path.
    """

    id: str
    kind: FaultKind
    times: int = 1
    method: str | None = None
    path: str = ""
    when: When = "before"
    seconds: float = 0.0
    status: int | None = None
    body: str | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a fault that cannot be."""
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind must be one of {', '.join(get_args(FaultKind))}")
        if self.when not in get_args(When):
            raise ValueError("when must be before or after")
        if not isinstance(self.times, int) or self.times < 1:
            raise ValueError("times must be a whole number from 1 on")
        if not 0 <= self.seconds <= LONGEST_DELAY:
            raise ValueError(f"seconds must be 0 to {LONGEST_DELAY:.0f}")
        if self.status is not None and (
            not isinstance(self.status, int) or self.status not in range(200, 600)
        ):
            raise ValueError("status must be 200 to 599")
        if not is_whole(self.body or ""):
            raise ValueError("body has half a character")
        if self.kind == "status" and self.status is None and self.error is None:
            raise ValueError("a status fault needs a status or the name of an error")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error

    @property
    def prevents(self) -> bool:
        """Whether the request is not acted upon at all."""
        instead = self.kind == "status" and self.when == "before"
        return instead or self.kind in {"drop_before", "rate_limit"}

    @property
    def waits_first(self) -> bool:
        """Whether time passes before the request is acted upon."""
        return self.kind == "delay" and self.when == "before"

    def matches(self, method: str, path: str) -> bool:
        """Whether it strikes a request."""
        return self.method in (None, method) and re.search(self.path, path) is not None


def first_match(faults: dict[str, Fault], method: str, path: str) -> Fault | None:
    """Return the oldest fault that strikes a request, or None."""
    return next((fault for fault in faults.values() if fault.matches(method, path)), None)


def used_once(faults: dict[str, Fault], fault_id: str) -> None:
    """Take one time from a fault; a spent one is gone."""
    fault = faults[fault_id]
    if fault.times > 1:
        faults[fault_id] = replace(fault, times=fault.times - 1)
    else:
        del faults[fault_id]
