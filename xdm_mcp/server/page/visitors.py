"""The page's own gate: who may knock, from where, with what; and what goes out with every answer.

It stands before every route of the page. Bearer tokens open nothing here: an agent's token and the
page have nothing in common, so no agent can hold what the page asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

URLENCODED = "application/x-www-form-urlencoded"

FORM = frozenset({URLENCODED, f"{URLENCODED};charset=utf-8"})
"""The only type of a body that we read: as a form of ours sends it, and as our script does."""

LARGEST_FORM = 65_536
"""Bytes of one form: a passkey's answer fits many times."""

ARRIVALS = frozenset({"none", "same-origin"})
"""How a browser may have come here (Fetch Metadata, W3C working draft, 2025): by the person's own
hand or from the page itself. Other ports of this machine are `same-site`, and refused."""

PROXIED = ("x-forwarded-for", "forwarded", "via")
"""What a proxy adds (RFC 7239, 2014-06; RFC 9110, 2022-06): behind one everybody seems near."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # Not `no-referrer`: with it browsers send forms with `Origin: null` (Fetch Standard, "append a
    # request Origin header", 2026), and the Origin is what we check. Other sites learn nothing.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}
"""What every answer of the page carries, refusals included."""


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who is let in: the origins under which the page is known, by exact text.

    `elsewhere` is the origin that the owner configured for other machines, behind a proxy that does
    TLS; without it only this machine may come.
    """

    origins: frozenset[str]
    elsewhere: str | None = None

    def refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may."""
        headers = Headers(scope=scope)
        origin = self.origin(headers.getlist("host"))
        if origin is None:
            return _refuse(421, "The approval page is not called that.")
        if origin != self.elsewhere and not _is_near(scope.get("client")):
            return _refuse(403, "The approval page is for this machine alone.")
        if origin != self.elsewhere and any(name in headers for name in PROXIED):
            return _refuse(403, "A proxy reaches the approval page by approvals.address alone.")
        if not ARRIVALS.issuperset(headers.getlist("sec-fetch-site")):
            return _refuse(403, "Open the approval page by its address, not from another site.")
        said = headers.getlist("origin")
        if said != [origin] and (said or scope["method"] == "POST"):
            return _refuse(403, "Other sites may not call the approval page.")
        return _unfit(scope["method"], headers)

    def origin(self, hosts: list[str]) -> str | None:
        """Return which of our origins a request's Host headers name; None for any other."""
        if len(hosts) != 1:
            return None
        known = {urlsplit(origin).netloc: origin for origin in self._all()}
        return known.get(hosts[0].lower())

    def _all(self) -> frozenset[str]:
        return self.origins | ({self.elsewhere} if self.elsewhere else set())


class PageGate:
    """The outermost layer of the page: nothing behind it sees who is not admitted."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """Let requests to `app` pass as `visitors` says."""
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it pass; add what every answer carries."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._visitors.refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send_guarded)


def loopback_origins(port: int, scheme: str = "http") -> frozenset[str]:
    """Return the origins of a page that listens on `port` of this machine."""
    return frozenset(f"{scheme}://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]"))


def _unfit(method: str, headers: Headers) -> Response | None:
    if method in ("GET", "HEAD"):
        return None
    if method != "POST":
        return _refuse(405, "The approval page knows GET and POST.", {"Allow": "GET, HEAD, POST"})
    kinds = headers.getlist("content-type")
    if len(kinds) != 1 or kinds[0].lower() not in FORM:
        return _refuse(415, "Send a form of the page.")
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        return _refuse(411, "Send the length of the form.")
    if int(length[:20]) > LARGEST_FORM:  # longer ones are larger still
        return _refuse(413, "That form is too large.")
    return None


def _is_near(client: tuple[str, int] | None) -> bool:
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _refuse(status: int, says: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{says}\n", status, headers)
