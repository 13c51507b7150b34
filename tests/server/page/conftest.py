"""Says after the tests where the pictures of the page are."""

from __future__ import annotations

import pytest

from tests.server.page.browsing import SCREENSHOTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the folder of the pictures, if there are any."""
    if SCREENSHOTS.exists():
        terminalreporter.write_line(f"Pictures of the approval page: {SCREENSHOTS}")
