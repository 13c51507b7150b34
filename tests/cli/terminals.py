"""A command of ours on a terminal: a child process whose stdin, stdout and stderr are a
pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.children import environment

LONGEST = 180.0
"""Seconds until a child that neither prints nor ends is given up."""


ENTER = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
"""Begins a session of its own whose terminal is the one on stdin, and becomes a command in it."""


class Terminal:
    """A terminal on which one command runs. Use it in a `with` block."""

    def __init__(self, home: Path, *arguments: str, **extra: str) -> None:
        """Start the command."""
        self._ours, theirs = pty.openpty()
        self._child = subprocess.Popen(
            [sys.executable, "-S", "-c", ENTER, sys.executable, "-m", "xdm_mcp", *arguments],
            env=environment(home, **{"TERM": "xterm-256color", "COLUMNS": "100"} | extra),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Terminal:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no child behind."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        os.close(self._ours)

    def until(self, words: str) -> None:
        """Read until `words` are shown. Fails where the command ends without them."""
        while words not in self.shown:
            assert self._read(), f"{words!r} was never shown:\n{self.shown}"

    def type(self, keys: str) -> None:
        """Type on its keyboard."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, as a terminal passes it on."""
        self._child.send_signal(signal.SIGINT)

    def ends(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self._child.wait(LONGEST)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], LONGEST)
        assert ready, f"nothing more came:\n{self.shown}"
        try:
            piece = os.read(self._ours, 65_536)
        except OSError:  # how Linux tells that the other side of a terminal is gone
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)
