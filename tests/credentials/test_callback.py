"""The callback address: one redirect of the present attempt, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.callback import Callback, redirect_uri
from xdm_mcp.errors import ConfigError


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    """A browser."""
    with httpx2.Client(verify=False, trust_env=False) as client:
        yield client


@pytest.fixture
def callback() -> Iterator[Callback]:
    """The address, on a free port."""
    with Callback(0) as listening:
        yield listening


def attempt_at(callback: Callback) -> oauth.Attempt:
    """Return an attempt that comes back to this address."""
    return oauth.begin(oauth.Client("cid"), callback.redirect_uri, oauth.ORIGIN)


def test_the_usual_address_is_the_one_of_the_readme() -> None:
    """It must stand in X's console exactly so."""
    assert redirect_uri() == "http://127.0.0.1:8739/callback"


def test_the_redirect_is_taken_once(callback: Callback, browser: httpx2.Client) -> None:
    """The first is handed over, a second one refused."""
    attempt = attempt_at(callback)
    callback._server.attempt = attempt
    url = f"{callback.redirect_uri}?state={attempt.state}&code=c"
    first, second = browser.get(url), browser.get(url)
    assert (first.status_code, second.status_code) == (200, 400)
    assert callback._server.came.get_nowait() == url
    assert callback._server.came.empty()


def test_the_page_keeps_the_code_to_itself(callback: Callback, browser: httpx2.Client) -> None:
    """No cache, no referrer, no frame, no script, and not the code."""
    attempt = attempt_at(callback)
    callback._server.attempt = attempt
    answer = browser.get(f"{callback.redirect_uri}?state={attempt.state}&code=canary")
    assert "canary" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/callback?state=guess&code=c", None),
        ("/callback?code=c", None),
        ("/other?state={state}&code=c", None),
        ("/?state={state}&code=c", None),
        ("/callback?state={state}&code=c", "evil.example"),
        ("/callback?state={state}&code=c", "localhost"),
    ],
)
def test_everything_else_is_refused(
    callback: Callback, browser: httpx2.Client, path: str, host: str | None
) -> None:
    """Another state, path or host name changes nothing."""
    attempt = attempt_at(callback)
    callback._server.attempt = attempt
    place = callback.redirect_uri.removesuffix("/callback")
    headers = {"Host": host} if host else {}
    answer = browser.get(place + path.replace("{state}", attempt.state), headers=headers)
    assert answer.status_code == 400
    assert callback._server.came.empty()
    assert callback._server.attempt is attempt


def test_before_a_login_begins_nothing_is_taken(callback: Callback, browser: httpx2.Client) -> None:
    """An address that nobody waits at refuses all."""
    assert browser.get(f"{callback.redirect_uri}?state=&code=c").status_code == 400


def test_only_get_is_answered(callback: Callback, browser: httpx2.Client) -> None:
    """A form that is posted across sites meets nothing."""
    assert browser.post(callback.redirect_uri).status_code == 501


def test_a_person_who_never_comes_back_ends_the_login(callback: Callback) -> None:
    """The wait is bounded."""
    with pytest.raises(oauth.LoginFailed, match="in time"):
        callback.wait(attempt_at(callback), 0.01)


def test_a_taken_port_names_the_way_out(callback: Callback) -> None:
    """Two logins at once: the second one is told."""
    port = int(callback.redirect_uri.split(":")[2].split("/")[0])
    with pytest.raises(ConfigError, match="--headless"):
        Callback(port)
