"""The backends that X does not permit, what is at stake with each, and the owner's word on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xdm_mcp.errors import ConfigError

if TYPE_CHECKING:
    from xdm_mcp.config import Settings

RISKS: Mapping[str, str] = {
    "getxapi": "GetXAPI is no part of X: it acts through the session cookie of the account, which X"
    " forbids and may answer with permanent suspension (developer guidelines, docs.x.com,"
    " 2026-08).",
    "twitterapi-io": "twitterapi.io is no part of X: it acts through the login cookies of the"
    " account, which X forbids and may answer with permanent suspension (developer guidelines,"
    " docs.x.com, 2026-08).",
}
"""One sentence for each unsanctioned backend; every other one is sanctioned."""


def check_acknowledged(settings: Settings) -> None:
    """Raise ConfigError where the chosen backend has a risk that the owner did not acknowledge."""
    name = settings.backend
    if name in RISKS and name not in settings.acknowledge_risk:
        raise ConfigError(
            f"{RISKS[name]} If you answer for that, set `acknowledge_risk` to"
            f' ["{name}"] (XDM_ACKNOWLEDGE_RISK) and start again.'
        )
