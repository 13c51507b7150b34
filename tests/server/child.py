"""A server over the pretend app in a process of its own: `python -m tests.server.child stdio|http`.

The text of a send says how the pretend outbox behaves: `slow` takes until SIGUSR1 comes and nothing
cancels it, `endless` never ends by itself, `change` changes the quota, `noisy` prints.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import anyio
from pydantic import SecretStr

from tests.callers import TOKEN
from tests.server.pretend import PretendApp
from xdm_mcp.bus import Changed
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.http import serve_http
from xdm_mcp.server.stdio import serve_stdio

GO_ON = signal.SIGUSR1
"""Lets a slow send end."""


class ChildApp(PretendApp):
    """A pretend app whose outbox does what the text of a send says."""

    def __init__(self, http: HttpSettings | None = None) -> None:
        """Behave from the first send on."""
        super().__init__(http)
        self.outbox.before = self._behave

    async def _behave(self) -> None:
        match self.outbox.asked[-1]["text"]:
            case "slow":
                with anyio.CancelScope(shield=True), anyio.open_signal_receiver(GO_ON) as told:
                    sys.stderr.write("sending\n")
                    await anext(told)
            case "endless":
                sys.stderr.write("sending\n")
                await anyio.sleep_forever()
            case "change":
                self.bus.publish(Changed("quota"))
            case "noisy":
                print("noise of print")  # noqa: T201 - the noise is what is tested
                os.write(1, b"noise of a library in C\n")
                await anyio.run_process(["echo", "noise of a child"], stdout=None)


def main() -> None:
    """Serve on stdio, or over HTTP with the settings that stand as JSON in the second argument."""
    if sys.argv[1] == "stdio":
        anyio.run(serve_stdio, ChildApp().real)
    else:
        given = HttpSettings().model_dump() | {"token": SecretStr(TOKEN)} | json.loads(sys.argv[2])
        settings = HttpSettings.model_construct(**given)
        anyio.run(serve_http, ChildApp(settings).real)


if __name__ == "__main__":
    main()
