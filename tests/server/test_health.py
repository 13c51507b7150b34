"""Alive, ready, and who may see what was counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from starlette.responses import PlainTextResponse

from tests.rigs import Rig, rig
from tests.server.raw import ROOT
from xdm_mcp.app import open_app
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError
from xdm_mcp.server.build import Parts, build_parts
from xdm_mcp.server.gate import Admission
from xdm_mcp.server.health import ALIVE, METRICS, READY, Lookout, Watched, metrics_of
from xdm_mcp.server.http import serve_http
from xdm_mcp.steps import Step

TOKEN = "a-token-of-the-scraper"
HOST = "dm.example"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def outlook(here: Rig, *, metrics: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of a lookout over one program, before an app that answers `behind`."""
    async with outlook_over(Watched(), [(here, build_parts(here.app))], metrics=metrics) as client:
        yield client


@asynccontextmanager
async def outlook_over(
    watched: Watched, served: list[tuple[Rig, Parts]], *, metrics: bool = True
) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of a lookout over several programs."""
    env = {"XDM_WATCH__TOKEN": TOKEN} if metrics else {}
    page = metrics_of(load(home=served[0][0].home, env=env), watched)
    admission = Admission(frozenset({HOST}), frozenset({"https://page.example"}))
    whole = Lookout(PlainTextResponse("behind"), admission, watched, page)
    with ExitStack() as watching:
        for here, parts in served:
            watching.enter_context(watched.one(here.app, parts))
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=whole), base_url=f"http://{HOST}"
        ) as client:
            yield client


async def test_alive_and_ready_are_one_word_for_everybody(tmp_path: Path) -> None:
    """Neither needs a token, and neither tells anything."""
    async with rig(tmp_path) as here, outlook(here) as client:
        for path, word in ((ALIVE, "alive\n"), (READY, "ready\n")):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, word)
        assert (await client.get("/mcp")).text == "behind"
        assert (await client.get("/healthz/")).text == "behind"


async def test_a_server_that_drains_is_alive_and_not_ready(tmp_path: Path) -> None:
    """A balancer sends it nothing more, and nobody kills it for that."""
    async with rig(tmp_path) as here:
        parts = build_parts(here.app)
        async with outlook_over(Watched(), [(here, parts)]) as client:
            await parts.calls.finish()
            answer = await client.get(READY)
            assert (answer.status_code, answer.text) == (503, "draining\n")
            assert (await client.get(ALIVE)).status_code == 200


async def test_a_ledger_that_cannot_be_read_is_named_by_one_word(tmp_path: Path) -> None:
    """Not where it is, nor why."""
    (tmp_path / "ledger.db").write_bytes(b"no ledger at all" * 300)
    async with rig(tmp_path) as here, outlook(here) as client:
        answer = await client.get(READY)
        assert (answer.status_code, answer.text) == (503, "ledger\n")


async def test_a_policy_that_cannot_be_is_named_by_one_word(tmp_path: Path) -> None:
    """Where the rules do not stand, nothing is to be sent here."""

    class Broken:
        def rules(self) -> None:
            raise ConfigError("A private sentence.")

    async with rig(tmp_path) as here, outlook(here) as client:
        here.app.__dict__["policy"] = Broken()
        answer = await client.get(READY)
        assert (answer.status_code, answer.text) == (503, "policy\n")


async def test_an_account_in_trouble_takes_no_other_away(tmp_path: Path) -> None:
    """Its own agents hear of it; the server gets requests as long as it can answer anybody."""
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "a" / "ledger.db").write_bytes(b"no ledger at all" * 300)
    async with rig(tmp_path / "a") as bad, rig(tmp_path / "b") as good:
        served = [(one, build_parts(one.app)) for one in (bad, good)]
        async with outlook_over(Watched(), served) as client:
            assert (await client.get(READY)).status_code == 200
        async with outlook_over(Watched(), served[:1]) as client:
            assert (await client.get(READY)).text == "ledger\n"


async def test_who_asks_again_and_again_does_not_keep_the_ledger_busy(tmp_path: Path) -> None:
    """A hundred askers at once cost one look."""
    looks: list[Step] = []
    async with rig(tmp_path) as here, outlook(here) as client:
        here.app.steps.subscribe(looks.append)

        async def ask() -> None:
            assert (await client.get(READY)).status_code == 200

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
    assert [step.name for step in looks] == ["entry"]


@pytest.mark.parametrize("path", [ALIVE, READY, METRICS])
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", {"Origin": "https://evil.example"}, 403),
        ("POST", {"Content-Type": "application/json"}, 405),
        ("DELETE", {}, 405),
        ("GET", {"Origin": "https://page.example"}, 200),
        ("HEAD", {}, 405),
    ],
)
async def test_strange_hosts_origins_and_methods_are_refused(
    tmp_path: Path, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    """The same checks as for every other route."""
    async with rig(tmp_path) as here, outlook(here) as client:
        answer = await client.request(method, path, headers=SHOWN | headers)
        assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
async def test_metrics_need_their_own_token(tmp_path: Path, headers: dict[str, str]) -> None:
    """Whoever cannot show it sees no figure."""
    async with rig(tmp_path) as here, outlook(here) as client:
        answer = await client.get(METRICS, headers=headers)
        assert answer.status_code == 401
        assert "xdm_" not in answer.text
        assert (await client.get(METRICS, headers=SHOWN)).status_code == 200


async def test_without_a_token_there_are_no_metrics(tmp_path: Path) -> None:
    """The default: nobody counts, nobody can look."""
    async with rig(tmp_path) as here, outlook(here, metrics=False) as client:
        assert (await client.get(METRICS, headers=SHOWN)).status_code == 404


def test_a_token_may_come_from_a_file_and_not_from_both(tmp_path: Path) -> None:
    """As every other secret of ours."""
    (tmp_path / "scraper").write_text(f"{TOKEN}\n")
    env = {"XDM_WATCH__TOKEN_FILE": "scraper"}
    assert metrics_of(load(home=tmp_path, env=env), Watched()) is not None
    with pytest.raises(ConfigError, match="keep one"):
        metrics_of(load(home=tmp_path, env=env | {"XDM_WATCH__TOKEN": TOKEN}), Watched())


def test_without_the_extra_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for metrics learns how to have them."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "xdm_mcp.server.metrics", raising=False)
    with pytest.raises(ConfigError, match=r"uv tool install '\.\[watch\]'"):
        metrics_of(load(home=tmp_path, env={"XDM_WATCH__TOKEN": TOKEN}), Watched())


ALONE = """
import sys
from pathlib import Path

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("prometheus_client", "opentelemetry.sdk", "opentelemetry.exporter")):
            raise ImportError(name)

sys.meta_path.insert(0, Missing())
import anyio
from mcp.client import Client
from xdm_mcp.app import open_app
from xdm_mcp.config import load
import xdm_mcp.cli.main, xdm_mcp.server.http, xdm_mcp.server.stdio
from xdm_mcp.server.build import build_server

async def main():
    async with open_app(load(home=Path(sys.argv[1]), env={})) as app:
        async with Client(build_server(app)) as client:
            assert not (await client.call_tool("quota_status", {})).is_error
            assert not (await client.call_tool("list_dms", {})).is_error

anyio.run(main)
"""


def test_without_the_extra_everything_else_works(tmp_path: Path) -> None:
    """Nothing of the extra is imported, even where it would be there."""
    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], check=True, cwd=ROOT, timeout=60)


async def test_a_served_program_can_be_watched(tmp_path: Path) -> None:
    """Over a real socket, beside MCP and the page, with the token of the scraper alone."""
    ready = anyio.Event()
    said: list[str] = []

    def note(address: str) -> None:
        said.append(address.removesuffix("/mcp"))
        ready.set()

    env: dict[str, Any] = {"XDM_WATCH__TOKEN": TOKEN, "XDM_HTTP__PORT": "0"}
    env |= {"XDM_HTTP__TOKEN": "another-token-of-agents", "XDM_APPROVALS__PAGE": "off"}
    settings = load(home=tmp_path, env=env)
    with anyio.fail_after(30):
        async with (
            open_app(settings, clock=SystemClock()) as app,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(lambda: serve_http(app, ready=note))
            await ready.wait()
            async with httpx2.AsyncClient(base_url=said[0], trust_env=False) as client:
                assert (await client.get(READY)).text == "ready\n"
                assert (await client.get("/mcp")).status_code == 401
                agents = {"Authorization": "Bearer another-token-of-agents"}
                assert (await client.get(METRICS, headers=agents)).status_code == 401
                page = await client.get(METRICS, headers=SHOWN)
                assert "xdm_accounts_open 1.0" in page.text
            tasks.cancel_scope.cancel()
