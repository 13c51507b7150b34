"""What the desk page shows at one moment, gathered once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

from xdm_mcp.app import App
from xdm_mcp.approvals.desk import Past
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.errors import XdmError
from xdm_mcp.models.factors import WrongPins
from xdm_mcp.models.results import Money, QuotaStatus
from xdm_mcp.models.sends import Entry
from xdm_mcp.outbox.sending import WAITING
from xdm_mcp.server.page.room import version_of
from xdm_mcp.spelling import one_line

PAST = 20
"""How many sends of the past are shown."""

REMEMBERED = timedelta(days=7)
"""For how long the page tells of wrong PINs."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What the owner can prove with."""

    pin: bool
    passkeys: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """Money spent against a bound; `share` is in per cent, and 0 where there is no bound."""

    name: str
    spent: str
    bound: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Shown:
    """The desk page at one moment. `quota` is None where it could not be had; `trouble` says why.

    `unknown` are the sends that only a person can settle, `wrong` the wrong PINs of late.
    """

    held: tuple[HeldView, ...]
    unknown: tuple[Entry, ...]
    past: tuple[Past, ...]
    factors: Factors
    quota: QuotaStatus | None
    trouble: str = ""
    wrong: WrongPins | None = None

    @property
    def gauges(self) -> str:
        """What changes when the limits must be drawn anew."""
        return _short(self.quota.model_dump_json() if self.quota else self.trouble)

    @property
    def seen(self) -> str:
        """What changes when anything on the page must be drawn anew."""
        held = [(view.approval_id, version_of(view)) for view in self.held]
        unknown = [entry.id for entry in self.unknown]
        past = [(one.approval_id, one.state) for one in self.past]
        return _short(repr((held, unknown, past, self.factors, self.wrong, self.gauges)))


async def look(app: App) -> Shown:
    """Return what the desk page shows now. Raises what the ledger may raise."""
    held = await app.desk.held()
    past = tuple(one for one in await app.desk.history(PAST) if one.state not in WAITING)
    quota, trouble = await _quota(app)
    wrong = await app.ledger.wrong_pins(app.clock.now() - REMEMBERED)
    return Shown(held, await _unknown(app), past, await factors(app), quota, trouble, wrong)


async def factors(app: App) -> Factors:
    """Return what the owner can prove with."""
    desk = app.desk
    return Factors(await desk.pin.is_set(), bool(await desk.passkeys.known()))


def money(spent: Money) -> list[Gauge]:
    """Return what was spent today and in all as gauges."""
    return [
        _gauge("spent today", spent.today_usd, spent.per_day_usd),
        _gauge("spent in all", spent.total_usd, spent.max_total_usd),
    ]


async def _quota(app: App) -> tuple[QuotaStatus | None, str]:
    try:
        return await app.desk.quota(), ""
    except XdmError as error:
        return None, str(error)


async def _unknown(app: App) -> tuple[Entry, ...]:
    return tuple(
        replace(entry, handle=one_line(entry.handle) if entry.handle else None)
        for entry in await app.ledger.unknown()
        if only_a_person_knows(entry)
    )


def only_a_person_knows(entry: Entry) -> bool:
    """Whether nothing reads an unknown send back any more."""
    return entry.next_read_at is None and entry.reads > 0


def _gauge(name: str, spent: str, bound: str | None) -> Gauge:
    share = float(100 * Decimal(spent) / Decimal(bound)) if bound and Decimal(bound) else 0.0
    return Gauge(name, spent, bound, share)


def _short(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
