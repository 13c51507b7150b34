"""The page's gate, as a matrix: every route against every way in which somebody else may knock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.page.rooms import AS_OURS, ORIGIN, PORT, page
from xdm_mcp.server.page.routes import page_of, routes_of
from xdm_mcp.server.page.visitors import HEADERS, LARGEST_FORM, Visitors, loopback_origins

FORM = {"content-type": "application/x-www-form-urlencoded"}

STRANGERS: dict[str, tuple[dict[str, str], int]] = {
    "another host": ({"host": "evil.example"}, 421),
    "a host that rebinds": ({"host": f"evil.example:{PORT}"}, 421),
    "our host on another port": ({"host": "localhost:1"}, 421),
    "our host without its port": ({"host": "localhost"}, 421),
    "another site": ({"origin": "https://evil.example"}, 403),
    "another port of this machine": ({"origin": "http://localhost:3000"}, 403),
    "our name at another address": ({"origin": f"http://127.0.0.1:{PORT}"}, 403),
    "our page by TLS": ({"origin": f"https://localhost:{PORT}"}, 403),
    "a page without an origin": ({"origin": "null"}, 403),
    "a cross-site visit": ({"sec-fetch-site": "cross-site"}, 403),
    "a proxy": ({"x-forwarded-for": "192.0.2.7"}, 403),
    "a proxy by the standard": ({"forwarded": "for=192.0.2.7"}, 403),
    "a proxy that says only that it is one": ({"via": "1.1 proxy"}, 403),
    "a same-site visit": ({"sec-fetch-site": "same-site"}, 403),
}

UNFIT: dict[str, tuple[dict[str, str], int]] = {
    "no origin": ({"origin": ""}, 403),
    "json": ({"content-type": "application/json"}, 415),
    "plain text": ({"content-type": "text/plain"}, 415),
    "a file form": ({"content-type": "multipart/form-data; boundary=x"}, 415),
    "no type": ({"content-type": ""}, 415),
    "a huge form": ({"content-length": str(LARGEST_FORM + 1)}, 413),
    "a form beyond all numbers": ({"content-length": "9" * 5000}, 413),
    "a form of unknown length": ({"content-length": ""}, 411),
}


def addresses(room: Any) -> list[tuple[str, str]]:
    """Return (method, path) of each route of the page, with something in each gap."""
    found = []
    for route in routes_of(room):
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        found += [(method, path) for method in sorted(route.methods or {"GET"}) if method != "HEAD"]
    return found


def test_every_route_is_in_the_matrix(tmp_path: Path) -> None:
    """The page has the routes that the matrix is about; a new one is tested by being there."""
    from xdm_mcp.server.page.room import Room

    room = Room.__new__(Room)
    listed = addresses(room)
    assert len(listed) == len(set(listed)) >= 18
    assert {method for method, _ in listed} == {"GET", "POST"}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_strangers_are_refused_on_every_route(stranger: str, tmp_path: Path) -> None:
    """No route answers another site, another name or another port, session or not."""
    given, status = STRANGERS[stranger]
    async with page(tmp_path) as desk:
        await desk.enter()
        for method, path in addresses(desk.room):
            headers = AS_OURS | FORM | given
            answer = await desk.client.request(method, path, headers=headers, content="token=1")
            assert answer.status_code == status, (method, path)
            assert HEADERS.items() <= {**_titled(answer)}.items(), (method, path)


@pytest.mark.parametrize("unfit", UNFIT)
async def test_what_no_form_of_ours_sends_is_refused(unfit: str, tmp_path: Path) -> None:
    """Each route that takes a form takes nothing else."""
    given, status = UNFIT[unfit]
    async with page(tmp_path) as desk:
        await desk.enter()
        for method, path in addresses(desk.room):
            if method == "POST":
                headers = {k: v for k, v in (AS_OURS | FORM | given).items() if v}
                request = desk.client.build_request(method, path, headers=headers)
                huge = unfit in ("a huge form", "a form beyond all numbers")
                if not huge:
                    request.headers.pop("content-length", None)
                if not huge and unfit != "a form of unknown length":
                    request.headers["content-length"] = "0"
                answer = await desk.client.send(request)
                assert answer.status_code == status, path


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_no_other_method_is_answered(method: str, tmp_path: Path) -> None:
    """A preflight is refused as well: no other site is ever allowed anything."""
    async with page(tmp_path) as desk:
        for _, path in addresses(desk.room):
            answer = await desk.client.request(method, path, headers=AS_OURS)
            assert answer.status_code == 405
            assert "access-control-allow-origin" not in answer.headers


async def test_without_a_session_every_route_gives_nothing_away(tmp_path: Path) -> None:
    """Nobody but a browser that a ticket let in reads or decides anything; bearer tokens, such as
    an agent has, change nothing."""
    async with page(tmp_path) as desk:
        await desk.rig.send("A secret text.")
        for method, path in addresses(desk.room):
            headers = AS_OURS | FORM | {"authorization": "Bearer owner"}
            answer = await desk.client.request(method, path, headers=headers, content="token=1")
            public = re.search(r"/(style\.css|page\.js|icon\.svg|enter/1)$", path)
            assert answer.status_code == (200 if public else 401), path
            assert "secret" not in answer.text


async def test_no_answer_may_be_framed_kept_or_sniffed(tmp_path: Path) -> None:
    """Every answer, the page and its files alike, forbids frames, foreign code, caches and
    guessing."""
    async with page(tmp_path) as desk:
        await desk.enter()
        for path in ("", "/keys", "/rules", "/state", "/style.css", "/page.js", "/nowhere"):
            answer = await desk.get(path)
            assert HEADERS.items() <= {**_titled(answer)}.items(), path
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy


async def test_the_pages_hold_no_code_and_no_style_of_their_own(tmp_path: Path) -> None:
    """What the policy of the page forbids is not in it either."""
    async with page(tmp_path) as desk:
        await desk.set_pin()
        await desk.rig.send()
        await desk.enter()
        for path in ("", "/keys", "/rules", f"/enter/{desk.ticket()}"):
            html = (await desk.get(path)).text
            assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", html)
            assert not re.search(r"(src|href|action)=\"(?!/approvals)", html)


@pytest.mark.parametrize("client", [("192.0.2.7", 4000), ("fe80::1", 4000), None, ("what", 1)])
async def test_other_machines_may_not_come(client: Any, tmp_path: Path) -> None:
    """Only this machine is let in, even where the server listens for all."""
    async with page(tmp_path) as desk:
        transport = httpx2.ASGITransport(app=page_of(desk.room), client=client)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as far:
            assert (await far.get("/approvals")).status_code == 403


async def test_other_machines_may_come_by_the_address_that_the_owner_set(tmp_path: Path) -> None:
    """Behind a proxy the page is known by its configured address alone; its cookie needs TLS."""
    async with page(tmp_path) as desk:
        desk.room.visitors = Visitors(loopback_origins(PORT), "https://dm.example")
        transport = httpx2.ASGITransport(app=page_of(desk.room), client=("192.0.2.7", 4000))
        async with httpx2.AsyncClient(transport=transport, base_url="https://dm.example") as far:
            assert (await far.get("/approvals")).status_code == 401
            proxied = {"x-forwarded-for": "192.0.2.9", "via": "1.1 dm.example"}
            assert (await far.get("/approvals", headers=proxied)).status_code == 401
            headers = {"origin": "https://dm.example", "sec-fetch-site": "same-origin"}
            form = {"ticket": desk.ticket()}
            entered = await far.post("/approvals/enter", data=form, headers=headers)
            assert entered.status_code == 303
            cookie = entered.headers["set-cookie"]
            assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=strict"))
            assert (await far.get("/approvals")).status_code == 200
            other = await far.get("/approvals", headers={"host": f"localhost:{PORT}"})
            assert other.status_code == 403


def _titled(answer: httpx2.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in HEADERS if name in answer.headers}
