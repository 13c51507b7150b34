"""Tokens of an authorization server: what opens, and every way in which one does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from xdm_mcp.clock import ManualClock
from xdm_mcp.credentials.issuer import LEEWAY, Issuer, issuer_of
from xdm_mcp.credentials.issuer_keys import (
    FRESH,
    KEPT,
    LARGEST,
    PAUSE,
    fetch_json,
    metadata_urls,
)
from xdm_mcp.errors import Unavailable
from xdm_mcp.sections import OAuthSettings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ISSUER = "https://id.example/tenant/"
AUDIENCE = "https://dm.example/mcp"
JWKS = "https://id.example/keys"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(bits: int = 2_048, _which: int = 0) -> rsa.RSAPrivateKey:
    """Return a key of the pretend issuer."""
    return rsa.generate_private_key(65_537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return another one, on a curve."""
    return ec.generate_private_key(ec.SECP256R1())


def public(key: Key, kid: str | None, **more: Any) -> dict[str, Any]:
    """Return a key as an issuer publishes it."""
    algorithm = (
        jwt.algorithms.RSAAlgorithm
        if isinstance(key, rsa.RSAPrivateKey)
        else jwt.algorithms.ECAlgorithm
    )
    found = algorithm.to_jwk(key.public_key(), as_dict=True)  # type: ignore[arg-type]
    return found | ({"kid": kid} if kid else {}) | more


class PretendIssuer:
    """An authorization server: what it publishes, and how often it was asked."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        """Publish these keys, by default one RSA key `r` and one key `e` on a curve."""
        self.keys = list(keys) or [public(rsa_key(), "r"), public(ec_key(), "e")]
        self.asked: list[str] = []
        self.down = False
        self.answering = anyio.Event()
        self.answering.set()
        self.clock = ManualClock(NOW)
        self.metadata: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": JWKS}

    async def fetch(self, url: str) -> Mapping[str, Any]:
        """Answer one question."""
        self.asked.append(url)
        await self.answering.wait()
        if self.down:
            raise Unavailable("down")
        return {"keys": self.keys} if url == JWKS else self.metadata

    def checker(self, **given: Any) -> Issuer:
        """Return what checks its tokens."""
        known = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": JWKS}
        settings = OAuthSettings.model_validate(known | given)
        issuer = issuer_of(settings, self.clock, self.fetch)
        assert issuer is not None
        return issuer


def claims(**given: Any) -> dict[str, Any]:
    """Return the claims of a good token, changed as given; None leaves one out."""
    good = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": AUDIENCE,
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=5)).timestamp()),
        "client_id": "agent",
        "scope": "openid dm:read dm:send dm:approve",
    }
    return {name: value for name, value in (good | given).items() if value is not None}


def signed(
    key: Key | None = None, *, kid: str | None = "r", alg: str = "RS256", **given: Any
) -> str:
    """Return a token that an issuer signed."""
    headers = {"typ": given.pop("typ", "at+jwt")} | ({"kid": kid} if kid else {})
    return jwt.encode(claims(**given), key or rsa_key(), alg, headers)


async def test_a_good_token_says_who_and_what_for() -> None:
    """Issuer, subject, client, the scopes that we know, and when it ends."""
    said = await PretendIssuer().checker().verify(signed())
    assert said is not None
    assert (said.issuer, said.subject, said.client) == (ISSUER, "alice", "agent")
    assert said.scopes == ("dm:read", "dm:send")
    assert said.expires_at == NOW + timedelta(minutes=5) + LEEWAY
    curve = await PretendIssuer().checker().verify(signed(ec_key(), kid="e", alg="ES256"))
    assert curve is not None


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        ({"scope": "dm:read"}, ("dm:read",)),
        ({"scope": None, "scp": ["dm:send"]}, ("dm:send",)),
        ({"scope": None, "scp": "dm:send dm:read"}, ("dm:read", "dm:send")),
        ({"scope": None}, ()),
        ({"scope": 7}, ()),
        ({"scope": "xdm:read dm:reads"}, ()),
        ({"aud": ["https://other.example", AUDIENCE]}, ("dm:read", "dm:send")),
        ({"iat": None}, ("dm:read", "dm:send")),
        ({"typ": "JWT"}, ("dm:read", "dm:send")),
        ({"exp": NOW.timestamp() - 29}, ("dm:read", "dm:send")),
        ({"nbf": NOW.timestamp() + 29}, ("dm:read", "dm:send")),
    ],
)
async def test_only_the_scopes_that_were_granted_count(
    given: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    """As issuers write them; clocks may differ by half a minute."""
    said = await PretendIssuer().checker().verify(signed(**given))
    assert said is not None
    assert said.scopes == scopes


BAD: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example/"},
    "the issuer without its slash": {"iss": ISSUER.rstrip("/")},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://other.example/mcp"},
    "another audience among several": {"aud": ["https://other.example", "x"]},
    "no audience": {"aud": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a blank subject": {"sub": "  "},
    "a subject that is no text": {"sub": 7},
    "expired": {"exp": NOW.timestamp() - 31},
    "no expiry": {"exp": None},
    "an expiry that is no time": {"exp": "soon"},
    "an endless expiry": {"exp": float("inf")},
    "the last second that a calendar has": {"exp": 253_402_300_799},
    "an expiry that is true": {"exp": True},
    "not yet": {"nbf": NOW.timestamp() + 31},
    "made in the future": {"iat": NOW.timestamp() + 31},
    "another kind": {"typ": "logout+jwt"},
    "a key that nobody knows": {"kid": "x"},
    "the other key named": {"kid": "e"},
    "a way of signing that is not allowed": {"alg": "RS512"},
    "PSS where it is not allowed": {"alg": "PS256"},
}


@pytest.mark.parametrize("what", BAD)
async def test_what_does_not_fit_opens_nothing(what: str) -> None:
    """Nothing about a token may be wrong, missing or of another kind."""
    assert await PretendIssuer().checker().verify(signed(**BAD[what])) is None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _forged(head: dict[str, Any], secret: bytes = b"") -> str:
    body = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(claims()).encode())}"
    mac = hmac.new(secret, body.encode(), hashlib.sha256).digest() if secret else b""
    return f"{body}.{_b64(mac)}"


async def test_no_forged_token_opens_anything() -> None:
    """`none` in any spelling, the public key as a shared secret, a key that the token brings
    itself, a stranger's signature, a changed claim."""
    issuer = PretendIssuer().checker()
    pem = (
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    own = public(rsa_key(2_048, 1), "r")
    good = signed().split(".")
    changed = _b64(json.dumps(claims(sub="bob")).encode())
    forged = [
        *(_forged({"alg": alg, "kid": "r"}) for alg in ("none", "None", "NONE", "")),
        _forged({"alg": "HS256", "kid": "r", "typ": "JWT"}, pem),
        _forged({"alg": "HS256", "kid": "r", "typ": "JWT"}, json.dumps(own).encode()),
        _forged({"alg": ["RS256"], "kid": "r"}),
        _forged({"alg": "RS256", "kid": {"a": 1}}),
        _forged({"kid": "r"}),
        signed(rsa_key(2_048, 1)),
        jwt.encode(claims(), rsa_key(2_048, 1), "RS256", {"kid": "r", "jwk": own}),
        jwt.encode(
            claims(), rsa_key(2_048, 1), "RS256", {"kid": "r", "jku": "https://evil.example"}
        ),
        f"{good[0]}.{changed}.{good[2]}",
        f"{good[0]}.{good[1]}.",
        f"{good[0]}.{good[1]}",
        "..",
        "a.b.c",
        signed(name="x" * 9_000),
    ]
    for token in forged:
        assert await issuer.verify(token) is None, token[:60]


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits long")
@pytest.mark.parametrize(
    "unfit",
    [
        public(rsa_key(), "r", use="enc"),
        public(rsa_key(), "r", alg="RS512"),
        public(rsa_key(1_024), "r"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "r"},
        {"kty": "RSA", "kid": "r"},
        {"kid": "r"},
    ],
    ids=["for encryption", "of another way", "too short", "a secret", "in pieces", "nothing"],
)
async def test_a_key_that_is_not_for_this_is_not_used(unfit: dict[str, Any]) -> None:
    """The issuer's own words about a key are kept to."""
    key = rsa_key(1_024) if len(str(unfit.get("n", ""))) < 200 and "n" in unfit else rsa_key()
    assert await PretendIssuer(unfit).checker().verify(signed(key)) is None


async def test_a_token_may_name_no_key_where_there_is_only_one() -> None:
    """Some issuers have one key without a name."""
    assert await PretendIssuer(public(rsa_key(), None)).checker().verify(signed(kid=None))
    several = PretendIssuer(public(rsa_key(), "r"), public(rsa_key(2_048, 1), "s"))
    assert await several.checker().verify(signed(kid=None)) is None


async def test_a_new_key_is_asked_for_once_and_an_old_one_goes() -> None:
    """Rotation: the first token of a new key brings it; invented names bring no flood."""
    issuer = PretendIssuer()
    checker = issuer.checker()
    assert await checker.verify(signed())
    assert issuer.asked == [JWKS]
    issuer.clock.advance(PAUSE)
    issuer.keys = [public(rsa_key(2_048, 1), "new")]
    new = signed(rsa_key(2_048, 1), kid="new")
    assert await checker.verify(new)
    assert await checker.verify(signed()) is None
    assert issuer.asked == [JWKS] * 2
    for number in range(50):
        assert await checker.verify(signed(kid=f"invented-{number}")) is None
    assert issuer.asked == [JWKS] * 2


async def test_keys_are_looked_at_again_and_outlast_a_short_outage() -> None:
    """A withdrawn key ends after minutes; while the issuer is down the known ones serve an hour."""
    issuer = PretendIssuer()
    checker = issuer.checker()
    lasting = signed(exp=(NOW + timedelta(days=1)).timestamp())
    assert await checker.verify(lasting)
    issuer.down = True
    issuer.clock.advance(FRESH + timedelta(seconds=1))
    assert await checker.verify(lasting)
    issuer.clock.advance(KEPT)
    with pytest.raises(Unavailable, match="keys cannot be had"):
        await checker.verify(lasting)
    issuer.down, issuer.keys = False, [public(ec_key(), "e")]
    issuer.clock.advance(PAUSE)
    assert await checker.verify(lasting) is None


@pytest.mark.parametrize("since", [PAUSE, FRESH + timedelta(seconds=1)])
async def test_who_shows_a_known_key_does_not_wait_for_the_issuer(since: timedelta) -> None:
    """While it is asked about an invented key, or again after minutes, the known ones serve."""
    issuer = PretendIssuer()
    checker = issuer.checker()
    lasting = signed(exp=(NOW + timedelta(days=1)).timestamp())
    assert await checker.verify(lasting)
    issuer.clock.advance(since)
    issuer.answering = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(checker.verify, signed(kid="invented"))
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(1):
            assert await checker.verify(lasting)
        issuer.answering.set()


async def test_metadata_says_where_the_keys_are() -> None:
    """By the issuer's own document; one of another issuer, or one that leads off TLS, does not."""
    issuer = PretendIssuer()
    assert await issuer.checker(jwks_url=None).verify(signed())
    assert issuer.asked == [metadata_urls(ISSUER)[0], JWKS]
    for wrong in (
        {"issuer": "https://evil.example"},
        {"jwks_uri": "http://id.example/keys"},
        {"jwks_uri": "http://127.0.0.1:8080/keys"},
        {"jwks_uri": None},
    ):
        other = PretendIssuer()
        other.metadata |= wrong
        with pytest.raises(Unavailable):
            await other.checker(jwks_url=None).verify(signed())
        assert other.asked == list(metadata_urls(ISSUER))


def test_metadata_is_looked_for_where_both_standards_have_it() -> None:
    """RFC 8414 puts the issuer's path behind, OpenID Connect before."""
    assert metadata_urls("https://id.example/a/") == (
        "https://id.example/.well-known/oauth-authorization-server/a",
        "https://id.example/.well-known/openid-configuration/a",
        "https://id.example/a/.well-known/openid-configuration",
    )


async def test_an_answer_is_bounded_and_leads_nowhere_else() -> None:
    """No redirect, no other status, no compression, nothing too large, nothing but an object."""
    answers = {
        "/good": (200, b'{"keys": []}', {}),
        "/moved": (302, b"", {"location": "/good"}),
        "/error": (500, b'{"keys": []}', {}),
        "/packed": (200, b'{"keys": []}', {"content-encoding": "gzip"}),
        "/large": (200, b'{"a": "' + b"x" * LARGEST + b'"}', {}),
        "/list": (200, b"[]", {}),
        "/words": (200, b"hello", {}),
    }
    with _answering(answers) as base:
        assert await fetch_json(f"{base}/good") == {"keys": []}
        for path in answers:
            if path != "/good":
                with pytest.raises(Unavailable):
                    await fetch_json(base + path)
    with pytest.raises(Unavailable):
        await fetch_json(f"{base}/good")


@contextmanager
def _answering(answers: Mapping[str, tuple[int, bytes, dict[str, str]]]) -> Iterator[str]:
    """Answer on a free port of the loopback; yield the address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = answers[self.path]
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
