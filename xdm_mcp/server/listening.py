"""Where we listen, under which names, and what must be so before others can reach us."""

from __future__ import annotations

import errno
import socket
import ssl
from ipaddress import ip_address

from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import HttpSettings


def require_safe(settings: HttpSettings) -> None:
    """Raise ConfigError if other machines could call without TLS, or by names nobody listed.

    That every caller shows a token is so on every address.
    """
    if is_loopback(settings.host):
        return
    if settings.tls_cert is None and not settings.behind_tls_proxy:
        raise ConfigError(
            "Other machines could reach this address and tokens would travel in the clear: set"
            " http.tls_cert and http.tls_key, say --behind-tls-proxy where a proxy of yours does"
            " TLS, or listen on 127.0.0.1."
        )
    if not settings.allowed_hosts:
        raise ConfigError(
            "Other machines could reach this address: name the Host headers that they use in"
            " http.allowed_hosts, or listen on 127.0.0.1."
        )


def require_tls(settings: HttpSettings) -> None:
    """Raise ConfigError where certificate and key are set and do not serve."""
    if settings.tls_cert is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key with a passphrase would be asked for on the terminal; it is refused instead.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: b"")
    except (OSError, ValueError):  # SSLError is an OSError
        raise ConfigError(
            "http.tls_cert and http.tls_key cannot be used: name readable PEM files of one"
            " certificate and its key, without a passphrase."
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(settings: HttpSettings) -> socket.socket:
    """Return a listener. Raises ConfigError for an address that is in use, or none of ours."""
    host, port = settings.host, settings.port
    try:
        return listener_at(host, port, backlog=128)
    except OSError as error:
        says = f"{host} port {port} cannot be listened on; choose an address of this machine and a"
        raise ConfigError(f"{says} port.") from error


def listener_at(host: str, port: int, backlog: int) -> socket.socket:
    """Return a listener at an address. Raises ConfigError for one that is in use, OSError for one
    that this machine does not have."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ConfigError(
            f"{host} port {port} is in use; stop the other program or choose another port."
        ) from error
    # What it accepts inherits this. Without it an answer in two parts waits 40 ms for an ACK:
    # asyncio sets it only on sockets made with the protocol's number, and this one is not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def hosts_of(settings: HttpSettings, port: int) -> frozenset[str]:
    """Return the Host headers of requests to us: names of the loopback and what the owner named."""
    own = {"localhost", "127.0.0.1", "::1"}
    if is_loopback(settings.host):
        own.add(settings.host.lower())
    named = (host.lower() for host in settings.allowed_hosts)
    return frozenset({netloc(host, port) for host in own} | set(named))


def netloc(host: str, port: int) -> str:
    """Return host and port as an address has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
