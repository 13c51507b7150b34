"""Ways to break the program on purpose, each of them a fault that others have had. A harness that
does not see them would prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

from xdm_mcp.backends.base import Picture
from xdm_mcp.backends.http import Answer, NoAnswer, Wire
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.ledger import (
    elsewhere,
    peers,
    recording,
    reserving,
    settling,
    sweeping,
    windows,
    withholding,
)
from xdm_mcp.ledger.entries import change, load
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.sends import Entry, Outcome, SendState, Target


def calls_the_interrupted_unsent() -> None:
    """A send whose process died after the request left counts as one that never left."""
    sweeping._doubt = sweeping._abandon


def sends_before_it_is_written_down() -> None:
    """The request leaves while the row still says that nothing has."""

    def dispatch(sql: Sql, owner: str, entry: Entry, now: int, **_: bool) -> Entry | None:
        return entry

    settling.dispatch = dispatch
    reserving._may_leave = lambda *_: False


def posts_again_after_no_answer() -> None:
    """A lost answer is taken for a lost request, as retry libraries do."""
    once = Wire.write

    async def write(self: Wire, path: str, *, share: float = 1.0, **body: Any) -> Answer:
        try:
            return await once(self, path, share=share, **body)
        except NoAnswer:
            return await once(self, path, share=share, **body)

    Wire.write = write  # type: ignore[method-assign]


def takes_doubt_for_a_refusal() -> None:
    """An answer that proves nothing counts as a refusal."""
    classified = XApiV2Backend.send

    async def send(
        self: XApiV2Backend, target: Target, text: str, picture: Picture | None
    ) -> Outcome:
        outcome = await classified(self, target, text, picture)
        doubt = outcome.state is SendState.UNKNOWN
        return replace(outcome, state=SendState.FAILED) if doubt else outcome

    XApiV2Backend.send = send  # type: ignore[method-assign]


def takes_absence_for_proof() -> None:
    """A read-back that does not find the message settles it as failed."""
    postponed = settling.postpone_read

    def postpone_read(sql: Sql, entry: Entry, next_read_at: int | None) -> Entry:
        stands = postponed(sql, entry, next_read_at)
        if stands.state is not SendState.UNKNOWN or next_read_at is not None:
            return stands
        return change(sql, load(sql, entry.id), state=SendState.FAILED, settled_at=0).entry

    settling.postpone_read = postpone_read


MUTANTS: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        calls_the_interrupted_unsent,
        sends_before_it_is_written_down,
        posts_again_after_no_answer,
        takes_doubt_for_a_refusal,
        takes_absence_for_proof,
    )
}
"""The mutants by name."""

HOUR = 60 * 60 * 1000
"""In ms."""

DECIDING: tuple[tuple[ModuleType, str, object], ...] = (
    (elsewhere, "DAY", 0),
    (peers, "CREDITS", 6),
    (peers, "CREDIT_SPAN", 25 * HOUR),
    (reserving, "KEY_LIVES", 10 * HOUR),
    (reserving, "RESERVED_FOR", HOUR),
    (withholding, "LATE", 50_000),
    (settling, "IN_FLIGHT_FOR", HOUR),
    (settling, "_owned", lambda stored, _, __, *states: stored.entry.state in states),
    (settling, "give_back", lambda *_, **__: None),
    (settling, "count_again", lambda *_: None),
    (settling, "book", lambda *_: None),
    (sweeping, "_doubt", sweeping._abandon),
    (sweeping, "_expire", lambda *_: None),
    (settling, "_let_go", lambda *_: None),
    (settling, "_not_it", lambda _, stored, *__: stored),
    (recording, "proves", lambda *_: False),
    (recording, "ON_ITS_WAY", 100 * HOUR),
    (windows, "WINDOW_MARGIN", timedelta()),
    (windows, "_honoured", lambda _: 0),
)
"""What decides in the ledger, each time with something wrong in its place: module, name, mutant."""
