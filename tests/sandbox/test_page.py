"""The page of the documentation, held against the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from tests.sandbox.conftest import START
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox import SANDBOX_APP_TOKEN, SANDBOX_TOKEN
from xdm_mcp.sandbox import story as stories
from xdm_mcp.sandbox.control import Control
from xdm_mcp.sandbox.faults import FaultKind
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.x_api_v2.problems import Problems

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_everybody_is_on_the_page_with_their_delay() -> None:
    """A reader finds each person of each story, and how long the people of `default` take."""
    for name in stories.names():
        assert f"`{name}`" in PAGE
        for person in stories.people_of(stories.load(name)).by_id.values():
            assert f"`{person.handle}`" in PAGE or f"@{person.handle}" in PAGE
    for person in stories.people_of(stories.load("default")).by_id.values():
        line = next(
            (row for row in PAGE.splitlines() if row.startswith(f"| `{person.handle}`")), ""
        )
        delay = f"{person.answers_after.total_seconds():.0f} seconds"
        assert (delay in line) == bool(person.answers and "encrypted" not in line)


def test_every_control_fault_error_and_token_is_on_the_page() -> None:
    """By the very words that a request uses."""
    controls = Control(MemoryJournal(ManualClock(START)), frozenset())

    routes = [*controls._routes, ("GET", "requests"), ("POST", "reset")]
    for method, name in routes:
        assert f"`{method} /_sandbox/{name}`" in PAGE
    for kind in get_args(FaultKind):
        assert f"| `{kind}` |" in PAGE
    for name in (*Problems("").named, SANDBOX_TOKEN, SANDBOX_APP_TOKEN):
        assert f"`{name}`" in PAGE


async def test_the_example_of_the_page_works() -> None:
    """What a reader copies from it speaks to a sandbox as the owner."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}

    exec(example, names)  # noqa: S102 - our own page

    answer = await names["client"].get("/2/users/me")
    assert answer.json()["data"]["username"] == "you"
