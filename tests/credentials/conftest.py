"""A pretend X that knows no login yet, and a home that nobody has made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.credentials.serving import Served, serving


@pytest.fixture(scope="session")
def _served() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def x(_served: Served) -> Served:
    """The pretend X."""
    _served.forget()
    return _served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home."""
    return tmp_path / "home"
