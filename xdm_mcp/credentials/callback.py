"""The address on this machine to which the consent page sends the browser back.

It answers one path on the loopback, and only the redirect that carries the attempt's own state,
once. Everything else is refused and changes nothing.
"""

from __future__ import annotations

import errno
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from types import TracebackType
from typing import ClassVar

from xdm_mcp.credentials.oauth import Attempt, LoginFailed, answers
from xdm_mcp.errors import ConfigError

PORT = 8739
"""The port of the callback address, unless the owner names another."""

PATIENCE = 600.0
"""Seconds for which a person may look at the consent page."""

DONE = "You can close this page and go back to the terminal."
STRANGE = "This page answers nothing but the login that was just begun in the terminal."


def redirect_uri(port: int = PORT) -> str:
    """Return the callback address, exactly as it must stand in the settings of X's app."""
    return f"http://127.0.0.1:{port}/callback"


class Callback:
    """The address, open while its `with` block runs."""

    def __init__(self, port: int = PORT) -> None:
        """Listen on `port` of the loopback, 0 for any free one. Raises ConfigError where somebody
        else does."""
        try:
            self._server = _Server(("127.0.0.1", port), _Page)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise ConfigError(
                f"Port {port} is taken, so the login cannot come back: free it, or add --headless."
            ) from None
        self.redirect_uri = redirect_uri(self._server.server_port)
        self._server.redirect_uri = self.redirect_uri

    def __enter__(self) -> Callback:
        """Begin to listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, attempt: Attempt, seconds: float = PATIENCE) -> str:
        """Return the address to which the browser came back. Raises LoginFailed if it never
        did."""
        self._server.attempt = attempt
        try:
            return self._server.came.get(timeout=seconds)
        except Empty:
            says = "Nobody came back from X's page in time; run `xdm-mcp login` again."
            raise LoginFailed(says) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    redirect_uri = ""
    attempt: Attempt | None = None

    def __init__(self, address: tuple[str, int], page: type[BaseHTTPRequestHandler]) -> None:
        self.came: Queue[str] = Queue()
        self.turn = threading.Lock()
        super().__init__(address, page)

    def takes(self, host: str | None, path: str) -> bool:
        """Take the redirect of the present attempt, once."""
        place = self.redirect_uri.removesuffix("/callback")
        with self.turn:
            attempt = self.attempt
            if host is None or f"http://{host}" != place or attempt is None:
                return False
            if not answers(attempt, place + path):
                return False
            self.attempt = None
            self.came.put(place + path)
            return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that goes away is no trouble, and a traceback would quote it."""


class _Page(BaseHTTPRequestHandler):
    timeout = 5
    headers_of_ours: ClassVar = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }

    server: _Server

    def do_GET(self) -> None:
        """Answer the redirect."""
        taken = self.server.takes(self.headers.get("Host"), self.path)
        body = (DONE if taken else STRANGE).encode()
        self.send_response_only(200 if taken else 400)
        for name, value in self.headers_of_ours.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the address holds the code."""
