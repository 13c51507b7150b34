"""Says after the tests where the pictures of the page are, or that there was no browser."""

from __future__ import annotations

import pytest

from tests.server.page.browsing import CHROMIUM, NO_BROWSER, SCREENSHOTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the folder of the pictures, or say that there are none and why."""
    if CHROMIUM is None:
        terminalreporter.write_line(NO_BROWSER)
    elif SCREENSHOTS.exists():
        terminalreporter.write_line(f"Pictures of the approval page: {SCREENSHOTS}")
