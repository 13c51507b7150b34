"""One fixture parameter per backend of the registry: a new entry is tested without a new test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.backends.arena import Arena
from xdm_mcp.backends.registry import BACKENDS


@pytest.fixture(params=sorted(BACKENDS))
def arena(request: pytest.FixtureRequest, tmp_path: Path) -> Arena:
    """A backend of the registry over its façade in a fresh sandbox."""
    return Arena(request.param, tmp_path)
