"""A pretend X of its own for each test, and a home that nobody has made yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.credentials.serving import Served, serving


@pytest.fixture
def x() -> Iterator[Served]:
    """The pretend X."""
    with serving() as served:
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home."""
    return tmp_path / "home"
