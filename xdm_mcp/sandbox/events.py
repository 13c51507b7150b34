"""What a journal can say: the events whose fold is the world, and their form as JSON.

Everything in an event is plain JSON, so that a journal reads the same in every process.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.threads import Placed


@dataclass(frozen=True, slots=True)
class Created:
    """The first event: which story the world begins with. The line's time is when."""

    story: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A message was accepted; `text` is exactly what was received."""

    id: str
    conversation_id: str
    sender_id: str
    text: str
    via: str
    media_id: str | None = None
    placed: Placed = "inbox"


@dataclass(frozen=True, slots=True)
class GroupOpened:
    """A group conversation began."""

    id: str
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonAdded:
    """Somebody new exists."""

    id: str
    handle: str
    name: str
    open_inbox: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """An account deleted a message from its own view."""

    account_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """An account began (`on`) or ceased to block another."""

    account_id: str
    other_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt was counted, once for each pair of `scopes` and `periods` (seconds)."""

    scopes: tuple[str, ...]
    name: str
    periods: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Charged:
    """Something was billed, in micro-dollars."""

    item: str
    micro: int


@dataclass(frozen=True, slots=True)
class CreditSet:
    """The balance before everything billed so far is now this much, in micro-dollars."""

    micro: int


@dataclass(frozen=True, slots=True)
class MediaBegun:
    """An upload was announced."""

    id: str
    owner_id: str
    media_type: str
    category: str
    total_bytes: int
    shared: bool


@dataclass(frozen=True, slots=True)
class MediaAppended:
    """A segment of an upload arrived; its bytes are kept under their digest."""

    id: str
    segment: int
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaFinished:
    """An upload is complete; usable `ready_after` seconds from then."""

    id: str
    sha256: str
    ready_after: int


@dataclass(frozen=True, slots=True)
class FaultSet:
    """The next matching requests shall go wrong."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class FaultUsed:
    """A fault struck once."""

    id: str


@dataclass(frozen=True, slots=True)
class FaultsCleared:
    """No fault is set any more."""


@dataclass(frozen=True, slots=True)
class ClockShifted:
    """The world's clock now differs from the machine's by this many milliseconds."""

    shift_ms: int


Event = (
    Created
    | Posted
    | GroupOpened
    | PersonAdded
    | Deleted
    | Blocked
    | Attempted
    | Charged
    | CreditSet
    | MediaBegun
    | MediaAppended
    | MediaFinished
    | FaultSet
    | FaultUsed
    | FaultsCleared
    | ClockShifted
)

KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in Event.__args__}
FORMAT: Literal[1] = 1
"""The version of the journal's form, told by its first line."""


def to_json(event: Event) -> dict[str, Any]:
    """Return `event` as a JSON object."""
    return {"kind": type(event).__name__, **asdict(event)}


def from_json(fields: dict[str, Any]) -> Event:
    """Return the event that a JSON object tells. Raises ValueError for anything else."""
    plain = dict(fields)
    kind = KINDS.get(plain.pop("kind", ""))
    if kind is None:
        raise ValueError("no such kind of event")
    if kind is FaultSet:
        plain["fault"] = Fault(**plain["fault"])
    try:
        made: Event = kind(**{key: _frozen(value) for key, value in plain.items()})
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}") from error
    return made


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
