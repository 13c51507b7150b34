"""Cookies, keys and proxy passwords of the unofficial services stay out of everything shown."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.backends.vendors import (
    COOKIE,
    COOKIES,
    KEY,
    PROXY,
    getxapi_over,
    twitterapi_io_over,
)
from tests.backends.wires import ANNA, Answering, Script, raw, reply
from xdm_mcp.errors import XdmError
from xdm_mcp.models.sends import Target

WORDS = "private-canary-words"
SECRETS = [KEY, COOKIE, COOKIES, PROXY, "canary-proxy-password", WORDS]
ECHO = " ".join(SECRETS)

PATHS: dict[str, Answering | Exception] = {
    **{
        f"{status}": reply(status, {"error": ECHO, "msg": ECHO, "message": ECHO, "detail": ECHO})
        for status in (200, 202, 400, 401, 402, 403, 404, 410, 422, 423, 429, 500, 503)
    },
    "error status": reply(200, {"status": "error", "msg": ECHO, "data": {"id": ECHO}}),
    "html": raw(200, ECHO.encode(), content_type="text/html"),
    "redirect": raw(302, b"", location=f"https://evil.example/{quote(ECHO)}"),
    "headers": reply(500, {}, retry_after=ECHO, date=ECHO),
    "broken": httpx2.ReadError(ECHO),
    "odd": RuntimeError(ECHO),
    "never": httpx2.ConnectError(ECHO),
}


def disguises(secret: str) -> set[str]:
    """Return how a secret could be spelled in what is shown."""
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), coded}


async def told_by(call: Awaitable[object]) -> list[str]:
    """Return all that can be shown of how a read ended."""
    try:
        return [repr(await call)]
    except XdmError as error:
        return [*traceback.format_exception(error), *map(repr, vars(error).values())]


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("over", [getxapi_over, twitterapi_io_over])
async def test_no_failing_path_shows_a_secret(
    over: Callable[..., Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither outcomes nor errors nor logs, even at DEBUG, plain, quoted or in base64; and no
    exception of a library hangs on ours."""
    caplog.set_level(logging.DEBUG)
    backend = over(Script(PATHS[name]))
    outcome = await backend.send(Target((ANNA,)), WORDS, None)
    shown = [repr(outcome), repr(backend), str(vars(backend))]
    for call in (
        backend.me(),
        backend.messages(limit=3, with_user=ANNA),
        backend.users(ids=[ANNA]),
        backend.users(handles=["target_user"]),
        backend.balance(),
    ):
        shown += await told_by(call)
    told = "".join([*shown, caplog.text])
    for secret in SECRETS:
        assert not any(spelled in told for spelled in disguises(secret))
