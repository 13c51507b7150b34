"""The real outbox over a backend that is as fast as a function call and tells who was written to.

The policy is the real one with one large window in place of its small ones, and without the pauses
between sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from pydantic import PrivateAttr

from tests.faults.clocks import START
from xdm_mcp.app import App
from xdm_mcp.backends.base import Backend, Balance, Capabilities, Picture, Prices
from xdm_mcp.clock import Clock
from xdm_mcp.config import load
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.messages import Message, MessagePage, pair_id
from xdm_mcp.models.people import User, UserPage
from xdm_mcp.models.quota import Limit, ServerWindow
from xdm_mcp.models.sends import Outcome, Receipt, SendState, Target
from xdm_mcp.outbox.sending import Outbox

ME = "100"
PEOPLE = tuple(str(number) for number in range(1, 21))
"""Twenty people who wrote to us first."""

Deliver = Callable[[str], Outcome | None]
"""Delivers a text, or does not, and may say how the attempt ended; None says that it was accepted.
"""


class Roomy(Policy):
    """The policy with one window of a size that no owner may set."""

    _room: int = PrivateAttr(default=0)

    @classmethod
    def of(cls, room: int, mode: str = "never") -> Roomy:
        """Return the policy that allows `room` messages in 24 hours."""
        policy = cls.load({"pacing": {"enabled": False}, "confirmation": {"mode": mode}})
        policy._room = room
        return policy

    def limits(self, account_id: str, backend_limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """See Policy.limits."""
        return (Limit(f"{account_id}/messages", self._room, timedelta(hours=24)),)


class Quick:
    """See `Backend`: it hands texts to a function, and is never asked to read."""

    name, origin = "quick", "https://quick.example"
    skew: timedelta | None = timedelta()
    capabilities = Capabilities(
        coverage="legacy_unencrypted_only",
        max_page=1,
        prices=Prices(0, 0, 0, "nobody's"),
        new_groups=False,
        conversations=False,
        attachments=False,
        reply_credit=False,
        read_back=False,
    )

    def __init__(self, deliver: Deliver, worker: int = 0) -> None:
        """Deliver by `deliver`, with ids of its own for each `worker`."""
        self._deliver = deliver
        self._last_id = (worker + 1) * 10**6

    async def ready(self) -> None:
        """See Backend.ready."""

    async def me(self) -> User:
        """See Backend.me."""
        return User(ME)

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send."""
        self._last_id += 1
        receipt = Receipt(str(self._last_id))
        return self._deliver(text) or Outcome(SendState.SENT, "accepted", "Done.", receipt=receipt)

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """See Backend.messages."""
        raise NotImplementedError

    async def message(self, message_id: str) -> Message:
        """See Backend.message."""
        raise NotImplementedError

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users."""
        raise NotImplementedError

    async def delete(self, message_id: str) -> None:
        """See Backend.delete."""
        raise NotImplementedError

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        raise NotImplementedError

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers."""
        raise NotImplementedError

    async def balance(self) -> Balance:
        """See Backend.balance."""
        raise NotImplementedError

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows."""
        return ()

    async def close(self) -> None:
        """See Backend.close."""


class QuickApp(App):
    """The app, wired as always, over a ledger, a backend and a policy of the test's."""

    def __init__(self, ledger: Ledger, backend: Quick, policy: Policy, clock: Clock) -> None:
        """Take what is given in place of what settings would name."""
        super().__init__(load(home=Path("nowhere"), env={}), clock)
        self.policy = policy
        self._given = ledger, backend

    @cached_property
    def ledger(self) -> Ledger:
        """The durable memory."""
        return self._given[0]

    @cached_property
    def backend(self) -> Backend:
        """The service on the wire."""
        return self._given[1]


def outbox_over(ledger: Ledger, backend: Quick, policy: Policy, clock: Clock) -> Outbox:
    """Return an outbox as the program wires it."""
    return QuickApp(ledger, backend, policy, clock).outbox


async def meet_everybody(ledger: Ledger) -> None:
    """Let the ledger know the people, and that they wrote to us first."""
    await ledger.remember_users([User(each) for each in (*PEOPLE, ME)], START)
    said = [
        Message(str(10**16 + int(who)), pair_id(ME, who), who, START, "Hello") for who in PEOPLE
    ]
    await ledger.record(ME, said, lambda _: False, START)
