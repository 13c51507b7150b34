"""Secrets that are driven through everything that can go wrong are shown nowhere.

A hostile service throws back whatever it was sent: in bodies and headers, plain, URL-encoded and in
base64. Everything that a person, an agent, a log or a disk could then see is searched for it.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from mcp.client import Client
from pydantic import SecretStr

from tests.credentials.test_bearer import Inside
from xdm_mcp.app import App
from xdm_mcp.backends.registry import BACKENDS
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings, load
from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.bearer import StoredBearer
from xdm_mcp.credentials.record import ACCESS, CLIENT, REFRESH, Record
from xdm_mcp.credentials.redaction import Redacting, redacted, watch
from xdm_mcp.credentials.speaker import NAMES
from xdm_mcp.credentials.store import Store
from xdm_mcp.models.sends import Target
from xdm_mcp.sandbox.droppable import DroppableProtocol
from xdm_mcp.server.build import build_server
from xdm_mcp.server.logs import log_to_stderr
from xdm_mcp.sources import SECRETS

PERSON = "2200000011"
CANARIES = {name: f"canary/{name}+{number:02d}=7Qx" for number, name in enumerate(SECRETS)}
HTTP_TOKEN = "canary/http-bearer+token=7Qx"
REFRESH_TOKEN = "canary/refresh+token=7Qx"
ALL = (*CANARIES.values(), HTTP_TOKEN, REFRESH_TOKEN)

MODES: tuple[int | str, ...] = (200, 302, 400, 401, 403, 429, 500, "drop", "cut", "deep")
"""How the hostile service answers: with a status, or not as a service does."""


def forms(secret: str) -> set[str]:
    """Return how a secret could be written, wherever in a base64 text it begins."""
    raw = secret.encode()
    found = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for start in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Cut where the neighbours of the secret would show.
            found.add(encode(raw[(3 - start) % 3 :]).decode()[: len(raw) - 6])
    return found


NEEDLES = frozenset().union(*map(forms, ALL))


def seen_in(text: str) -> set[str]:
    """Return what of the secrets a text shows."""
    return {needle for needle in NEEDLES if needle in text}


class Echo:
    """A service that throws everything back."""

    mode: int | str = 200
    heard = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request with all that it held."""
        body = (await receive()).get("body", b"")
        heard = " ".join(f"{n.decode()}: {v.decode()}" for n, v in scope["headers"])
        said = f"{heard} {body.decode('utf-8', 'replace')} {scope['path']}?{scope['query_string']}"
        self.heard += said
        said = f"{said} {quote(said)} {base64.b64encode(said.encode()).decode()}"
        if self.mode == "drop":
            scope["state"]["sandbox.drop"]()
            return
        status = self.mode if isinstance(self.mode, int) else 200
        error = {"message": said, "code": 32, "detail": said, "title": said, "type": said}
        told = json.dumps(
            {"errors": [error], **error, "error": said, "error_description": said, "msg": said}
        ).encode()
        if self.mode == "deep":
            told = b"[" * 3000 + told
        headers = [
            (b"content-type", b"application/json"),
            (b"x-echo", said.encode()[:2000]),
            (b"location", b"http://127.0.0.1:9/" + quote(said).encode()[:500]),
            (b"content-length", str(len(told) + (9 if self.mode == "cut" else 0)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if self.mode == "cut":
            await send({"type": "http.response.body", "body": told[:50], "more_body": True})
            scope["state"]["sandbox.drop"]()
            return
        await send({"type": "http.response.body", "body": told})


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[Echo, str]]:
    """The hostile service and its address."""
    hostile = Echo()
    config = uvicorn.Config(
        hostile,
        port=0,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield hostile, f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Listen to every logger at DEBUG, in the way of the program and beside it."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log_to_stderr("DEBUG")
    root.setLevel(logging.DEBUG)
    root.addHandler(caplog.handler)
    caplog.handler.setLevel(logging.DEBUG)
    yield caplog
    root.handlers[:] = before
    root.setLevel(level)


def settings_of(backend: str, home: Path, url: str) -> Settings:
    """Return settings in which everything that can be secret is a canary."""
    secrets = {name: SecretStr(text) for name, text in CANARIES.items()}
    return Settings(
        home=home,
        backend=backend,
        base_url=url,
        acknowledge_risk=(backend,),
        http={"token": SecretStr(HTTP_TOKEN)},  # type: ignore[arg-type]
        **secrets,  # type: ignore[arg-type]
    )


async def shown_by(work: Any) -> str:
    """Return all that one failing path shows: its value, or its exception to the last cause."""
    try:
        return f"{await work!r}"
    except Exception as error:  # noqa: BLE001 - whatever is raised is looked at
        causes = [error, error.__cause__, error.__context__]
        return " ".join(
            [*traceback.format_exception(error), *(f"{c!r} {vars(c)}" for c in causes if c)]
        )


async def paths(app: App, mode: int | str) -> list[str]:
    """Drive one app through its calls; return what each showed."""
    shown = [repr(app.backend), repr(vars(app.backend)), repr(app.settings), str(app.settings)]
    async with Client(build_server(app), mode="auto") as client:
        for tool, arguments in (
            ("send_dm", {"to": PERSON, "text": f"Hello {mode}."}),
            ("list_dms", {"with_user": PERSON}),
            ("check_can_dm", {"recipients": [PERSON]}),
            ("quota_status", {}),
        ):
            answer = await client.call_tool(tool, arguments)
            shown.append(answer.model_dump_json())
    target = Target((PERSON,))
    work = (app.backend.me(), app.backend.ready(), app.backend.send(target, "Hi.", None))
    return shown + [await shown_by(each) for each in work]


@pytest.mark.parametrize("backend", [name for name in NAMES if name in BACKENDS])
async def test_a_hostile_service_gets_nothing_shown(
    echo: tuple[Echo, str],
    home: Path,
    heard: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    backend: str,
) -> None:
    """Tools, exceptions, reprs, logs, both streams and the ledger's files, after every answer."""
    hostile, url = echo
    hostile.heard = ""
    settings = settings_of(backend, home, url)
    walked = 0
    app = App(settings, ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))
    try:
        for mode in MODES:
            hostile.mode = mode
            for shown in await paths(app, mode):
                assert seen_in(shown) == set(), (mode, shown[:2000])
                walked += 1
    finally:
        await app.close()
    assert walked >= 60
    assert seen_in(hostile.heard)
    out, err = capfd.readouterr()
    assert seen_in(out + err + heard.text) == set()
    assert seen_on_disk(home) == set()


async def test_a_hostile_authorization_server_gets_nothing_shown(
    echo: tuple[Echo, str],
    home: Path,
    heard: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Exchange, renewal and revocation, by an app with a secret, after every answer."""
    hostile, url = echo
    client = oauth.Client("cid", CANARIES[CLIENT])
    now, past = datetime.now(UTC), datetime.now(UTC) - timedelta(hours=1)
    secrets = {
        ACCESS: CANARIES[ACCESS],
        REFRESH: REFRESH_TOKEN,
        CLIENT: CANARIES[CLIENT],
    }
    for mode in MODES:
        hostile.mode = mode
        record = Record(
            *("x-api-v2", url, "7", "someone", secrets, "cid", ("dm.read",), past, past),
        )
        Store(home).save(record, "file")
        attempt = oauth.begin(client, "http://127.0.0.1:8739/callback", url)

        async def exchanged(attempt: oauth.Attempt = attempt) -> object:
            return oauth.exchange(attempt, REFRESH_TOKEN, client, url, now)

        async def revoked(record: Record = record) -> object:
            return oauth.revoke(record)

        clock = ManualClock(now)
        bearer = StoredBearer(home, "x-api-v2", url, clock, Inside)  # type: ignore[arg-type]
        for work in (exchanged(), revoked(), bearer.token(), bearer.renewed(SecretStr("x"))):
            shown = await shown_by(work)
            assert seen_in(shown + repr(record) + repr(bearer)) == set(), (mode, shown[:2000])
            assert attempt.verifier not in shown
    out, err = capfd.readouterr()
    assert seen_in(out + err + heard.text) == set()
    assert seen_on_disk(home) == set()


@pytest.mark.parametrize("name", [*SECRETS, "http__token"])
def test_a_setting_that_is_wrong_is_never_quoted(home: Path, name: str) -> None:
    """Neither as a variable with two words, nor in the owner's file, nor beside another mistake."""
    secret = CANARIES.get(name, HTTP_TOKEN)
    home.mkdir(mode=0o700)
    tries: list[dict[str, str]] = [
        {f"XDM_{name.upper()}": f"{secret} {secret}"},
        {f"XDM_{name.upper()}": secret, "XDM_BACKENDS": "typo"},
        {f"XDM_{name.upper()}S": secret},
        {f"XDM_{name.upper()}": secret, "XDM_HTTP": "{"},
    ]
    if name in SECRETS:
        tries.append({f"XDM_{name.upper()}_FILE": "/nowhere", f"XDM_{name.upper()}": secret})
    (home / "policy.toml").write_text("")
    for env in tries:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever it is, it is searched
            load(home=home, env=env)
        assert seen_in("".join(traceback.format_exception(raised.value))) == set()
    table, _, key = name.rpartition("__")
    (home / "policy.toml").write_text(f"{f'[{table}]' if table else ''}\n{key} = '{secret}'\n")
    with pytest.raises(Exception) as raised:  # noqa: PT011
        load(home=home, env={})
    assert seen_in("".join(traceback.format_exception(raised.value))) == set()


def seen_on_disk(home: Path) -> set[str]:
    """Return what of the secrets any file of a home shows, but for the login's own."""
    found: set[str] = set()
    for file in home.rglob("*"):
        if file.is_file() and file != Store(home).file_of("x-api-v2"):
            found |= seen_in(file.read_bytes().decode("latin-1"))
    return found


@pytest.mark.parametrize("secret", ALL)
def test_a_log_line_loses_every_form_of_a_secret(secret: str) -> None:
    """In the message, its arguments and an exception's text: plain, URL-encoded, base64."""
    watch(secret)
    lines = [secret, quote(secret), quote(secret, safe=""), json.dumps(secret)]
    for before in ("", "a", "bc"):
        lines.append(base64.b64encode(f"{before}{secret}y".encode()).decode())
        lines.append(base64.urlsafe_b64encode(f"{before}{secret}y".encode()).decode())
    for form in lines:
        try:
            raise RuntimeError(f"cannot {form}")
        except RuntimeError:
            record = logging.LogRecord(
                "a", 30, "f", 1, "said %s and %s", (form, [form]), sys.exc_info()
            )
        assert Redacting().filter(record)
        whole = logging.Formatter().format(record)
        assert seen_in(whole) == set()
        assert "RuntimeError" in whole


def test_what_a_log_line_says_otherwise_stays() -> None:
    """Only secrets go; a line that cannot be formatted is still a line."""
    watch("short")
    assert redacted("a short word") == "a short word"
    record = logging.LogRecord("a", 30, "f", 1, "%d items", ("many",), None)
    assert Redacting().filter(record)
    assert "items" in record.getMessage()


def test_settings_and_logins_are_not_pickled_with_their_secrets(home: Path) -> None:
    """A login refuses; and the environment of this test never held a canary."""
    record = Record("x-api-v2", "https://api.x.com", "7", "h", {ACCESS: CANARIES[ACCESS]})
    with pytest.raises(TypeError):
        pickle.dumps(record)
    assert seen_in(" ".join(f"{k}={v}" for k, v in os.environ.items())) == set()
