"""The arena that the tests of this folder share, and the figures that they print at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import runs
from tests.faults.arena import Arena, arena

FIGURES = pytest.StashKey[list[str]]()

Tell = Callable[[str], None]
"""Keeps a line of figures for the end of the session."""


@pytest.fixture(scope="session")
def open_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A place to kill processes in."""
    with arena(tmp_path_factory.mktemp("arena")) as opened:
        runs.prepare(opened)
        yield opened


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Tell:
    """What keeps figures for the end of the session."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures."""
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section("figures of the fault harness")
        for line in lines:
            terminalreporter.write_line(line)
