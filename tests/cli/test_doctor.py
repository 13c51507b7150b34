"""`xdm-mcp doctor`: a healthy home, and the next step for each thing that can be wrong with one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Home
from xdm_mcp.clock import SystemClock


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


def test_each_check_has_its_line(home: Home) -> None:
    """For people each check is one marked line."""
    code, out, _ = home.run("doctor")
    assert code == 0
    assert sum(line.startswith(("✓", "·", "✗")) for line in out.splitlines()) >= 7


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


def test_a_backend_without_credentials_names_the_next_step(home: Home) -> None:
    """A missing token fails and says where credentials are explained."""
    code, found = checks(home, "--backend", "x-api-v2")
    assert (code, found["backend"][0]) == (1, "fail")
    assert "docs/backends.md" in found["backend"][2]


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
