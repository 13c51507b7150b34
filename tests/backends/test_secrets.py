"""Tokens and private words stay out of everything that is shown or written down."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.test_http_sockets import OK, SocketStream, listening
from tests.backends.wires import ANNA, NOW, TOKEN, Script, backend_over, reply
from xdm_mcp.backends.auth import Credential
from xdm_mcp.backends.http import Answer, Wire
from xdm_mcp.backends.signing import HeaderAuth
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import XdmError
from xdm_mcp.models.sends import Target

PRIVATE = "private-canary-words"


def echo(status: int) -> dict[str, object]:
    """Return a body that throws back what it should not know."""
    said = f"{TOKEN} {PRIVATE}"
    return {
        "title": said,
        "detail": said,
        "type": f"https://api.x.com/2/problems/{said}",
        "status": status,
        "errors": [{"message": said, "parameters": {said: [said]}, "value": said}],
    }


@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 422, 429, 500])
async def test_what_x_throws_back_goes_no_further(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither outcomes nor errors nor logs hold X's words, even at DEBUG."""
    caplog.set_level(logging.DEBUG)
    backend = backend_over(Script(reply(status, echo(status))))
    outcome = await backend.send(Target((ANNA,)), PRIVATE, None)
    shown = [repr(outcome), repr(backend), str(backend.__dict__), caplog.text]
    for call in (backend.me(), backend.messages(limit=3), backend.message(ANNA)):
        with pytest.raises(XdmError) as raised:
            await call
        shown += traceback.format_exception(raised.value)
    assert all(TOKEN not in text and PRIVATE not in text for text in shown)


@pytest.mark.parametrize(
    "error", [httpx2.ReadError(f"{TOKEN} {PRIVATE}"), RuntimeError(f"{TOKEN} {PRIVATE}")]
)
async def test_what_a_library_says_goes_no_further(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an exception only the name of its class is told, and nothing hangs on ours."""
    caplog.set_level(logging.DEBUG)
    backend = backend_over(Script(error))
    outcome = await backend.send(Target((ANNA,)), PRIVATE, None)
    with pytest.raises(XdmError) as raised:
        await backend.me()
    told = "".join([repr(outcome), *traceback.format_exception(raised.value), caplog.text])
    assert type(error).__name__ in told
    assert TOKEN not in told
    assert PRIVATE not in told
    assert raised.value.__context__ is None


async def test_the_libraries_log_nothing_private(caplog: pytest.LogCaptureFixture) -> None:
    """On real sockets too, at DEBUG: no URL, no header, no body."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(OK + b"X-Echo: private-canary-words\r\nContent-Length: 2\r\n\r\n{}")

    caplog.set_level(logging.DEBUG)
    async with listening(talk) as port:
        wire = Wire(
            f"http://127.0.0.1:{port}",
            Credential(SecretStr(TOKEN)),
            ManualClock(NOW),
            deadline=timedelta(seconds=3),
        )
        await wire.read("/2/users/by", {"usernames": "private_canary"})
        await wire.close()
    assert "private" not in caplog.text
    assert TOKEN not in caplog.text


def test_values_hide_what_they_carry() -> None:
    """The reprs of answers, credentials and auth show no secret and no content."""
    credential = Credential(SecretStr(TOKEN))
    answer = Answer(200, {"set-cookie": TOKEN}, {"text": PRIVATE})
    auth = HeaderAuth(credential.secret, credential.header, credential.prefix)
    shown = repr(credential) + str(credential) + repr(answer) + str(answer) + repr(auth)
    assert TOKEN not in shown
    assert PRIVATE not in shown


async def test_the_token_is_in_no_url() -> None:
    """Of all that we send, one header knows it."""
    script = Script(reply(200, {"meta": {"result_count": 0}}))
    await backend_over(script).messages(limit=3, cursor="c" * 16)
    request = script.requests[0]
    assert TOKEN not in str(request.url)
    assert [name for name, value in request.headers.items() if TOKEN in value] == ["authorization"]
