"""Backends are chosen by name, and choosing one does nothing yet."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.wires import ME, NOW, TOKEN, Script, reply
from xdm_mcp.app import App
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import ConfigError, Refused
from xdm_mcp.sections import SandboxSettings

CLOCK = ManualClock(NOW)


def settings_for(home: Path, **changes: object) -> Settings:
    """Return settings with `changes` over the defaults."""
    return Settings(home=home, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BACKENDS)
def test_every_entry_leads_to_a_factory(name: str, tmp_path: Path) -> None:
    """A name gives a backend of that name, which has touched nothing, with any token or none."""
    module, _, function = BACKENDS[name].partition(":")
    assert callable(getattr(import_module(module), function))
    chosen = settings_for(tmp_path, backend=name, acknowledge_risk=(name,))
    backend = open_backend(chosen, ManualClock(NOW))
    assert backend.name == name
    assert backend.capabilities.prices.send > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [("x-api-v3", "x-api-v"), ("Sandbox", "sandbox"), ("sandbx", "sandbox"), ("?", "choose one")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str, tmp_path: Path) -> None:
    """The sentence names the setting and what may have been meant."""
    with pytest.raises(ConfigError, match=hint) as refused:
        open_backend(settings_for(tmp_path, backend=name), ManualClock(NOW))
    assert "XDM_BACKEND" in str(refused.value)


def test_the_official_api_is_where_it_is(tmp_path: Path) -> None:
    """Unless the owner names another place."""
    clock = ManualClock(NOW)
    official = open_backend(settings_for(tmp_path, backend="x-api-v2"), clock)
    other = settings_for(tmp_path, backend="x-api-v2", base_url="http://127.0.0.1:8080")
    assert official.origin == "https://api.x.com"
    assert open_backend(other, clock).origin == "http://127.0.0.1:8080"


async def test_the_official_api_gets_the_owners_token(tmp_path: Path) -> None:
    """From the settings into the header; a transport may take the network's place."""
    script = Script(reply(200, {"data": {"id": ME}}))
    chosen = settings_for(tmp_path, backend="x-api-v2", x_access_token=SecretStr(TOKEN))
    backend = open_backend(chosen, ManualClock(NOW), httpx2.MockTransport(script))
    assert (await backend.me()).id == ME
    assert script.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_without_a_token_the_official_api_asks_for_one(tmp_path: Path) -> None:
    """At the first call, not before."""
    backend = open_backend(settings_for(tmp_path, backend="x-api-v2"), ManualClock(NOW))
    with pytest.raises(Refused, match="XDM_X_ACCESS_TOKEN"):
        await backend.me()


def test_the_sandbox_takes_no_base_url(tmp_path: Path) -> None:
    """Whoever sets one means the real API or a sandbox served over HTTP."""
    chosen = settings_for(tmp_path, backend="sandbox", base_url="https://api.x.com")
    with pytest.raises(ConfigError, match="XDM_BACKEND=x-api-v2"):
        open_backend(chosen, ManualClock(NOW))


def test_an_unknown_story_is_refused_before_it_is_told(tmp_path: Path) -> None:
    """Like every other mistake in the settings."""
    chosen = settings_for(tmp_path, sandbox=SandboxSettings(story="nobody-wrote-it"))
    with pytest.raises(ConfigError, match="default"):
        open_backend(chosen, ManualClock(NOW))


@pytest.mark.parametrize("name", BACKENDS)
def test_choosing_a_backend_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    """HTTP client and web framework are imported by the first call, not by the start."""
    script = (
        "import sys, pathlib\n"
        "from xdm_mcp.backends.registry import open_backend\n"
        "from xdm_mcp.clock import SystemClock\n"
        "from xdm_mcp.config import Settings\n"
        f"chosen = Settings(home=pathlib.Path({str(tmp_path)!r}), backend={name!r},"
        f" acknowledge_risk=({name!r},))\n"
        "open_backend(chosen, SystemClock()).capabilities\n"
        "heavy = {'httpx2', 'httpcore2', 'starlette', 'uvicorn', 'filelock'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


@pytest.mark.parametrize("name", BACKENDS)
def test_a_risk_must_be_acknowledged_by_name(name: str, tmp_path: Path) -> None:
    """A backend has a risk if and only if it starts only for an owner who answers for it; the
    sentence says what is at stake and which key to set, and another name does not count."""
    chosen = settings_for(tmp_path, backend=name, acknowledge_risk=("another",))
    risky = settings_for(tmp_path, backend=name, acknowledge_risk=(name,))
    risk = open_backend(risky, ManualClock(NOW)).capabilities.risk
    assert risk == RISKS.get(name)
    for start in (lambda: open_backend(chosen, ManualClock(NOW)), lambda: App(chosen, CLOCK)):
        if risk is None:
            start()
            continue
        with pytest.raises(ConfigError, match="acknowledge_risk") as refused:
            start()
        assert "suspension" in str(refused.value)
        assert "XDM_ACKNOWLEDGE_RISK" in str(refused.value)
