"""What is said at the end of a test run, whichever of its processes ran the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.server.page.browsing import CHROMIUM, NO_BROWSER, SCREENSHOTS

FIGURES = pytest.StashKey[list[str]]()
TOLD = "figures"

Tell = Callable[[str], None]
"""Keeps a line of figures for the end of the session."""


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Tell:
    """What keeps figures for the end of the session."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand a process's figures to the one that reports."""
    handed: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed[TOLD] = session.config.stash.get(FIGURES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the figures of a process that ends."""
    handed = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(FIGURES, []).extend(handed.get(TOLD, []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures, and name the folder of the page's pictures or say why there are none."""
    if lines := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
    if CHROMIUM is None:
        terminalreporter.write_line(NO_BROWSER)
    elif SCREENSHOTS.exists():
        terminalreporter.write_line(f"Pictures of the approval page: {SCREENSHOTS}")
