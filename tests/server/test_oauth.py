"""A server whose clients come from an authorization server: who gets in, and what others hear."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.callers import TOKEN, shown
from tests.credentials.test_issuer import AUDIENCE, ISSUER, NOW, PretendIssuer, rsa_key, signed
from tests.server.pretend import PretendApp
from tests.server.raw import ENVELOPE
from xdm_mcp.clock import ManualClock
from xdm_mcp.credentials.issuer import Claims
from xdm_mcp.credentials.tokens import READ, Tokens
from xdm_mcp.errors import ConfigError
from xdm_mcp.principals import Principal
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.callers import Callers, fixed_token
from xdm_mcp.server.http import web

METADATA = "https://dm.example/.well-known/oauth-protected-resource/mcp"
ALICE = Principal("alice", Path("/nowhere/alice"), (ISSUER, "alice"))
PLAIN = Principal("bob", Path("/nowhere/bob"))
EXPLAINS = f'resource_metadata="{METADATA}"'


@dataclass
class Served:
    """A server in this process, and the issuer that it trusts."""

    client: httpx2.AsyncClient
    issuer: PretendIssuer
    app: PretendApp

    async def call(self, tool: str, token: str | None, **arguments: Any) -> httpx2.Response:
        """Call a tool with a token."""
        params = {"name": tool, "arguments": arguments, "_meta": ENVELOPE}
        headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": tool,
        } | (shown(token) if token else {})
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        return await self.client.post("/mcp", content=body, headers=headers)


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Served]:
    """Serve alice, whom the issuer knows, and bob, who has tokens of ours alone."""
    issuer, app = PretendIssuer(), PretendApp()
    principals = {"alice": ALICE, "bob": PLAIN}
    callers = Callers(Tokens(home), issuer.clock, principals, verifier=issuer.checker())
    openers = {name: lambda: nullcontext(app.real) for name in principals}
    mcp, _ = web(openers, callers, HttpSettings(allowed_hosts=("dm.example",)), 8765)
    transport = httpx2.ASGITransport(app=mcp)
    async with (
        mcp.router.lifespan_context(mcp),
        httpx2.AsyncClient(transport=transport, base_url="http://dm.example") as client,
    ):
        yield Served(client, issuer, app)


async def test_a_subject_of_the_owners_file_is_served_and_no_other(tmp_path: Path) -> None:
    """Another subject is refused without a hint of who is known, whatever its token is good for."""
    async with served(tmp_path) as server:
        assert (await server.call("quota_status", signed())).status_code == 200
        strangers = [await server.call("quota_status", signed(sub=sub)) for sub in ("bob", "eve")]
        assert [answer.status_code for answer in strangers] == [403, 403]
        assert {answer.text for answer in strangers} == {"This token opens nothing here.\n"}
        own = Tokens(tmp_path).add("bobs", [READ], "bob", NOW)
        assert (await server.call("quota_status", own)).status_code == 200
        gone = Tokens(tmp_path).add("carols", [READ], "carol", NOW)
        assert (await server.call("quota_status", gone)).text == strangers[0].text


async def test_a_refusal_says_where_a_client_may_get_a_token(tmp_path: Path) -> None:
    """401 without one, 403 with the scope that is missing, both with our metadata; the tool is not
    reached."""
    async with served(tmp_path) as server:
        nothing = await server.call("quota_status", None)
        assert nothing.status_code == 401
        assert nothing.headers["www-authenticate"] == f"Bearer {EXPLAINS}"
        for bad in (signed(rsa_key(2_048, 1)), signed(sub=None), signed(aud="https://x.example")):
            refused = await server.call("quota_status", bad)
            assert refused.status_code == 401
            said = f'Bearer error="invalid_token", {EXPLAINS}'
            assert refused.headers["www-authenticate"] == said
        less = await server.call("send_dm", signed(scope="dm:read"), text="hi", to="a")
        assert less.status_code == 403
        said = f'Bearer error="insufficient_scope", scope="dm:send", {EXPLAINS}'
        assert less.headers["www-authenticate"] == said
        assert server.app.outbox.asked == []


async def test_our_metadata_is_for_everybody_who_knows_our_name(tmp_path: Path) -> None:
    """At both well-known places, without a token; by another name it is not given."""
    async with served(tmp_path) as server:
        for path in ("", "/mcp"):
            place = f"/.well-known/oauth-protected-resource{path}"
            answer = await server.client.get(place)
            assert answer.json() == {
                "resource": AUDIENCE,
                "authorization_servers": [ISSUER],
                "scopes_supported": ["dm:read", "dm:send"],
                "bearer_methods_supported": ["header"],
            }
            other = await server.client.get(place, headers={"host": "evil.example"})
            assert other.status_code == 421


async def test_no_one_is_let_in_while_keys_cannot_be_had(tmp_path: Path) -> None:
    """Not 401, which would send a client away for another token."""
    async with served(tmp_path) as server:
        server.issuer.down = True
        answer = await server.call("quota_status", signed())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_two_ways_to_write_a_request_are_judged_alike(tmp_path: Path) -> None:
    """A name that is said twice in the JSON does not get a reader's token to send."""
    async with served(tmp_path) as server:
        meta = json.dumps(ENVELOPE)
        for first, second in (("send_dm", "list_dms"), ("list_dms", "send_dm")):
            args = f'"arguments": {{"text": "hi", "to": "a"}}, "_meta": {meta}'
            params = f'{{"name": "{first}", "name": "{second}", {args}}}'
            body = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'
            for name in (first, second):
                await server.client.post(
                    "/mcp",
                    content=body,
                    headers=shown(signed(scope="dm:read"))
                    | {
                        "accept": "application/json, text/event-stream",
                        "content-type": "application/json",
                        "mcp-protocol-version": "2026-07-28",
                        "mcp-method": "tools/call",
                        "mcp-name": name,
                    },
                )
        assert server.app.outbox.asked == []


class Verifier:
    """A verifier of somebody else, who may have none of what ours has."""

    def __init__(self, subject_claim: str | None, issuer: str = ISSUER) -> None:
        """Name the subject by this claim."""
        self.subject_claim = subject_claim
        self.issuer = issuer
        self.audience = AUDIENCE

    async def verify(self, _: str) -> Claims | None:
        """Let nobody in."""
        return None


@pytest.mark.parametrize(
    ("verifier", "principals", "says"),
    [
        (Verifier(None), {"alice": ALICE}, "^The token verifier names no subject"),
        (Verifier(""), {"alice": ALICE}, "^The token verifier names no subject"),
        (Verifier("sub"), None, "says for whom each subject acts"),
        (Verifier("sub"), {"bob": PLAIN}, "says for whom each subject acts"),
        (Verifier("sub", "https://other.example"), {"alice": ALICE}, "principals with just this"),
        (None, {"alice": ALICE}, "set oauth.issuer and oauth.audience"),
        (None, {"bob": PLAIN}, "^Nobody could call"),
        (None, None, "^Nobody could call"),
    ],
)
def test_nothing_starts_where_nobody_could_tell_who_calls(
    verifier: Verifier | None, principals: dict[str, Principal] | None, says: str, tmp_path: Path
) -> None:
    """A verifier without subject, an issuer without principals, principals without an issuer."""
    with pytest.raises(ConfigError, match=says):
        Callers(Tokens(tmp_path), ManualClock(NOW), principals, verifier=verifier)


def test_one_token_for_several_principals_does_not_start(tmp_path: Path) -> None:
    """The token of the settings says nothing of whom it acts for."""
    clock = ManualClock(NOW)
    fixed = fixed_token(HttpSettings.model_validate({"token": TOKEN}), clock)
    with pytest.raises(ConfigError, match="names no principal"):
        Callers(Tokens(tmp_path), clock, {"bob": PLAIN}, fixed)
