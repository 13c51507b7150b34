"""`xdm-mcp doctor`: a healthy home, and the next step for each thing that can be wrong with one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.cli.conftest import Home
from tests.credentials.serving import Served, serving
from xdm_mcp.backends.registry import BACKENDS
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.clock import SystemClock
from xdm_mcp.credentials import notes
from xdm_mcp.credentials.speaker import NAMES
from xdm_mcp.credentials.store import Store
from xdm_mcp.sandbox.events import CreditSet


@pytest.fixture(scope="module")
def x() -> Iterator[Served]:
    """A pretend X with an authorization server."""
    with serving() as served:
        yield served


def checks(home: Home, *options: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """Run the doctor; return the exit code and (state, sentence, next step) by name."""
    code, out, _ = home.run("doctor", "--json", *options)
    found = json.loads(out)
    assert found["ok"] == (code == 0)
    return code, {c["name"]: (c["state"], c["says"], c["next"]) for c in found["checks"]}


def test_a_new_home_is_healthy(home: Home) -> None:
    """With nothing configured everything needed is made, and every check passes."""
    code, found = checks(home)
    assert code == 0
    assert {"program", "home", "policy", "ledger", "clock", "backend", "attachments"} <= set(found)
    assert "numeric id 2200000001" in found["backend"][1]
    assert home.path.stat().st_mode & 0o077 == 0


def test_an_empty_purse_is_named(home: Home) -> None:
    """What is left at the service is told, and that less than a send costs is too little."""
    assert checks(home)[1]["balance"][0] == "ok"
    home.with_world(lambda hold: hold.record(CreditSet(-hold.world.balance)))

    code, found = checks(home)

    assert (code, found["balance"][0]) == (1, "fail")


def test_each_check_has_its_line(home: Home) -> None:
    """For people each check is one marked line."""
    code, out, _ = home.run("doctor")
    assert code == 0
    assert sum(line.startswith(("✓", "·", "✗")) for line in out.splitlines()) >= 7


def test_the_entry_for_a_desktop_client_is_json_on_one_line(home: Home) -> None:
    """It names the very program that runs, so that it starts from any folder."""
    line = next(line for line in home.run("doctor")[1].splitlines() if "mcpServers" in line)
    entry = json.loads(line[line.index("{") :])
    assert entry == {"mcpServers": {"xdm": {"command": sys.executable, "args": ["-m", "xdm_mcp"]}}}


def test_a_broken_policy_is_named(home: Home) -> None:
    """A policy file that is wrong fails, with its own sentence."""
    home.path.mkdir(parents=True)
    (home.path / "policy.toml").write_text("[guard.quiet_hour]\n")
    code, found = checks(home)
    assert (code, found["settings"][0]) == (1, "fail")
    assert "quiet_hours" in found["settings"][1]


def test_a_home_that_cannot_be_made_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home where no folder can be made fails with the setting that moves it."""
    monkeypatch.setenv("XDM_HOME", "/proc/nowhere")
    code, found = checks(home)
    assert (code, found["home"][0], found["ledger"][0]) == (1, "fail", "fail")
    assert "XDM_HOME" in found["home"][2]


@pytest.mark.parametrize("backend", [name for name in NAMES if name in BACKENDS])
def test_a_backend_without_credentials_names_the_next_step(
    home: Home, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """Where nobody is logged in, the command that does it is named, and no network is asked."""
    monkeypatch.setenv("XDM_ACKNOWLEDGE_RISK", f'["{backend}"]')
    monkeypatch.setattr(httpx2, "AsyncClient", None)
    code, found = checks(home, "--backend", backend)
    assert (code, found["login"][0]) == (1, "fail")
    assert f"xdm-mcp login --backend {backend}" in found["login"][2]
    assert (found["backend"][0], "--online" in found["backend"][2]) == ("note", True)
    assert ("risk" in found) == (backend in RISKS)


def test_a_risk_that_nobody_acknowledged_fails(home: Home) -> None:
    """The setting that takes the owner's word is named."""
    code, found = checks(home, "--backend", "getxapi")
    assert (code, found["settings"][0]) == (1, "fail")
    assert "acknowledge_risk" in found["settings"][1]


def test_a_login_is_examined_without_the_network(
    home: Home, x: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose it is, how it is kept, what was granted, when it ends."""
    x.logged_in(home.path)
    monkeypatch.setenv("XDM_BASE_URL", x.url)
    _, found = checks(home, "--backend", "x-api-v2")
    assert {name: found[name][0] for name in ("login", "scopes", "token")} == {
        "login": "ok",
        "scopes": "ok",
        "token": "ok",
    }
    assert "@you, numeric id 2200000001" in found["login"][1]


def test_online_asks_who_the_login_speaks_for(
    home: Home, x: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only then is a request made; the clocks are compared by its answer."""
    x.logged_in(home.path)
    monkeypatch.setenv("XDM_BASE_URL", x.url)
    code, found = checks(home, "--backend", "x-api-v2", "--online")
    assert (code, found["backend"][0], found["x's clock"][0]) == (0, "ok", "ok")
    assert "numeric id 2200000001" in found["backend"][1]


def test_a_broken_login_fails(home: Home, x: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one that X no longer renews, one without vital scopes, one for another address."""
    monkeypatch.setenv("XDM_BASE_URL", x.url)
    Store(home.path).save(x.record(broken=True, scopes=("dm.read",)), "file")
    _, found = checks(home, "--backend", "x-api-v2")
    assert (found["login"][0], found["scopes"][0]) == ("fail", "fail")
    assert "dm.write, so nothing can be sent" in found["scopes"][1]
    monkeypatch.setenv("XDM_BASE_URL", "http://127.0.0.1:9")
    assert "is for" in checks(home, "--backend", "x-api-v2")[1]["login"][1]


def test_a_cut_off_renewal_is_noted(home: Home, x: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person learns that the next one may fail, and what to do then."""
    monkeypatch.setenv("XDM_BASE_URL", x.url)
    record = x.logged_in(home.path)
    notes.write_down(Store(home.path).file_of(record.backend), record, datetime.now(UTC))
    state, says, step = checks(home, "--backend", "x-api-v2")[1]["login"]
    assert (state, "cut off" in says, "xdm-mcp login" in step) == ("note", True, True)


def test_a_login_that_others_can_read_fails(home: Home, x: Served) -> None:
    """The command that takes their rights away is named."""
    Store(home.path).file_of(x.logged_in(home.path).backend).chmod(0o644)
    state, says, _ = checks(home, "--backend", "x-api-v2")[1]["login"]
    assert (state, "chmod 600" in says) == ("fail", True)


def test_half_of_the_explicit_keys_are_not_enough(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing ones are named."""
    monkeypatch.setenv("XDM_X_CONSUMER_KEY", "made-up-key")
    state, says, _ = checks(home, "--backend", "x-api-v1")[1]["login"]
    assert (state, "XDM_X_TOKEN_SECRET" in says) == ("fail", True)


def test_four_explicit_keys_are_enough_for_the_newer_api(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X takes them there as well."""
    for name in ("CONSUMER_KEY", "CONSUMER_SECRET", "TOKEN", "TOKEN_SECRET"):
        monkeypatch.setenv(f"XDM_X_{name}", f"made-up-{name}")
    state, says, _ = checks(home, "--backend", "x-api-v2")[1]["login"]
    assert (state, "hold what x-api-v2 needs" in says) == ("ok", True)


def test_a_home_open_to_others_is_noted(home: Home) -> None:
    """Other users' rights are noted with the command that takes them away."""
    home.path.mkdir(parents=True, mode=0o755)
    home.path.chmod(0o755)
    state, _, step = checks(home)[1]["home"]
    assert state == "note"
    assert "chmod 700" in step


def test_a_clock_behind_the_ledger_fails(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows freeze when the clock steps back, so the doctor says so."""
    home.held("Hello.")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    monkeypatch.setattr(SystemClock, "now", lambda _: yesterday)
    code, found = checks(home)
    assert (code, found["clock"][0]) == (1, "fail")


def test_a_token_file_open_to_others_fails(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that others can read is no secret."""
    home.path.mkdir(parents=True, mode=0o700)
    token = home.path / "token"
    token.write_text("made-up")
    token.chmod(0o644)
    monkeypatch.setenv("XDM_X_ACCESS_TOKEN_FILE", str(token))
    code, found = checks(home)
    assert (code, found["token file"][0]) == (1, "fail")
    assert "chmod 600" in found["token file"][2]
