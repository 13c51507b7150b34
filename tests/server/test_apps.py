"""The card of a held send, for hosts that draw cards: it shows everything and decides nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import TextResourceContents

from tests.rigs import IRIS, Rig, rig
from tests.server.asking import MODES
from tests.server.page.browsing import chromium, in_a_browser
from xdm_mcp.server.apps import CARD, META, card
from xdm_mcp.server.build import build_server

DRAWS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


def connect(program: Rig, mode: str, **more: Any) -> Client:
    """Connect in process."""
    return Client(build_server(program.app), mode=mode, **more)


@pytest.mark.parametrize("mode", MODES)
async def test_a_host_that_draws_cards_gets_the_whole_view_beside_the_result(
    mode: str, tmp_path: Path
) -> None:
    """Recipient, exact text, reasons and digest are in the part that no model reads."""
    async with rig(tmp_path) as program:
        async with connect(program, mode, extensions=DRAWS) as client:
            held = await client.call_tool("send_dm", {"to": IRIS, "text": "Tab\there"})
        (entry,) = await program.app.outbox.waiting()
    assert held.meta is not None
    assert entry.hold is not None
    shown = held.meta[META]
    assert f"Digest: {entry.hold.digest}" in shown["after"]
    assert shown["text"] == "Tab⟦U+0009⟧here"
    assert any(f"numeric id {IRIS}" in line for line in shown["before"])
    assert not any("\n" in line for line in [*shown["before"], *shown["after"]])
    assert META not in str(held.structured_content)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "more", [{}, {"extensions": [advertise(EXTENSION_ID, {"mimeTypes": ["text/html"]})]}]
)
async def test_other_hosts_get_the_result_alone(
    mode: str, more: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing is added for a host that draws no cards of our kind."""
    async with rig(tmp_path) as program, connect(program, mode, **more) as client:
        held = await client.call_tool("send_dm", {"to": IRIS, "text": "hi"})
    assert META not in (held.meta or {})


@pytest.mark.parametrize("mode", MODES)
async def test_the_card_adds_no_tool_and_lets_no_app_send(mode: str, tmp_path: Path) -> None:
    """Hosts that draw cards list the same four tools, and an app may call none to approve."""
    async with rig(tmp_path) as program, connect(program, mode, extensions=DRAWS) as client:
        tools = {tool.name: tool.meta for tool in (await client.list_tools()).tools}
        declared = client.server_capabilities.extensions or {}
    # 2025-11-25 has no word for a server's extensions; there the tool's own declaration is all.
    assert (EXTENSION_ID in declared) is (mode == "auto")
    assert set(tools) == {"send_dm", "list_dms", "check_can_dm", "quota_status"}
    assert tools["send_dm"] == {"ui": {"resourceUri": CARD, "visibility": ["model"]}}


@pytest.mark.parametrize("mode", MODES)
async def test_the_card_asks_for_no_network_and_no_frames(mode: str, tmp_path: Path) -> None:
    """The host is asked to allow nothing, in the form that the extension defines."""
    async with rig(tmp_path) as program, connect(program, mode) as client:
        (content,) = (await client.read_resource(CARD)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == APP_MIME_TYPE
    assert content.meta is not None
    assert not any(content.meta["ui"]["csp"].values())
    assert content.text == card()


def test_the_cards_own_policy_runs_its_own_script_and_nothing_else() -> None:
    """One script and one style by digest; no other source of anything, no markup from words."""
    page = card()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    for kind in ("script", "style"):
        (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(
        r"innerHTML|insertAdjacent|document\.write|eval|http", page.split("<body>")[1]
    )
    assert "tools/call" not in page


MARGINS = """body => {
  const lefts = (part) => {
    const range = document.createRange();
    range.selectNodeContents(part);
    return [...range.getClientRects()].map((line) => line.left);
  };
  const firsts = [...body.querySelectorAll("li")].map((row) => lefts(row)[0]);
  const wrapped = [...body.querySelectorAll("li")].flatMap((row) => lefts(row).slice(1));
  return [firsts, [...lefts(body.querySelector("#text")), ...wrapped]];
}"""
"""Where the lines of ours begin that a frame shows, and where those of the message and whatever was
wrapped do."""

HOST = """
<iframe sandbox="allow-scripts" style="width:100%;height:600px"></iframe>
<script>
  window.said = [];
  const frame = document.querySelector("iframe");
  window.addEventListener("message", (event) => {
    window.said.push(event.data);
    if (event.data.method === "ui/initialize") {
      frame.contentWindow.postMessage({jsonrpc: "2.0", id: event.data.id, result: {}}, "*");
    }
  });
  window.draw = (card) => { frame.srcdoc = card; };
  window.tell = (params) => frame.contentWindow.postMessage(
    {jsonrpc: "2.0", method: "ui/notifications/tool-result", params}, "*");
</script>
"""
"""A host that draws a card in a sandboxed frame and keeps what the card says to it."""


@in_a_browser
async def test_a_host_draws_the_card_and_its_button_asks_for_the_page_alone() -> None:
    """The script runs under its own policy, words stay words, and the button opens a link."""
    before, after = ["Send this?", "To: <b>@iris</b>" + " a" * 100], ["Cost: <i>1</i>"]
    text = "<img src=x onerror=alert(1)>\n⟦U+202E⟧</pre><b>bold</b>" + " Cost: 0" * 60
    held = {"before": before, "text": text, "after": after}
    page = "http://localhost:9000/approvals"
    async with chromium() as browser:
        tab = await browser.new_page(viewport={"width": 360, "height": 640})
        complaints: list[str] = []
        tab.on("console", lambda line: complaints.append(line.text))
        await tab.set_content(HOST)
        await tab.evaluate("card => window.draw(card)", card())
        heard = "name => window.said.some(one => one.method === name)"
        await tab.wait_for_function(heard, arg="ui/notifications/initialized")
        await tab.evaluate(
            "params => window.tell(params)", {"_meta": {META: held | {"page": page}}}
        )
        frame = tab.frame_locator("iframe")
        await frame.get_by_role("button").click()
        await tab.wait_for_function(heard, arg="ui/open-link")
        said = await tab.evaluate("() => window.said")
        assert await frame.locator("#before li").all_inner_texts() == before
        assert await frame.locator("#text").inner_text() == text
        assert await frame.locator("#after li").all_inner_texts() == after
        assert await frame.locator("#text *, li *").count() == 0
        ours, box = await frame.locator("body").evaluate(MARGINS)
        assert min(box) > max(ours)
        assert "NOT SENT" in await frame.locator("h1").inner_text()
    assert [one["params"] for one in said if one["method"] == "ui/open-link"] == [{"url": page}]
    assert {one["method"] for one in said} == {
        "ui/initialize",
        "ui/notifications/initialized",
        "ui/notifications/size-changed",
        "ui/open-link",
    }
    assert complaints == []
