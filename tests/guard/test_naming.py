"""How a sentence names several things."""

from __future__ import annotations

import pytest

from xdm_mcp.guard.naming import few


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["one"], "one"),
        (["one", "two", "three"], "one, two, three"),
        (["one", "two", "three", "four"], "one, two, three and 1 more"),
    ],
)
def test_three_are_named_and_the_rest_counted(names: list[str], told: str) -> None:
    """So a sentence stays short."""
    assert few(names) == told
