"""The authorization server's three addresses: the consent page, tokens, and their end.

The consent page has no person before it: it sends the browser back at once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.oauth.authority import CLIENTS, Authority
from xdm_mcp.sandbox.wire import Answer, WireRequest, json_bytes

AUTHORIZE, TOKEN, REVOKE = "/i/oauth2/authorize", "/2/oauth2/token", "/2/oauth2/revoke"
NAME = "oauth"


class OAuth:
    """The authorization server: see `wire.Facade`."""

    name = NAME

    def __init__(self, authority: Authority) -> None:
        """Answer from the memory of `authority`."""
        self._authority = authority

    @property
    def error_names(self) -> frozenset[str]:
        """See Facade.error_names."""
        return frozenset()

    def owns(self, request: WireRequest) -> bool:
        """See Facade.owns."""
        return request.path in {AUTHORIZE, TOKEN, REVOKE}

    def answer(self, request: WireRequest, hold: Hold) -> Answer:
        """See Facade.answer."""
        if request.path == AUTHORIZE:
            return self._consent(request.query)
        if request.method != "POST":
            return _error("invalid_request", "Only POST.", 405)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        client_id = _client(form, request.headers.get("authorization", ""))
        if client_id is None:
            return _error("invalid_client", "Unknown client or missing secret.", 401)
        return self._tokens(form, client_id) if request.path == TOKEN else self._ended(form)

    def faulted(self, request: WireRequest, fault: Fault, hold: Hold) -> Answer:
        """See Facade.faulted."""
        status = 429 if fault.kind == "rate_limit" else fault.status or 500
        return Answer(status, (fault.body or "{}").encode())

    def _consent(self, query: Mapping[str, str]) -> Answer:
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") not in CLIENTS or not _is_callback(redirect):
            says = "Callback URL not approved for this client application."
            return Answer(403, json_bytes({"errors": [{"code": 415, "message": says}]}))
        asked = query.get("response_type"), query.get("code_challenge_method")
        back = {"state": query.get("state", "")}
        if asked != ("code", "S256") or not query.get("code_challenge"):
            back["error"] = "invalid_request"
        elif self._authority.denies:
            back["error"] = "access_denied"
        else:
            back["code"] = self._authority.code(
                query["client_id"],
                redirect,
                query["code_challenge"],
                set(query.get("scope", "").split()),
            )
        return Answer(302, headers={"location": f"{redirect}?{urlencode(back)}"})

    def _tokens(self, form: Mapping[str, str], client_id: str) -> Answer:
        match form.get("grant_type"):
            case "authorization_code":
                place, verifier = form.get("redirect_uri", ""), form.get("code_verifier", "")
                tokens = self._authority.redeem(form.get("code", ""), client_id, place, verifier)
            case "refresh_token":
                tokens = self._authority.refresh(form.get("refresh_token", ""), client_id)
            case _:
                return _error("unsupported_grant_type", "No such grant.")
        if tokens is None:
            return _error("invalid_request", "Value passed for the token was invalid.")
        return Answer(200, json_bytes(tokens))

    def _ended(self, form: Mapping[str, str]) -> Answer:
        self._authority.revoke(form.get("token", ""))
        return Answer(200, json_bytes({"revoked": True}))


def _is_callback(redirect: str) -> bool:
    try:
        place = urlsplit(redirect)
    except ValueError:
        return False
    return redirect.isascii() and (place.hostname, place.path) == ("127.0.0.1", "/callback")


def _client(form: Mapping[str, str], authorization: str) -> str | None:
    """Return the client that asks: a public one by its id alone, a confidential one by Basic."""
    kind, _, value = authorization.partition(" ")
    client_id, secret = form.get("client_id", ""), ""
    if kind.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
    return client_id if CLIENTS.get(client_id) == secret else None


def _error(code: str, says: str, status: int = 400) -> Answer:
    return Answer(status, json_bytes({"error": code, "error_description": says}))
