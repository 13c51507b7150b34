"""Spans from a tool to the ledger and the backend, the SDK's among them, without private text."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mcp.client import Client
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.rigs import IRIS, rig
from tests.server.asking import MODES
from tests.server.raw import ROOT
from tests.server.tenancy import ENVELOPE, MODERN, WIRES, message_of, two_principals
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError
from xdm_mcp.server.build import build_server
from xdm_mcp.server.tracing import trace_steps
from xdm_mcp.steps import Steps

CANARY = "canary words"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Have the SDK's spans and ours collected."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("mcp.shared._otel._tracer", provider.get_tracer("mcp-python-sdk"))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Return the newest span of each name."""
    return {span.name: span for span in exporter.get_finished_spans()}


def clients(span: ReadableSpan) -> bool:
    """Whether a span is of the client that the test drives: what that keeps is its own."""
    scope = span.instrumentation_scope
    return span.kind is SpanKind.CLIENT and scope is not None and scope.name == "mcp-python-sdk"


def forebears(exporter: InMemorySpanExporter, span: ReadableSpan) -> list[str]:
    """Return the names of the spans around one, from the inside out."""
    by_id = {one.context.span_id: one for one in exporter.get_finished_spans() if one.context}
    found = []
    parent = span.parent
    while parent is not None and parent.span_id in by_id:
        around = by_id[parent.span_id]
        found.append(around.name)
        parent = around.parent
    return found


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_is_seen_from_the_tool_to_the_backend(
    tmp_path: Path, spans: InMemorySpanExporter, mode: str
) -> None:
    """Each transaction and each request lies inside the SDK's span of the call; the guard's verdict
    stands on the transaction in which it was made."""
    async with rig(tmp_path) as here:
        trace_steps(here.app.steps)
        async with Client(build_server(here.app), mode=mode) as agent:
            await agent.call_tool("send_dm", {"to": IRIS, "text": "On its way."})
            seen = named(spans)
            for name in ("ledger reserve", "backend GET"):
                assert "tools/call send_dm" in forebears(spans, seen[name])
            assert seen["ledger reserve"].attributes is not None
            assert dict(seen["ledger reserve"].attributes) == {
                "xdm.outcome": "ok",
                "xdm.verdict": "hold",
            }
            assert seen["backend GET"].attributes is not None
            assert seen["backend GET"].attributes["xdm.outcome"] == "200"


@pytest.mark.parametrize("mode", MODES)
async def test_no_span_holds_private_text(
    tmp_path: Path, spans: InMemorySpanExporter, mode: str
) -> None:
    """Not in names, attributes, events or statuses, whatever goes wrong."""
    async with rig(tmp_path) as here:
        trace_steps(here.app.steps)
        await here.says(IRIS, CANARY)
        async with Client(build_server(here.app), mode=mode) as agent:
            page = await agent.call_tool("list_dms", {"with_user": IRIS})
            assert CANARY in str(page.structured_content)
            await agent.call_tool("list_dms", {"query": CANARY})
            await agent.call_tool("send_dm", {"to": IRIS, "text": CANARY, "note": CANARY})
            await agent.call_tool("send_dm", {"to": IRIS, "text": CANARY})
            await here.fault("drop_after")
            await here.send_approved(CANARY)
            for strange in (agent.call_tool, agent.get_prompt):
                with pytest.raises(Exception, match="There is no such"):
                    await strange(CANARY, {})
            with pytest.raises(Exception, match="must be"):
                await agent.get_prompt("draft_reply", {"conversation_id": CANARY})

            async def broken(**_: object) -> None:
                raise ValueError(CANARY)

            here.app.inbox.page = broken  # type: ignore[method-assign, assignment]
            await agent.call_tool("list_dms", {"limit": 3})
    told = "".join(span.to_json() for span in spans.get_finished_spans() if not clients(span))
    assert "ledger settle" in told
    assert CANARY not in told
    assert IRIS not in told
    assert "corner_shop" not in told


@pytest.mark.parametrize("wire", WIRES)
async def test_no_span_holds_words_that_a_client_put_where_none_belong(
    tmp_path: Path,
    spans: InMemorySpanExporter,
    wire: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a method that we do not serve, nor the id of a request, nor what a trace's state
    carries; the trace itself goes on."""
    trace = f"00-{'ab' * 16}-{'cd' * 8}-01"
    about = {"traceparent": trace, "tracestate": f"x={CANARY}", "baggage": f"x={CANARY}"}
    async with two_principals(tmp_path) as two:
        agent = await two.agent("alice", wire)
        envelope = about | (ENVELOPE if wire == MODERN else {})
        call = {"name": "quota_status", "arguments": {}, "_meta": envelope}
        for method, number in ((CANARY, 1), ("tools/call", CANARY)):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": call}
            said = await two.client.post("/mcp", json=message, headers=agent.headers(method, call))
            assert message_of(said)["id"] == number
        news = {"jsonrpc": "2.0", "method": CANARY}
        await two.client.post("/mcp", json=news, headers=agent.headers(CANARY, {}))
    told = [span.to_json() for span in spans.get_finished_spans()]
    assert CANARY not in "".join(told) + caplog.text
    seen = named(spans)["tools/call quota_status"]
    assert seen.context is not None
    assert f"{seen.context.trace_id:x}" == "ab" * 16


async def test_without_the_setting_no_span_of_ours_is_made(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    """The SDK's own go on as they were."""
    async with rig(tmp_path) as here, Client(build_server(here.app)) as agent:
        await agent.call_tool("quota_status", {})
    assert [name for name in named(spans) if name.startswith(("ledger", "backend"))] == []
    assert "tools/call quota_status" in named(spans)


def test_without_the_extra_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who asks for traces that nobody takes learns what is missing."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"uv tool install '\.\[watch\]'"):
        trace_steps(Steps())


def test_traces_are_off_unless_the_owner_turns_them_on(tmp_path: Path) -> None:
    """Nothing goes anywhere by default."""
    assert not load(home=tmp_path, env={}).watch.traces


CHILD = """
import sys
from pathlib import Path
import anyio
from mcp.client import Client
from xdm_mcp.app import open_app
from xdm_mcp.config import load
from xdm_mcp.server.build import build_server

async def main():
    async with open_app(load(home=Path(sys.argv[1]))) as app:
        async with Client(build_server(app)) as client:
            await client.call_tool("send_dm", {"to": "2200000011", "text": "canary words"})

anyio.run(main)
"""


def test_the_setting_sends_spans_where_the_usual_variables_say(tmp_path: Path) -> None:
    """A collector gets them, over OTLP, from a program that was told nothing but its address."""
    heard: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        serving = threading.Thread(target=collector.serve_forever, daemon=True)
        serving.start()
        env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        env |= {
            "XDM_WATCH__TRACES": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        command = [sys.executable, "-c", CHILD, str(tmp_path)]
        subprocess.run(command, check=True, cwd=ROOT, env=env, timeout=60)
        collector.shutdown()
        serving.join()
    assert {path for path, _ in heard} == {"/v1/traces"}
    told = b"".join(body for _, body in heard)
    for name in (b"tools/call send_dm", b"ledger reserve", b"backend GET", b"xdm-mcp"):
        assert name in told
    assert b"canary words" not in told
