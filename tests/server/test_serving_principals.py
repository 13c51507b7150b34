"""The whole program with principals, as an owner starts it; TLS; a schema each in PostgreSQL."""

from __future__ import annotations

import logging
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import anyio
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp.client import Client

from tests.callers import shown, transport_to
from tests.children import run, serve_http
from tests.postgres import server_url
from tests.rigs import IRIS, START
from tests.server.pretend import PretendApp
from tests.server.tenancy import LEGACY, MODERN, POLICY, Agent, two_principals
from tests.server.test_http import served, settings
from xdm_mcp.app import open_app
from xdm_mcp.bus import Changed
from xdm_mcp.clock import ManualClock, SystemClock
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError
from xdm_mcp.principals import principals_of, settings_for
from xdm_mcp.server.http import serve_principals
from xdm_mcp.server.logs import Discreet, acting_for

TWO = '[[principal]]\nname = "alice"\n[[principal]]\nname = "bob"\n'


def owner(home: Path) -> Path:
    """Write the owner's file of two principals."""
    file = home / "principals.toml"
    file.touch(0o600)
    file.write_text(TWO)
    return home


async def test_each_principal_is_served_from_its_own_home(tmp_path: Path) -> None:
    """Two tokens, two homes: what one holds is in its own ledger, and the answer says how its own
    owner approves."""
    home = owner(tmp_path)
    tokens = {}
    for name in ("alice", "bob"):
        made = run(home, "tokens", "add", name, "--scopes", "dm:read,dm:send", "--principal", name)
        tokens[name] = made.stdout.strip()
    with anyio.fail_after(60):
        async with serve_http(home, XDM_HTTP__TOKEN="") as address:
            async with Client(transport_to(address, "http", tokens["alice"])) as client:
                held = await client.call_tool("send_dm", {"to": IRIS, "text": "hello"})
                said = held.structured_content
                assert said is not None
            async with Client(transport_to(address, "sse", tokens["bob"])) as client:
                quota = (await client.call_tool("quota_status", {})).structured_content
                assert quota is not None
                assert quota["held"] == []
    assert "--principal alice`" in said["how_to_approve"]
    ids = {}
    for name in ("alice", "bob"):
        ids[name] = run(home, "approvals", "--json", "--principal", name).stdout
    assert said["approval_id"] in ids["alice"]
    assert said["approval_id"] not in ids["bob"]
    assert not (home / "ledger.db").exists()


async def test_a_principal_that_cannot_be_opened_disturbs_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its agents hear no reason, the log names it, and the other is served."""
    async with two_principals(tmp_path) as two:
        two.tenants._openers["bob"].args[0].guard["no_such_rule"] = {}  # type: ignore[attr-defined]
        bob = Agent(two.client, two.tokens["bob"], MODERN)
        with caplog.at_level(logging.WARNING):
            refused = await bob.post("tools/list", {}, 1)
        assert refused.status_code == 503
        assert "no_such_rule" not in refused.text
        assert "no_such_rule" in caplog.text
        alice = await two.agent("alice", MODERN)
        assert (await alice.call("quota_status"))["isError"] is False


async def test_a_principal_whose_work_broke_is_opened_anew_and_no_longer_watched(
    tmp_path: Path,
) -> None:
    """Else the closed ledger of the old one would keep the whole server from being ready."""
    async with two_principals(tmp_path) as two:
        alice = await two.agent("alice", LEGACY)
        await alice.ask("resources/subscribe", {"uri": "xdm://quota"}, 1)
        broken = await two.tenants.find("alice")
        for subscriber in broken.parts.subscriptions._subscribers.values():
            subscriber._tell = {}.__getitem__
        broken.app.bus.publish(Changed("quota"))
        with anyio.fail_after(10):
            while two.watched.served:  # noqa: ASYNC110 - nobody is told when a tenant ends
                await anyio.sleep(0.01)
        assert await two.tenants.find("alice") is not broken
        assert len(two.watched.served) == 1
        assert await two.watched.trouble() == ""


async def test_two_principals_with_one_ledger_are_not_served(tmp_path: Path) -> None:
    """What waits for a person there would be in both lists."""
    principals = principals_of(owner(tmp_path)) or {}
    for one in principals.values():
        one.home.mkdir(parents=True, mode=0o700)
        (one.home / "policy.toml").touch(0o600)
        (one.home / "policy.toml").write_text(f'ledger_url = "sqlite:///{tmp_path}/one.db"\n')
    with pytest.raises(ConfigError, match="share a ledger"):
        await serve_principals(load(home=tmp_path, env={}), principals)


def test_a_line_of_the_log_names_its_principal() -> None:
    """And nothing where there is only one."""
    record = logging.LogRecord("x", logging.WARNING, "", 0, "says", (), None)
    assert Discreet().format(record) == "warning: says"
    token = acting_for.set("alice")
    assert Discreet().format(record) == "warning: [alice] says"
    acting_for.reset(token)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = SystemClock().now()
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_with_a_certificate_it_speaks_tls_and_nothing_else(
    certificate: tuple[Path, Path],
) -> None:
    """The address says https; who speaks in the clear gets no answer."""
    app = PretendApp(settings(tls_cert=certificate[0], tls_key=certificate[1]))
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    async with served(app) as address:
        assert address.startswith("https://127.0.0.1:")
        async with httpx2.AsyncClient(verify=trust, trust_env=False) as client:
            assert (await client.get(f"{address}/mcp")).status_code == 401
            assert (await client.get(f"{address}/nothing", headers=shown())).status_code == 404
            with pytest.raises(httpx2.HTTPError):
                await client.get(f"{address.replace('https', 'http')}/mcp", headers=shown())


async def test_each_principal_has_a_schema_of_its_own(tmp_path: Path) -> None:
    """Two ledgers in one database, made by whoever opens them first; neither has the other's
    sends."""
    home, clock = owner(tmp_path), ManualClock(START)
    server = load(home=home, env={"XDM_LEDGER_URL": server_url()})
    seen = {}
    for name, one in (principals_of(home) or {}).items():
        own = settings_for(one, server)
        assert own.ledger_url.endswith(f"xdm_{name}")
        async with open_app(own, clock=clock) as first, open_app(own, clock=clock) as second:
            await first.outbox.send(text=f"from {name}", to=IRIS)
            seen[name] = [entry.id for entry in await second.ledger.recent(9)]
    assert seen == {"alice": [1], "bob": [1]}


def test_a_ledger_that_a_principal_names_itself_is_kept(tmp_path: Path) -> None:
    """Its own file says more than the server's."""
    home = owner(tmp_path)
    own = home / "principals" / "alice"
    own.mkdir(parents=True)
    (own / "policy.toml").write_text(f'ledger_url = "sqlite:///{tmp_path}/a.db"\n{POLICY}')
    server = load(home=home, env={"XDM_LEDGER_URL": "postgresql://x@127.0.0.1/x"})
    alice = (principals_of(home) or {})["alice"]
    assert settings_for(alice, server).ledger_url == f"sqlite:///{tmp_path}/a.db"
