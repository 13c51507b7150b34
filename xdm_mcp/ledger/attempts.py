"""What a circuit breaker is shown: how the latest attempts of an account ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from xdm_mcp.models.sends import Halt


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the latest settled attempts of an account, newest first, for circuit breakers."""

    state: str
    code: str | None
    first_contact: bool


Trip = Callable[[Sequence[Attempt]], Halt | None]
"""Looks at the latest attempts (at most 10, newest first) and may halt the account. Pure."""

Breaker = Callable[[Sequence[Attempt], datetime], Halt | None]
"""What a ledger trips where a sweep ended an attempt: as `Trip`, and it is told the moment. The
ledger is opened with it, since every process sweeps."""
