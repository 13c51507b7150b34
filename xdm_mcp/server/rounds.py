"""The questions that wait for a client's answer: each asked once, answered once, and soon over.

A round travels through the client as a sealed `requestState`. The seal keeps callers from bending
it; that a question takes only one answer is remembered here; that a send is asked about once and
leaves once is the ledger's work, whoever asks and whatever comes back how often.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

if TYPE_CHECKING:
    from xdm_mcp.approvals.view import HeldView


DIALOG = timedelta(seconds=45)
"""How long a question stands: shorter than the 60 seconds after which clients give up a tool."""


@dataclass(frozen=True, slots=True)
class Round:
    """One question to a client: which send, exactly what of it, until when, and a nonce of its own.

    Only the answer to a `form` can approve; the other kind asks to open the approval page.
    """

    approval_id: str
    digest: str
    form: bool
    until: str
    nonce: str

    @property
    def state(self) -> str:
        """The round as the text that travels through the client, sealed."""
        return json.dumps(asdict(self))

    def stands(self, now: datetime) -> bool:
        """Whether an answer still comes in time."""
        return now < datetime.fromisoformat(self.until)

    @classmethod
    def of(cls, state: str) -> Round:
        """Return the round of a text that the seal let through."""
        return cls(**json.loads(state))


class Rounds:
    """The open questions of one process: each takes one answer.

    `answering` is held while an answer is taken, so that a replay hears what came of it.
    """

    def __init__(self, draw: Callable[[int], str] = secrets.token_hex) -> None:
        """Ask nothing yet; `draw` gives random bytes as hex."""
        self._draw = draw
        self._open: dict[str, tuple[Round, datetime]] = {}
        self.answering = anyio.Lock()

    def begin(self, view: HeldView, form: bool, now: datetime) -> Round:
        """Return a new question about what a view shows, which the ledger lets us ask.

        Raises ValueError for a view that shows nothing that could be approved.
        """
        if view.digest is None:
            raise ValueError("nothing may be asked about an altered send")
        self._forget(now)
        until = min(now + DIALOG, view.expires_at).isoformat()
        asked = Round(view.approval_id, view.digest, form, until, self._draw(16))
        self._open[view.approval_id] = asked, view.expires_at
        return asked

    def take(self, answered: Round) -> bool:
        """Whether this is the first answer to a question of ours; from now on there is none."""
        asked, _ = self._open.get(answered.approval_id, (None, None))
        if asked != answered:
            return False
        del self._open[answered.approval_id]
        return True

    def __len__(self) -> int:
        """How many questions wait for their answer."""
        return len(self._open)

    def _forget(self, now: datetime) -> None:
        self._open = {key: one for key, one in self._open.items() if one[1] > now}


def seal() -> RequestStateBoundary:
    """Return the middleware that seals each round's state: for this process, the tool and its very
    arguments, the caller, and as long as a question stands. What does not fit is -32602."""
    security = RequestStateSecurity(
        keys=[secrets.token_bytes(32)], ttl=DIALOG.total_seconds(), bind_principal=caller
    )
    return RequestStateBoundary(security, default_audience="xdm-mcp")


def caller(ctx: ServerRequestContext[Any, Any]) -> str:
    """Return who asks, as far as the transport tells: token and SSE session, or the one pipe."""
    if ctx.request is None:
        return "pipe"
    token = ctx.request.headers.get("authorization", "")
    session = ctx.request.query_params.get("session_id", "")
    return hashlib.sha256(f"{token}\n{session}".encode()).hexdigest()
