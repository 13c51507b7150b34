"""The backends by name. One line here makes a new one known; nothing is imported before it is
chosen."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from xdm_mcp.backends.base import Backend
from xdm_mcp.backends.risks import check_acknowledged
from xdm_mcp.clock import Clock
from xdm_mcp.errors import ConfigError

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.backends.auth import Bearer
    from xdm_mcp.config import Settings

BACKENDS: Mapping[str, str] = {
    "sandbox": "xdm_mcp.backends.sandbox:open_sandbox",
    "x-api-v2": "xdm_mcp.backends.x_api_v2:open_x_api_v2",
    "x-api-v1": "xdm_mcp.backends.x_api_v1:open_x_api_v1",
    "getxapi": "xdm_mcp.backends.getxapi:open_getxapi",
    "twitterapi-io": "xdm_mcp.backends.twitterapi_io:open_twitterapi_io",
}
"""Where each backend's factory is, as `module:function`."""


def open_backend(
    settings: Settings,
    clock: Clock,
    transport: httpx2.AsyncBaseTransport | None = None,
    bearer: Bearer | None = None,
) -> Backend:
    """Return the chosen backend, over `transport` instead of the network if given.

    `bearer` has the token of a stored login, for the one backend that has such tokens.

    No connection is made and no credential needed before the first call. Raises ConfigError for an
    unknown name, for a risk that the owner did not acknowledge, and for settings that the backend
    cannot work with.
    """
    place = BACKENDS.get(settings.backend)
    if place is None:
        raise ConfigError(_unknown(settings.backend))
    check_acknowledged(settings)
    module, _, function = place.partition(":")
    factory = cast(Callable[..., Backend], getattr(import_module(module), function))
    if bearer is not None:
        return factory(settings, clock, transport, bearer)
    return factory(settings, clock, transport)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), BACKENDS, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(BACKENDS)}."
    return f"There is no such backend; XDM_BACKEND is wrong: {hint}"
