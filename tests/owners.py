"""What an owner writes, and how the program refuses it: for the tests of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError

TOKEN = "s3cr3t-t0k3n"


def policy(home: Path, text: str) -> Path:
    """Write the owner's file into `home` and return the home."""
    home.mkdir(exist_ok=True)
    (home / "policy.toml").write_text(text, "utf-8")
    return home


def refusal(home: Path, env: dict[str, str] | None = None, **overrides: Any) -> str:
    """Return the one sentence with which settings are refused."""
    with pytest.raises(ConfigError) as caught:
        load(home, env or {}, **overrides)
    says = str(caught.value)
    assert says.endswith(".")
    assert "\n" not in says
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return says
