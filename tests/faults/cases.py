"""The cases of the matrix: ways of sending, behaviours of X, seeds, and how X's world is told."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

ME = "2200000001"
IRIS, THEO, ASHA = "2200000011", "theo_sandbox", "2200000013"
"""People of the sandbox who wrote to us first."""

WAYS = ("send", "approved")
"""At once, under a policy that asks nobody; or through a person's approval. Names of jobs."""

HANG = 1.0
"""Seconds for which a hanging answer is not given."""

PATIENCE = 0.15
"""Seconds for which a send waits for it."""

SAID_BEFORE = json.dumps({"errors": [{"code": 151, "message": "Whoops! You already said that."}]})
"""What X once answered to a message that it had delivered (X developer forum, thread 28278)."""

FORBIDDEN = (SAID_BEFORE, "", '{"title":"Forbidden","type":"about:blank","status":403}')
"""Bodies of a 403 that prove nothing, one for each seed."""

BEHAVIOURS: dict[str, dict[str, Any] | None] = {
    "acts and answers": None,
    "acts and drops": {"kind": "drop_after"},
    "acts and hangs": {"kind": "delay", "when": "after", "seconds": HANG},
    "500 before": {"kind": "status", "status": 500, "when": "before"},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "403 after": {"kind": "status", "status": 403, "when": "after"},
    "429": {"kind": "rate_limit"},
    "garbage": {"kind": "malformed"},
}
"""What X does with the first send that reaches it."""

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Case:
    """One send to be made, to a world that behaves in one way. `point` is the edge to die at."""

    way: str
    behaviour: str
    seed: int
    point: int | None = None
    mutant: str | None = None
    _chance: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Seed what varies."""
        words = f"{self.way}/{self.behaviour}/{self.seed}/{self.point}"
        object.__setattr__(self, "_chance", random.Random(words))  # noqa: S311 - repeatable on purpose

    def __str__(self) -> str:
        """Return the case in words."""
        at = "" if self.point is None else f", edge {self.point}"
        return f"{self.way}, {self.behaviour}, seed {self.seed}{at}"

    @property
    def approvals(self) -> bool:
        """Whether a person is asked."""
        return self.way == "approved"

    @property
    def patience(self) -> float | None:
        """Seconds that a POST waits for its answer, None for as long as the program does."""
        return PATIENCE if self.behaviour == "acts and hangs" else None

    @property
    def ask(self) -> dict[str, Any]:
        """The arguments of the send: another text, recipient and key with each seed."""
        if self.seed == 0:
            return {"text": "It leaves tomorrow.", "to": IRIS}
        if self.seed == 1:
            return {"text": 'Zoë & “you” <3 🙂\n2 < 3 && \\0 {"a": 1}', "to": f"@{THEO}"}
        link = " See https://example.com/a?b=1&c=2" if self.approvals else ""
        pair = f"{ME}-{ASHA}"
        return {"text": f"As agreed.{link}", "conversation_id": pair, "idempotency_key": "k"}

    @property
    def fault(self) -> dict[str, Any] | None:
        """How the world misbehaves, as its controls take it."""
        fault = BEHAVIOURS[self.behaviour]
        if fault is None:
            return None
        body = {"body": FORBIDDEN[self.seed]} if self.behaviour == "403 after" else {}
        return {"method": "POST", "path": "^/2/dm_conv", **fault, **body}

    def chance(self, below: int) -> int:
        """Return a number that depends on the case alone."""
        return self._chance.randrange(below)
