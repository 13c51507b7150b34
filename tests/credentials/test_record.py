"""A login shows no secret, cannot be pickled, and is read back whole or not at all."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

from xdm_mcp.credentials.record import Record, Unreadable, from_json, mark, to_json

SECRET = "canary-of-a-record"
RECORD = Record(
    backend="x-api-v2",
    origin="https://api.x.com",
    account_id="7",
    handle="someone",
    secrets={"x_access_token": SECRET, "x_refresh_token": SECRET},
    client_id="cid",
    scopes=("dm.read",),
    renew_at=datetime(2026, 11, 22, tzinfo=UTC),
    expires_at=datetime(2026, 11, 23, tzinfo=UTC),
)


def test_it_is_read_back_whole() -> None:
    """Every field survives."""
    assert from_json(to_json(RECORD)) == RECORD


def test_it_shows_no_secret() -> None:
    """Neither repr nor str nor the mark holds it."""
    assert SECRET not in f"{RECORD!r} {RECORD} {[RECORD]} {mark(SECRET)}"


def test_it_is_never_pickled_or_copied() -> None:
    """Whatever would serialise it behind our back fails."""
    for attempt in (lambda: pickle.dumps(RECORD), lambda: copy.deepcopy(RECORD)):
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize(
    "text",
    [
        *["", "{", "[]", "null", "{}", '{"format": 2}', '{"format": 1}', "[" * 5000],
        to_json(RECORD).replace(f'"{SECRET}"', "7"),
        to_json(RECORD).replace("2026-11-22", "x"),
    ],
)
def test_what_is_damaged_is_refused_without_being_shown(text: str) -> None:
    """The error quotes nothing of it."""
    with pytest.raises(Unreadable) as raised:
        from_json(text)
    assert raised.value.__context__ is None
    assert SECRET not in str(raised.value)
