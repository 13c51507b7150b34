"""Where requests may go: one origin, encrypted unless it is on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import LOOPBACK


def checked_origin(url: str, *, anywhere: bool = False) -> str:
    """Return `url` as an origin in its plain form, such as `https://api.x.com`.

    Raises ConfigError for anything but a scheme, a host and perhaps a port, and for http to another
    machine, unless `anywhere`, which is for transports that never touch the network.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(_SHAPE) from None
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not host or not host.isascii() or not bare:
        raise ConfigError(_SHAPE)
    if parts.scheme == "http" and host not in LOOPBACK and not anywhere:
        raise ConfigError("A backend on another machine needs https: correct XDM_BASE_URL.")
    name = f"[{host}]" if ":" in host else host
    usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" if usual else f"{parts.scheme}://{name}:{port}"


def host_of(origin: str) -> str:
    """Return the host of an origin, for sentences."""
    return urlsplit(origin).hostname or origin


_SHAPE = (
    "A backend's base URL is a scheme and a host, such as https://api.x.com: correct XDM_BASE_URL."
)
