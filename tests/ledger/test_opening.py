"""From an address to a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from xdm_mcp.errors import ConfigError
from xdm_mcp.ledger.opening import open_ledger


def test_a_path_names_a_file(tmp_path: Path) -> None:
    """Three slashes and an absolute path, spaces and percent signs as they are."""
    assert open_ledger(f"sqlite:///{tmp_path}/a b%20.db").place == f"{tmp_path}/a b%20.db"


def test_a_relative_path_and_the_home_sign_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place that people are shown is the whole one."""
    monkeypatch.setenv("HOME", "/home/owner")

    assert open_ledger("sqlite:///ledger.db").place == str(Path.cwd() / "ledger.db")
    assert open_ledger("sqlite:///~/ledger.db").place == "/home/owner/ledger.db"


def test_memory_is_a_place_too() -> None:
    """The test double has no file."""
    assert open_ledger("sqlite:///:memory:").place == "memory"


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "sqlite://", "sqlite:///", "redis://me:secret@host/1", "x sqlite:///y"]
)
def test_any_other_address_is_refused_without_repeating_it(url: str) -> None:
    """An address may hold a password."""
    with pytest.raises(ConfigError, match="`sqlite:///`") as refusal:
        open_ledger(url)

    assert "secret" not in str(refusal.value)
