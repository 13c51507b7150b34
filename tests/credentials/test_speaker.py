"""Who speaks: what the owner set, else the stored login, never a mixture, never elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from xdm_mcp.app import App
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.speaker import NAMES, speaker_for
from xdm_mcp.credentials.store import Store
from xdm_mcp.errors import ConfigError
from xdm_mcp.sources import SECRETS

CLOCK = SystemClock()
KEYS = {name: f"made-up-{name}" for name in NAMES["x-api-v1"]}


def stored(home: Path) -> Record:
    """Store a login with four keys."""
    record = Record("x-api-v1", "https://api.x.com", "7", "someone", KEYS)
    Store(home).save(record, "file")
    return record


def settings(home: Path, backend: str = "x-api-v1", **more: Any) -> Settings:
    """Return settings of that backend."""
    return Settings(home=home, backend=backend, **more)


def test_a_stored_login_fills_the_settings(home: Path) -> None:
    """Each secret stands where the owner would have set it."""
    stored(home)
    speaker = speaker_for(settings(home), CLOCK)
    given = {name: getattr(speaker.settings, name).get_secret_value() for name in KEYS}
    assert (given, speaker.account_id) == (KEYS, "7")


def test_one_explicit_secret_leaves_the_login_alone(home: Path) -> None:
    """Half of one account and half of another is nobody."""
    stored(home)
    speaker = speaker_for(settings(home, x_token=SecretStr("explicit")), CLOCK)
    assert speaker.login is None
    assert speaker.account_id is None
    assert speaker.settings.x_consumer_key is None


def test_the_sandbox_needs_nobody(home: Path) -> None:
    """No store is looked at."""
    assert speaker_for(settings(home, "sandbox"), CLOCK).account_id is None
    assert not home.exists()


def test_a_tokens_login_is_read_when_it_is_needed(home: Path) -> None:
    """Opening the backend reads no store: a damaged login does not stop the start."""
    Store(home).folder.mkdir(parents=True, mode=0o700)
    Store(home).file_of("x-api-v2").write_text("{")
    speaker = speaker_for(settings(home, "x-api-v2"), CLOCK)
    assert speaker.bearer is not None
    assert speaker.account_id is None


def test_secrets_go_nowhere_but_where_they_were_shown(home: Path) -> None:
    """A login for one address is refused at another before any request."""
    stored(home)
    app = App(settings(home, base_url="http://127.0.0.1:9"), CLOCK)
    with pytest.raises(ConfigError, match="goes nowhere else"):
        _ = app.backend


def test_starting_looks_at_no_login(home: Path) -> None:
    """An app is made without a store, a keyring or a network."""
    App(settings(home), CLOCK)
    assert not home.exists()


def test_every_secret_of_a_backend_is_a_setting() -> None:
    """A login can be replaced by settings, and the other way round."""
    assert {name for names in NAMES.values() for name in names} | {"x_client_secret"} == set(
        SECRETS
    )
