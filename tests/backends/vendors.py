"""The two unofficial backends over a pretend network, at a fixed time, with made-up secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx2
from pydantic import SecretStr

from tests.backends.wires import ME, NOW
from xdm_mcp.backends.getxapi import GetXApiBackend
from xdm_mcp.backends.twitterapi_io import TwitterApiIoBackend
from xdm_mcp.clock import ManualClock

KEY = "canary-customer-key"
COOKIE = "canary-session-cookie"
JAR = {"auth_token": COOKIE, "twid": f"u%3D{ME}"}
COOKIES = base64.b64encode(json.dumps(JAR).encode()).decode()
PROXY = "http://user:canary-proxy-password@proxy.example:8080"

Playing = Callable[[httpx2.Request], Any]


def getxapi_over(script: Playing, cookie: str | None = COOKIE) -> GetXApiBackend:
    """Return a backend for GetXAPI that talks to `script` alone."""
    return GetXApiBackend(
        "https://api.getxapi.com",
        SecretStr(KEY),
        SecretStr(cookie) if cookie else None,
        ManualClock(NOW),
        transport=httpx2.MockTransport(script),
        seed=1,
    )


def twitterapi_io_over(script: Playing, cookies: str | None = COOKIES) -> TwitterApiIoBackend:
    """Return a backend for twitterapi.io that talks to `script` alone."""
    return TwitterApiIoBackend(
        "https://api.twitterapi.io",
        SecretStr(KEY),
        SecretStr(cookies) if cookies else None,
        SecretStr(PROXY),
        ManualClock(NOW),
        transport=httpx2.MockTransport(script),
        seed=1,
    )
