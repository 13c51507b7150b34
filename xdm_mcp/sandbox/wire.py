"""What a façade is: pure functions from a request and a hold of the world to an answer.

Nothing here knows HTTP libraries or any one service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request that has arrived whole.

    Header names are lower case. `form` holds the fields of a multipart body, files as bytes.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    form: Mapping[str, str | bytes] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Facade(Protocol):
    """One service's wire over the world."""

    @property
    def name(self) -> str:
        """The name that deliveries and the log of requests carry, such as `x-api-v2`."""
        ...

    @property
    def error_names(self) -> frozenset[str]:
        """The errors that a fault may ask for by name."""
        ...

    def owns(self, request: WireRequest) -> bool:
        """Whether a request is this service's: by its path, and where services share paths, by how
        it says who calls."""
        ...

    def answer(self, request: WireRequest, hold: Hold) -> Answer:
        """Do what the request asks and answer as the service would."""
        ...

    def faulted(self, request: WireRequest, fault: Fault, hold: Hold) -> Answer:
        """Answer a `status` or `rate_limit` fault in the service's own words, without acting.

        Raises KeyError where the fault names an error that the service does not know.
        """
        ...


def json_bytes(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8; half a character in it becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
