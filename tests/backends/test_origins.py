"""Requests go to one origin, encrypted unless it is on this machine."""

from __future__ import annotations

import pytest

from xdm_mcp.backends.origins import checked_origin
from xdm_mcp.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.x.com", "https://api.x.com"),
        ("https://API.X.com:443/", "https://api.x.com"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_an_origin_has_one_plain_form(url: str, origin: str) -> None:
    """Case, a closing slash and the usual port make no difference."""
    assert checked_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://api.x.com",
        "http://127.0.0.2",
        "http://localhost.example.org",
        "ftp://api.x.com",
        "api.x.com",
        "",
        "https://",
        "https://user:secret@api.x.com",
        "https://api.x.com/2",
        "https://api.x.com?a=b",
        "https://api.x.com:port",
        "https://\u0430pi.x.com",
    ],
)
def test_other_places_are_refused(url: str) -> None:
    """Unencrypted strangers, paths, credentials in the URL and lookalike hosts are refused by name
    of the setting, without repeating the value."""
    with pytest.raises(ConfigError, match="XDM_BASE_URL") as refused:
        checked_origin(url)
    assert "secret" not in str(refused.value)


def test_a_transport_without_a_network_may_have_any_host() -> None:
    """The pretend X lives at a host that does not exist."""
    assert checked_origin("http://sandbox", anywhere=True) == "http://sandbox"
