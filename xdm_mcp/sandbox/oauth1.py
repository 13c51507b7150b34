"""Who signed a request with OAuth 1.0a: the signature is worked out anew and compared (RFC 5849).

Bodies of JSON and files are no part of a signature, query and form are, as on X (docs.x.com OAuth
1.0a, 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import quote, urlencode

from oauthlib.oauth1.rfc5849 import signature

from xdm_mcp.sandbox import SANDBOX_KEYS
from xdm_mcp.sandbox.wire import WireRequest

TOLERANCE = timedelta(minutes=5)
"""How far a signature's time may be from ours: X gives no figure."""

FORM = "application/x-www-form-urlencoded"
NEEDED = ("consumer_key", "nonce", "signature", "signature_method", "timestamp", "token")

Reason = Literal["absent", "malformed", "unknown", "time", "signature"]


class Unsigned(Exception):
    """The signature does not hold: `reason`."""

    def __init__(self, reason: Reason) -> None:
        """Refuse for `reason`."""
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Keys:
    """What a token goes with. `account_id` None means the owner of the sandbox."""

    consumer_key: str
    consumer_secret: str
    token_secret: str
    account_id: str | None = None


BUILT_IN: Mapping[str, Keys] = {
    SANDBOX_KEYS[2]: Keys(SANDBOX_KEYS[0], SANDBOX_KEYS[1], SANDBOX_KEYS[3])
}
"""Keys by the user's token."""


@dataclass(slots=True)
class Signatures:
    """The keys that are known, and the nonces that were used with them lately."""

    keys: Mapping[str, Keys] = field(default_factory=lambda: BUILT_IN)
    _used: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def check(self, request: WireRequest, now: datetime) -> Keys:
        """Return whose signature a request has. Raises Unsigned."""
        header = request.headers.get("authorization", "")
        if not header.lower().startswith("oauth "):
            raise Unsigned("absent")
        params = _parameters(request, header)
        told = {name.removeprefix("oauth_"): value for name, value in params if _ours(name)}
        if any(not told.get(name) for name in NEEDED) or told["signature_method"] != "HMAC-SHA1":
            raise Unsigned("malformed")
        keys = self.keys.get(told["token"])
        if keys is None or keys.consumer_key != told["consumer_key"]:
            raise Unsigned("unknown")
        self._check_time(told, now)
        if not _verified(request, params, told["signature"], keys):
            raise Unsigned("signature")
        return keys

    def _check_time(self, told: Mapping[str, str], now: datetime) -> None:
        stamp = told["timestamp"]
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 10):
            raise Unsigned("malformed")
        if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
            raise Unsigned("time")
        self._used = {key: at for key, at in self._used.items() if now - at <= 2 * TOLERANCE}
        key = (told["token"], told["nonce"])
        if key in self._used:
            raise Unsigned("signature")
        self._used[key] = now


def _ours(name: str) -> bool:
    return name.startswith("oauth_")


def _parameters(request: WireRequest, header: str) -> list[tuple[str, str]]:
    form = request.headers.get("content-type", "").partition(";")[0] == FORM
    try:
        return signature.collect_parameters(
            uri_query=urlencode(request.query, quote_via=quote),
            body=request.body.decode() if form else "",
            headers={"Authorization": header},
            exclude_oauth_signature=False,
        )
    except ValueError:
        raise Unsigned("malformed") from None


def _verified(request: WireRequest, params: list[tuple[str, str]], given: str, keys: Keys) -> bool:
    """Whether the signature is right. Whether TLS was ended before us is not known, so either
    scheme will do."""
    host = request.headers.get("host", "")
    signed = [(name, value) for name, value in params if name != "oauth_signature"]
    for scheme in ("http", "https"):
        said: Any = SimpleNamespace(
            uri=f"{scheme}://{host}{quote(request.path)}",
            http_method=request.method,
            params=signed,
            signature=given,
        )
        if signature.verify_hmac_sha1(said, keys.consumer_secret, keys.token_secret):
            return True
    return False
