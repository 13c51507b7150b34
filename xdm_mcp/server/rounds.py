"""The questions that wait for a client's answer: each asked once, answered once, and soon over.

A round travels through the client as a sealed `requestState`, and whatever process gets it back can
go on with it. The seal keeps callers from bending it; its keys are the ledger's. That a send is
asked about once, answered about once and leaves once is the ledger's work too, whoever asks and
whatever comes back how often.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import (
    AESGCMRequestStateCodec,
    RequestStateBoundary,
    RequestStateSecurity,
)
from mcp_types.methods import is_input_required

if TYPE_CHECKING:
    from xdm_mcp.app import App
    from xdm_mcp.approvals.view import HeldView


DIALOG = timedelta(seconds=45)
"""How long a question stands: shorter than the 60 seconds after which clients give up a tool."""

Ctx = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One question to a client: which send, exactly what of it, and until when.

    Only the answer to a `form` can approve; the other kind asks to open the approval page.
    """

    approval_id: str
    digest: str
    form: bool
    until: str

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

    @classmethod
    def about(cls, view: HeldView, form: bool, now: datetime) -> Round:
        """Return a new question about what a view shows, which the ledger lets us ask.

        Raises ValueError for a view that shows nothing that could be approved.
        """
        if view.digest is None:
            raise ValueError("nothing may be asked about an altered send")
        until = min(now + DIALOG, view.expires_at).isoformat()
        return cls(view.approval_id, view.digest, form, until)


class Seal:
    """The middleware that seals each round's state: for the processes of this ledger, the tool and
    its very arguments, the caller, and as long as a question stands. What does not fit is -32602.

    The keys are read when there is something to seal or to open, and never before.
    """

    def __init__(self, app: App) -> None:
        """Seal with the keys of the ledger of `app`."""
        self._app = app

    async def __call__(self, ctx: Ctx, call_next: CallNext) -> HandlerResult:
        """Open what comes in, seal what goes out."""
        codec = _Codec()

        async def inside(opened: Ctx) -> HandlerResult:
            result = await call_next(opened)
            if is_input_required(result):
                codec.use(await self._keys())
            return result

        if ctx.params is not None and ctx.params.get("requestState") is not None:
            codec.use(await self._keys())
        security = RequestStateSecurity(
            codec=codec, ttl=DIALOG.total_seconds(), bind_principal=caller
        )
        return await RequestStateBoundary(security, default_audience="xdm-mcp")(ctx, inside)

    async def _keys(self) -> Sequence[bytes]:
        return await self._app.ledger.state_keys(self._app.clock.now())


class _Codec:
    """The codec of one request, over keys that are known once they are needed."""

    seal: Callable[[bytes], str]
    unseal: Callable[[str], bytes]

    def use(self, keys: Sequence[bytes]) -> None:
        """Seal with the first of `keys`, open with any."""
        known = AESGCMRequestStateCodec(keys)
        self.seal, self.unseal = known.seal, known.unseal


def caller(ctx: Ctx) -> str:
    """Return who asks, as far as the transport tells: token and SSE session, or the one pipe."""
    if ctx.request is None:
        return "pipe"
    token = ctx.request.headers.get("authorization", "")
    session = ctx.request.query_params.get("session_id", "")
    return hashlib.sha256(f"{token}\n{session}".encode()).hexdigest()
