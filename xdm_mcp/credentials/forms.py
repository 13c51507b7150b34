"""One bounded POST of a form to an authorization server.

It goes to one address, follows no redirect, reads no proxy setting, takes no compressed answer and
at most `LARGEST` bytes. It is made once: a refresh token is single-use.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

DEADLINE = 20.0
"""Seconds from the first byte asked for to the last one read; a code lives for 30."""

LARGEST = 65_536


class NoAnswer(Exception):
    """No answer that could be understood. `left` is False only if no byte can have left."""

    def __init__(self, *, left: bool) -> None:
        """Say nothing of what was on its way."""
        super().__init__("no answer")
        self.left = left


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """An answer: its status and the fields of its JSON object. Its repr shows the status alone."""

    status: int
    fields: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Reply({self.status})"


def post(url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Reply:
    """Return the answer to one POST of `form`, with user and password `basic` if given.

    Raises NoAnswer, also for a server error, after which nobody knows what was done, and once
    `DEADLINE` has passed, however slowly bytes still come.
    """
    came: Queue[Reply | NoAnswer] = Queue()

    def work() -> None:
        try:
            came.put(_posted(url, form, basic))
        except NoAnswer as failure:
            came.put(failure)

    threading.Thread(target=work, daemon=True).start()
    try:
        answer = came.get(timeout=DEADLINE)
    except Empty:
        answer = NoAnswer(left=True)
    if isinstance(answer, NoAnswer):
        raise NoAnswer(left=answer.left) from None
    return answer


def _posted(url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> Reply:
    import httpx2

    hush()
    failure: NoAnswer
    try:
        with _client(url) as client, client.stream("POST", url, data=form, auth=basic) as response:
            status, body = response.status_code, _body(response)
        if status < 500:
            return Reply(status, object_in(body or b"{}"))
        failure = NoAnswer(left=True)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
        failure = NoAnswer(left=False)
    except (httpx2.HTTPError, httpx2.StreamError, OSError, ValueError):
        failure = NoAnswer(left=True)
    raise failure  # outside the handler: the cause holds the request and its secrets


def hush() -> None:
    """Keep the libraries below from logging what passes them."""
    for name in ("httpx2", "httpcore2"):  # at INFO they log URLs, at DEBUG headers
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


def _client(url: str) -> httpx2.Client:
    import httpx2

    return httpx2.Client(
        verify=url.startswith("https:"),  # else no certificate is asked for: loading them is slow
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(DEADLINE / 2, connect=DEADLINE / 4),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("compressed")
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise ValueError("too much")
    return bytes(body)


def object_in(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object that a body is. Raises ValueError for any other."""
    import pydantic_core

    found = pydantic_core.from_json(body, allow_inf_nan=False)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
