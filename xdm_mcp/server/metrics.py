"""What the server counts, as Prometheus reads it. With the extra `xdm-mcp[watch]` only.

Labels are words of ours: tools, statuses, operations of the ledger, names of limits. Never an id, a
handle, a conversation or a text. Where one process serves several accounts, counts are sums over
all, and what remains is that of whoever has least.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from xdm_mcp.app import App
from xdm_mcp.errors import XdmError
from xdm_mcp.models.results import QuotaStatus
from xdm_mcp.models.sends import Entry
from xdm_mcp.server.health import Watched
from xdm_mcp.steps import Step

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Bounds in seconds for what happens on this machine."""

SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds in seconds for what waits for others."""


class Counters:
    """The counts of one process, kept in a registry of their own."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._calls = Counter(
            "xdm_tool_calls", "Calls of tools.", ["tool", "status"], registry=registry
        )
        self._call_seconds = Histogram(
            "xdm_tool_seconds", "How long calls took.", ["tool"], buckets=SLOW, registry=registry
        )
        self._sends = Counter(
            "xdm_sends", "Attempts to send, by how they ended.", ["outcome"], registry=registry
        )
        self._reads = Counter(
            "xdm_reads", "Reads that were booked or refused.", ["outcome"], registry=registry
        )
        self._ledger = Histogram(
            "xdm_ledger_seconds",
            "Transactions of the ledger.",
            ["operation"],
            buckets=QUICK,
            registry=registry,
        )
        self._ledger_failures = Counter(
            "xdm_ledger_failures", "Transactions that failed.", ["code"], registry=registry
        )
        self._requests = Counter(
            "xdm_backend_requests",
            "Requests to the backend, by HTTP status or failure.",
            ["method", "outcome"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "xdm_backend_seconds",
            "How long requests to the backend took.",
            ["method"],
            buckets=SLOW,
            registry=registry,
        )
        self._accounts = Gauge("xdm_accounts_open", "Accounts that are open.", registry=registry)
        self._streams = Gauge(
            "xdm_streams_open", "Clients that listen for changes.", registry=registry
        )
        self._lag = Gauge(
            "xdm_inbox_poll_lag_seconds",
            "Seconds since a watched inbox was last looked at; 0 where nobody watches.",
            registry=registry,
        )
        self._holds = Gauge("xdm_holds_waiting", "Sends that wait for a person.", registry=registry)
        self._halts = Gauge("xdm_halts", "Halts in force.", registry=registry)
        self._remaining = Gauge(
            "xdm_window_remaining", "What a limit still allows.", ["window"], registry=registry
        )
        self._spent = Gauge("xdm_spent_usd", "Money booked.", ["period"], registry=registry)

    def watch(self, app: App) -> None:
        """Count the steps of an app from now on."""
        app.steps.subscribe(self.note)

    def note(self, step: Step) -> None:
        """Count one step."""
        match step.kind:
            case "tool":
                self._calls.labels(step.name, step.outcome).inc()
                self._call_seconds.labels(step.name).observe(step.seconds)
            case "request":
                self._requests.labels(step.name, step.outcome).inc()
                self._request_seconds.labels(step.name).observe(step.seconds)
            case _:
                self._note_transaction(step)

    def _note_transaction(self, step: Step) -> None:
        self._ledger.labels(step.name).observe(step.seconds)
        if step.outcome != "ok":
            self._ledger_failures.labels(step.outcome).inc()
        if step.name == "book_read":
            self._reads.labels(step.outcome).inc()
        if step.name == "settle" and isinstance(step.result, Entry):
            self._sends.labels(step.result.state.value).inc()

    async def page(self, watched: Watched) -> bytes:
        """Return the page. It asks the ledger how things stand, and no backend."""
        self._streams.set(sum(parts.subscriptions.open for _, parts in watched.served))
        apps = [app for app, _ in watched.served]
        self._accounts.set(len(apps))
        self._lag.set(max((_lag(app) for app in apps), default=0.0))
        stands = [stand for app in apps if (stand := await _stand(app)) is not None]
        self._set(stands)
        return generate_latest(self._registry)

    def _set(self, stands: list[QuotaStatus]) -> None:
        self._holds.set(sum(len(stand.held) for stand in stands))
        self._halts.set(sum(len(stand.halts) for stand in stands))
        self._remaining.clear()
        for name, least in _least(stands):
            self._remaining.labels(name).set(least)
        for period, sums in (
            ("today", (stand.money.today_usd for stand in stands)),
            ("total", (stand.money.total_usd for stand in stands)),
        ):
            self._spent.labels(period).set(sum(map(float, sums)))


def _least(stands: list[QuotaStatus]) -> Iterable[tuple[str, int]]:
    found: dict[str, int] = {}
    for window in (window for stand in stands for window in stand.windows):
        found[window.name] = min(window.remaining, found.get(window.name, window.remaining))
    return found.items()


def _lag(app: App) -> float:
    looked = app.looked_at
    return (app.clock.now() - looked).total_seconds() if looked is not None else 0.0


async def _stand(app: App) -> QuotaStatus | None:
    """Return how an account stands, None for one that nobody has used yet: finding out whose it is
    would cost a request."""
    if not app.knows_account:
        return None
    try:
        return await app.standing.quota()
    except XdmError:
        return None
