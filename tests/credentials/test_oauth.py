"""OAuth 2.0 with PKCE: what leaves, what is taken, and what each refusal means."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.credentials.serving import CALLBACK, CONFIDENTIAL_CLIENT, PUBLIC_CLIENT, Served
from xdm_mcp.credentials import forms, oauth
from xdm_mcp.credentials.forms import NoAnswer
from xdm_mcp.credentials.record import ACCESS, CLIENT, REFRESH
from xdm_mcp.errors import BackendUnavailable
from xdm_mcp.sandbox.oauth.authority import CLIENT_SECRET

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def asked(attempt: oauth.Attempt) -> dict[str, str]:
    """Return the parameters of the consent page's address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(attempt.url).query).items()}


def test_the_challenge_is_the_digest_of_a_long_verifier() -> None:
    """S256 without padding, over a verifier of 43 to 128 characters (RFC 7636)."""
    attempt = oauth.begin(oauth.Client("cid"), CALLBACK, oauth.ORIGIN)
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    sent = asked(attempt)
    assert (sent["code_challenge"], sent["code_challenge_method"]) == (challenge, "S256")
    assert 43 <= len(attempt.verifier) <= 128
    assert len(attempt.state) <= 500


def test_the_page_is_xs_own_and_asks_for_every_scope() -> None:
    """The consent page is on x.com, and the callback address stands there exactly."""
    attempt = oauth.begin(oauth.Client("cid"), CALLBACK, oauth.ORIGIN)
    assert attempt.url.startswith("https://x.com/i/oauth2/authorize?")
    sent = asked(attempt)
    assert sent["scope"].split() == list(oauth.SCOPES)
    assert (sent["redirect_uri"], sent["client_id"]) == (CALLBACK, "cid")
    assert attempt.verifier not in attempt.url


def test_no_two_attempts_share_state_or_verifier() -> None:
    """Each attempt has its own."""
    made = [oauth.begin(oauth.Client("cid"), CALLBACK, oauth.ORIGIN) for _ in range(50)]
    assert len({each.state for each in made} | {each.verifier for each in made}) == 100


@pytest.mark.parametrize(
    "url",
    [
        f"{CALLBACK}?code=c",
        f"{CALLBACK}?code=c&state=another",
        f"{CALLBACK}?code=c&state={{state}}&state={{state}}",
        f"{CALLBACK}/?code=c&state={{state}}",
        "http://localhost:8739/callback?code=c&state={state}",
        "http://127.0.0.1:8740/callback?code=c&state={state}",
        "https://127.0.0.1:8739/callback?code=c&state={state}",
    ],
)
def test_an_address_of_another_attempt_gives_no_code(url: str) -> None:
    """State, scheme, host, port and path must be exactly the attempt's own."""
    attempt = oauth.begin(oauth.Client("cid"), CALLBACK, oauth.ORIGIN)
    with pytest.raises(oauth.LoginFailed):
        oauth.code_in(attempt, url.replace("{state}", attempt.state))


@pytest.mark.parametrize("query", ["error=access_denied", "error=server_error", "", "code="])
def test_a_refusal_gives_no_code(query: str) -> None:
    """Whoever says no, or gives no code, ends the login before any token is asked for."""
    attempt = oauth.begin(oauth.Client("cid"), CALLBACK, oauth.ORIGIN)
    with pytest.raises(oauth.LoginFailed):
        oauth.code_in(attempt, f"{CALLBACK}?state={attempt.state}&{query}")


@pytest.mark.parametrize("client_id", [PUBLIC_CLIENT, CONFIDENTIAL_CLIENT])
def test_public_and_confidential_apps_get_tokens(x: Served, client_id: str) -> None:
    """A public app names itself in the form, a confidential one by its secret."""
    secret = CLIENT_SECRET if client_id == CONFIDENTIAL_CLIENT else ""
    grant = x.grant(oauth.Client(client_id, secret))
    assert set(grant.secrets) == {ACCESS, REFRESH}
    assert grant.missing == ()
    assert grant.expires_at - grant.renew_at == oauth.AHEAD


def test_how_an_app_says_who_it_is() -> None:
    """The id stands in the form only where no secret proves it."""
    assert oauth.Client("cid").authenticated({"a": "b"}) == ({"a": "b", "client_id": "cid"}, None)
    assert oauth.Client("cid", "s").authenticated({"a": "b"}) == ({"a": "b"}, ("cid", "s"))


def test_a_wrong_secret_is_refused(x: Served) -> None:
    """A confidential app with a wrong secret gets a sentence about its settings."""
    with pytest.raises(oauth.LoginFailed, match="client secret"):
        x.grant(oauth.Client(CONFIDENTIAL_CLIENT, "wrong-secret"))


def test_a_code_is_good_once(x: Served) -> None:
    """The second exchange of one code is refused."""
    client = oauth.Client(PUBLIC_CLIENT)
    attempt = oauth.begin(client, CALLBACK, x.url)
    code = oauth.code_in(attempt, x.browser.get(attempt.url).headers["location"])
    oauth.exchange(attempt, code, client, x.url, NOW)
    with pytest.raises(oauth.LoginFailed, match="30 seconds"):
        oauth.exchange(attempt, code, client, x.url, NOW)


def test_a_code_needs_its_own_verifier(x: Served) -> None:
    """Who stole the code but not the verifier gets nothing."""
    client = oauth.Client(PUBLIC_CLIENT)
    attempt, thief = (oauth.begin(client, CALLBACK, x.url) for _ in range(2))
    code = oauth.code_in(attempt, x.browser.get(attempt.url).headers["location"])
    with pytest.raises(oauth.LoginFailed):
        oauth.exchange(thief, code, client, x.url, NOW)


def test_what_was_not_granted_is_named(x: Served) -> None:
    """Scopes that were asked for and not granted are listed."""
    x.authority.grants = frozenset({"dm.read", "tweet.read", "users.read"})
    assert x.grant().missing == ("dm.write", "offline.access", "media.write")
    assert set(oauth.WITHOUT) == set(oauth.SCOPES)


def test_a_renewal_brings_a_new_pair(x: Served) -> None:
    """Both tokens change; the app's own secret stays."""
    record = x.record()
    record = replace(record, secrets={**record.secrets, "kept": "as-it-is"})
    new = oauth.renew(record, datetime.now(UTC))
    assert (new.access, new.refresh) != (record.access, record.refresh)
    assert new.secrets["kept"] == "as-it-is"
    assert new.account_id == record.account_id


def test_a_spent_token_breaks_the_login(x: Served) -> None:
    """X's odd `invalid_request` is understood, and the family is dead."""
    record = x.record()
    new = oauth.renew(record, datetime.now(UTC))
    with pytest.raises(oauth.Broken):
        oauth.renew(record, datetime.now(UTC))
    with pytest.raises(oauth.Broken):
        oauth.renew(new, datetime.now(UTC))


def test_a_confidential_app_renews_with_its_secret(x: Served) -> None:
    """The secret that is stored with the login is shown again."""
    grant = x.grant(oauth.Client(CONFIDENTIAL_CLIENT, CLIENT_SECRET))
    secrets = {**grant.secrets, CLIENT: CLIENT_SECRET}
    record = x.record(client_id=CONFIDENTIAL_CLIENT, secrets=secrets)
    assert oauth.renew(record, datetime.now(UTC)).access != record.access


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 503}, NoAnswer),
        ({"kind": "drop_before"}, NoAnswer),
        ({"kind": "drop_after"}, NoAnswer),
        ({"kind": "malformed", "body": "{"}, NoAnswer),
        ({"kind": "malformed", "body": "{}"}, NoAnswer),
        ({"kind": "malformed", "body": "[1]"}, NoAnswer),
        ({"kind": "malformed", "body": '{"access_token": 7}'}, NoAnswer),
        ({"kind": "malformed", "body": '{"access_token": "a b"}'}, NoAnswer),
        ({"kind": "rate_limit"}, oauth.NotNow),
        ({"kind": "status", "status": 403}, oauth.NotNow),
        ({"kind": "status", "status": 400, "body": "{}"}, oauth.NotNow),
        ({"kind": "status", "status": 302}, NoAnswer),
        ({"kind": "status", "status": 400, "body": {"error": "invalid_grant"}}, oauth.Broken),
        ({"kind": "status", "status": 401, "body": {"error": "invalid_client"}}, oauth.Broken),
    ],
)
def test_what_each_answer_to_a_renewal_means(
    x: Served, fault: dict[str, object], error: type[Exception]
) -> None:
    """Only a clear refusal breaks a login; what proves nothing is no answer."""
    record = x.record()
    x.fault(path="/oauth2/token", **fault)
    with pytest.raises(error) as raised:
        oauth.renew(record, datetime.now(UTC))
    assert raised.value.__context__ is None
    if isinstance(raised.value, NoAnswer):
        assert raised.value.left


def test_a_server_that_is_not_there_got_nothing(x: Served) -> None:
    """Where no connection came about the token is surely not spent."""
    record = x.record(origin="http://127.0.0.1:9")
    with pytest.raises(NoAnswer) as raised:
        oauth.renew(record, datetime.now(UTC))
    assert not raised.value.left


def test_an_exchange_without_an_answer_says_so(x: Served) -> None:
    """The person is told to begin again."""
    x.fault(path="/oauth2/token", kind="drop_after")
    with pytest.raises(BackendUnavailable, match="again"):
        x.grant()


def test_revoking_ends_every_token(x: Served) -> None:
    """After a revocation neither token is worth anything."""
    record = x.record()
    assert oauth.revoke(record)
    assert x.authority.scopes_of(record.access) is None
    with pytest.raises(oauth.Broken):
        oauth.renew(record, datetime.now(UTC))


def test_revoking_without_an_answer_is_told(x: Served) -> None:
    """The person is not told that the tokens are dead when nobody said so."""
    assert not oauth.revoke(x.record(origin="http://127.0.0.1:9"))


@pytest.mark.parametrize(("seconds", "ahead"), [(7200, 300), (60, 15)])
def test_a_token_is_renewed_ahead_of_its_end(x: Served, seconds: int, ahead: int) -> None:
    """Five minutes before, a quarter of a short life at most."""
    x.authority.expires_in = seconds
    grant = x.grant()
    assert grant.expires_at - grant.renew_at == timedelta(seconds=ahead)


def test_a_server_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte now and then keeps no single read waiting, and yet the deadline holds."""
    monkeypatch.setattr(forms, "DEADLINE", 0.5)
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not ended.wait(0.02):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        began = monotonic()
        with pytest.raises(NoAnswer) as raised:
            forms.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {"a": "b"})
        took = monotonic() - began
        ended.set()
        thread.join(5)
    assert raised.value.left
    assert took < 1.5


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    """A body larger than any answer of theirs is given up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def pour() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
                connection.sendall(b" " * 9_000_000)

        thread = threading.Thread(target=pour)
        thread.start()
        with pytest.raises(NoAnswer):
            forms.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {"a": "b"})
        thread.join(5)
