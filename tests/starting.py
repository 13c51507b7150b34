"""Child processes that begin their work at one moment."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def start_together(children: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until each has said on stdout that it is `ready`, then tell all on stdin to go."""
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
