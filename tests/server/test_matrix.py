"""Every way to knock at a server over HTTP, its approval page included, against a small oracle that
shares nothing with the gates but what the documentation says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from tests.callers import TOKEN, shown
from tests.conftest import Tell
from tests.rigs import JUNE, rig
from tests.server.raw import ENVELOPE
from xdm_mcp.credentials.tokens import READ, Tokens
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.callers import ALONE, Callers, fixed_token
from xdm_mcp.server.http import web
from xdm_mcp.server.page.beside import Beside
from xdm_mcp.server.page.routes import page_of
from xdm_mcp.server.page.serving import place_of, room_of

PORT = 8765
PAGE = "https://agents.example"
OURS = f"http://127.0.0.1:{PORT}"
LIMIT, FORM_LIMIT = 262_144, 65_536
NEAR, FAR = ("127.0.0.1", 50_000), ("192.0.2.7", 50_000)

BINDS = {"127.0.0.1": NEAR, "::1": ("::1", 50_000), "0.0.0.0": FAR}  # noqa: S104 - asked about
HOSTS = (
    f"127.0.0.1:{PORT}",
    f"localhost:{PORT}",
    f"[::1]:{PORT}",
    "dm.example",
    "evil.example",
    f"evil.example:{PORT}",
    "127.0.0.1",
)
ORIGINS = ("", PAGE, OURS, "https://evil.example", "null")
KINDS = ("application/json", "application/x-www-form-urlencoded", "text/plain", "")
METHODS = ("POST", "GET", "DELETE", "PUT", "OPTIONS", "PATCH")
AUTHS = ("all", "read", "wrong", "none", "basic", "twice")
SIZES = (100, FORM_LIMIT + 1, LIMIT + 1)
ROUTES = (
    "/mcp",
    "/messages/",
    "/sse",
    "/nothing",
    "/",
    "/.well-known/oauth-protected-resource",
    "/approvals",
    "/approvals/state",
    "/approvals/enter",
    "/approvals/unlock",
    "/approvals/keys/pin",
    "/approvals/send/1/approve",
    "/approvals/style.css",
)


@dataclass(frozen=True)
class Cell:
    """One way to knock."""

    bind: str = "127.0.0.1"
    host: str = HOSTS[0]
    origin: str = ""
    kind: str = KINDS[0]
    method: str = "POST"
    auth: str = "all"
    size: int = 100
    route: str = "/mcp"


AXES: dict[str, tuple[object, ...]] = {
    "bind": tuple(BINDS),
    "host": HOSTS,
    "origin": ORIGINS,
    "kind": KINDS,
    "method": METHODS,
    "auth": AUTHS,
    "size": SIZES,
    "route": ROUTES,
}

STREAM = 0
"""What stands for the open stream of an older client."""

FORM = Cell(origin=OURS, kind=KINDS[1], auth="none", route="/approvals/enter")
"""What a form of the page looks like: all fits but that no browser with a session sends it."""


def cells() -> Iterator[Cell]:
    """Yield each pair of deviations from a good request to MCP and from a form of the page, and a
    thousand more at random."""
    for good in (Cell(), FORM):
        for first, firsts in AXES.items():
            for second, seconds in AXES.items():
                if first < second:
                    for one in firsts:
                        for two in seconds:
                            yield replace(good, **{first: one, second: two})  # type: ignore[arg-type]
    rng = random.Random(4)  # noqa: S311 - a test's dice
    for _ in range(1_000):
        given = {axis: rng.choice(values) for axis, values in AXES.items()}
        yield Cell(**given)  # type: ignore[arg-type]


def expected(cell: Cell) -> int:
    """Return the status that a cell must get, by the pages of the documentation."""
    return _of_page(cell) if cell.route.startswith("/approvals") else _of_mcp(cell)


def _of_mcp(cell: Cell) -> int:
    posts, large = cell.method == "POST", cell.size > LIMIT
    in_order = (
        (421, cell.host not in HOSTS[:4]),
        (403, cell.origin not in ("", PAGE)),
        (405, cell.method not in ("POST", "GET", "DELETE")),
        (401, cell.auth not in ("all", "read")),
        (415, posts and cell.kind != "application/json"),
        (413, posts and large),
        (403, posts and cell.auth == "read"),  # it asks to send
        (413, cell.route == "/mcp" and cell.method == "DELETE" and large),
        (STREAM, cell.route == "/sse" and cell.method == "GET"),
        (200, cell.route == "/mcp" and posts),
        (400, cell.route == "/messages/" and posts),
        (405, cell.route in ("/mcp", "/messages/", "/sse")),
    )
    return next((status for status, applies in in_order if applies), 404)


def _of_page(cell: Cell) -> int:
    if cell.host not in HOSTS[:3]:
        return 421
    if BINDS[cell.bind] is FAR:
        return 403
    ours = cell.origin == f"http://{cell.host}"
    if (cell.origin and not ours) or (cell.method == "POST" and not ours):
        return 403
    if cell.method not in ("GET", "POST"):
        return 405
    if cell.method == "POST" and cell.kind != "application/x-www-form-urlencoded":
        return 415
    if cell.method == "POST" and cell.size > FORM_LIMIT:
        return 413
    if cell.route == "/approvals/style.css":
        return 200 if cell.method == "GET" else 405
    posts = ("enter", "unlock", "pin", "approve")
    only = "POST" if cell.route.endswith(posts) else "GET"
    return 401 if cell.method == only else 405


async def test_every_cell_gets_its_status_and_no_other_a_2xx(tmp_path: Path, tell: Tell) -> None:
    """What is not meant to pass does not, wherever it comes from and whatever else it says."""
    # A stream that opens never ends; that one opens with a token alone has a test of its own.
    every = [one for one in dict.fromkeys(cells()) if expected(one) != STREAM]
    wrong: list[str] = []
    passed = 0
    async with rig(tmp_path) as program:
        app = program.app
        fixed = fixed_token(HttpSettings.model_validate({"token": TOKEN}), app.clock)
        callers = Callers(Tokens(tmp_path), app.clock, fixed=fixed)
        read = Tokens(tmp_path).add("reader", [READ], None, app.clock.now())
        page = page_of(room_of(app, PORT, place_of(app, PORT)))
        for bind, client in BINDS.items():
            settings = HttpSettings(
                host=bind, sse=True, allowed_hosts=("dm.example",), allowed_origins=(PAGE,)
            )
            mcp, _ = web({ALONE: lambda: nullcontext(app)}, callers, settings, PORT)
            transport = httpx2.ASGITransport(app=Beside(page, mcp), client=client)
            async with (
                mcp.router.lifespan_context(mcp),
                httpx2.AsyncClient(transport=transport, base_url=OURS) as knocking,
            ):
                for cell in (one for one in every if one.bind == bind):
                    got = (await knocking.send(_request(knocking, cell, read))).status_code
                    passed += 200 <= got < 300
                    if got != expected(cell):
                        wrong.append(f"{got}, not {expected(cell)}: {cell}")
    tell(f"HTTP matrix: {len(every)} cells, {passed} of them 2xx, {len(wrong)} not as expected")
    assert wrong == []
    assert len(every) >= 300
    assert passed == sum(expected(cell) == 200 for cell in every) > 10


def _request(client: httpx2.AsyncClient, cell: Cell, read: str) -> httpx2.Request:
    asks = {"name": "send_dm", "arguments": {"text": "hi", "to": JUNE}, "_meta": ENVELOPE}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asks})
    headers = [
        ("host", cell.host),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "send_dm"),
        *([("origin", cell.origin)] if cell.origin else []),
        *([("content-type", cell.kind)] if cell.kind else []),
        *_auth(cell.auth, read),
    ]
    content = body.ljust(cell.size) if cell.method != "GET" else None
    return client.build_request(cell.method, cell.route, headers=headers, content=content)


def _auth(auth: str, read: str) -> list[tuple[str, str]]:
    given = {
        "all": [shown()],
        "read": [shown(read)],
        "wrong": [shown("x" * 40)],
        "none": [],
        "basic": [{"authorization": f"Basic {TOKEN}"}],
        "twice": [shown(), shown()],
    }
    return [pair for one in given[auth] for pair in one.items()]
