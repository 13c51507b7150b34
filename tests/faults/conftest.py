"""The arena that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import runs
from tests.faults.arena import Arena, arena


@pytest.fixture(scope="session")
def open_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A place to kill processes in."""
    with arena(tmp_path_factory.mktemp("arena")) as opened:
        runs.prepare(opened)
        yield opened
