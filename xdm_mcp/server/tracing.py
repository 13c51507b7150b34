"""Steps as OpenTelemetry spans, inside those that the SDK makes of each request. With the extra
`xdm-mcp[watch]`, or where somebody else set a provider up, such as `opentelemetry-instrument`.

A span says what was done and how it ended, in words of ours: no path, no id, no handle, no text and
no exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from xdm_mcp import __version__
from xdm_mcp.errors import ConfigError
from xdm_mcp.ledger.base import Reservation
from xdm_mcp.steps import Step, Steps

SERVICE = "xdm-mcp"


def trace_steps(steps: Steps) -> None:
    """Make a span of each step from now on, at the process's own provider.

    Raises ConfigError where there is none and the extra is not installed.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        _export()
    tracer = trace.get_tracer(SERVICE, __version__)

    @contextmanager
    def span(step: Step) -> Iterator[None]:
        if step.kind == "tool":  # the SDK has a span for it
            yield
            return
        kind, name = (SpanKind.CLIENT, "backend") if step.kind == "request" else (None, "ledger")
        with tracer.start_as_current_span(
            f"{name} {step.name}",
            kind=kind or SpanKind.INTERNAL,
            record_exception=False,
            set_status_on_exception=False,
        ) as one:
            try:
                yield
            finally:
                one.set_attribute("xdm.outcome", step.outcome)
                if isinstance(step.result, Reservation) and step.result.decision is not None:
                    one.set_attribute("xdm.verdict", step.result.decision.verdict.name.lower())
                if not (step.outcome == "ok" or step.outcome.startswith("2")):
                    one.set_status(Status(StatusCode.ERROR))

    steps.spans = span


def _export() -> None:
    """Send spans as the OTEL_ variables say (opentelemetry.io, environment variables, 2026-08)."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigError(
            "Traces need more packages; run `uv tool install '.[watch]'` in a checkout, or unset"
            " watch.traces."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
