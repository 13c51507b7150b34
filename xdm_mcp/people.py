"""Finding people: handles and ids become numbers, paid once and remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import anyio

from xdm_mcp.backends.base import Backend
from xdm_mcp.charges import Charge, Charges
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BadInput, NotFound, OverBudget, RateLimited, Refused
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.people import HANDLE, USER_ID, User
from xdm_mcp.models.quota import Budget, Limit, Spend, usd

FRESH = timedelta(hours=24)
"""How long a look-up answers for sends: within X's UTC day it is free anyway, and handles can
change hands."""

NAMED = timedelta(days=30)
"""How long a look-up answers where only a handle is shown."""

AT_ONCE = 100
"""How many people one look-up may name (`Backend.users`)."""


async def nobody() -> str | None:
    """Name no account: there is no login."""
    return None


def normalise(who: str) -> str:
    """Return the one spelling of a person's name: a numeric id, or `@` and a handle.

    Bare digits are always an id. A handle may consist of digits alone: then only its @ makes it
    one. Raises BadInput for what can be neither.
    """
    name = who.strip()
    if USER_ID.match(name):
        return name
    handle = name.removeprefix("@")
    if not HANDLE.match(handle):
        raise BadInput(
            "A recipient is a handle of 1 to 15 letters, digits and underscores, "
            "or a numeric user id in quotes; a handle of digits alone needs its @."
        )
    return f"@{handle}"


class People:
    """Look-ups of one process: own account, and others by id or handle."""

    def __init__(
        self,
        backend: Backend,
        ledger: Ledger,
        budget: Budget,
        clock: Clock,
        speaks_for: Callable[[], Awaitable[str | None]] = nobody,
    ) -> None:
        """Ask `backend`, remember in `ledger`, never spend past `budget`.

        `speaks_for` names the account of the login, None where there is no login to compare with;
        it may raise what a read raises.
        """
        self._speaks_for = speaks_for
        self._backend = backend
        self._ledger = ledger
        self._budget = budget
        self._clock = clock
        self._charges = Charges(backend, ledger, clock)
        self._me: User | None = None
        self._asking = anyio.Lock()

    @property
    def knows_account(self) -> bool:
        """Whether the account is known already, so that `account` asks nobody."""
        return self._me is not None

    async def account(self, *, again: bool = False) -> User:
        """Return the account that we send from; asked once per process, or `again`.

        Raises OverBudget or RateLimited before anything is asked, and what a read may raise.
        """
        if self._me is not None and not again:
            return self._me
        async with self._asking:
            if self._me is None or again:
                me = await self._ask_whose()
                await self._ledger.remember_users([me], self._clock.now())
                self._me = me
            return self._me

    async def _ask_whose(self) -> User:
        """Ask for our own account, booked before under the id that the login names or that we
        know."""
        known = await self._speaks_for() or (self._me.id if self._me else None)
        prices = self._backend.capabilities.prices
        price = prices.read_user + prices.read_self
        try:
            if known is None:
                return await self._ask_first(price)
            charge = Charge(known, price, price, self._budget, self._limits("me", known))
            me = await self._charges.make(charge, self._backend.me)
        except OverBudget:
            raise OverBudget(
                f"Finding out whose account this is costs ${usd(price)}, which would pass the"
                " owner's budget; ask the owner to raise it."
            ) from None
        if me.id != known:
            raise Refused("auth", "The login is for another account; log in again.")
        return me

    async def _ask_first(self, price: int) -> User:
        """Ask where nobody can say under whose id to book: the answer itself tells it, so it is
        booked and counted afterwards. A budget too small for this alone is kept to all the same."""
        if not self._budget.allows(Spend(), price):
            raise OverBudget
        me = await self._backend.me()
        await self._ledger.book_read(me.id, price, Budget(), (), self._clock.now())
        for limit in self._limits("me", me.id):
            with suppress(RateLimited):  # it has left already, and the next one asks before
                await self._charges.count(me.id, limit, 1)
        return me

    def _limits(self, name: str, account_id: str) -> list[Limit]:
        reads = self._backend.capabilities.reads
        return [reads[name].of(account_id)] if name in reads else []

    async def known(self, who: str) -> User | None:
        """Return whom we already know as `who` (handle or id), however long ago; costs nothing."""
        found = await self._ledger.known_user(normalise(who))
        return found.user if found else None

    async def find(self, who: str) -> User:
        """Return the user called `who`, looked up at most once a day.

        Raises NotFound for nobody, BadInput for what cannot be a handle or id, and what a read may
        raise.
        """
        found = await self.find_many([who])
        if found[0] is None:
            name = normalise(who)
            raise NotFound(
                f"There is no X user with the id {name}; check it, or use the handle with its @."
                if USER_ID.match(name)
                else f"There is no X user called {name}; "
                "check the handle, or use the numeric user id."
            )
        return found[0]

    async def find_many(
        self, whos: Sequence[str], fresh: timedelta = FRESH
    ) -> tuple[User | None, ...]:
        """Return one user, or None, for each of `whos`; what is known and fresh costs nothing."""
        names = [normalise(who) for who in whos]
        now = self._clock.now()
        remembered = zip(names, await self._ledger.known_users(names), strict=True)
        known = {
            name: found.user if found and found.checked_at >= now - fresh else None
            for name, found in remembered
        }
        missing = [name for name, user in known.items() if user is None]
        if missing:
            known.update(await self._look_up(missing))
        return tuple(known[name] for name in names)

    async def _look_up(self, names: Sequence[str]) -> dict[str, User | None]:
        """Look up names in their one spelling. An id is answered by who has that id, a handle by
        who has that handle, never one by the other."""
        ids = [name for name in names if USER_ID.match(name)]
        handles = [name.removeprefix("@") for name in names if not USER_ID.match(name)]
        found: dict[str, User] = {}
        for some in _pieces(ids):
            users = await self._asked(len(some), partial(self._backend.users, ids=some))
            found.update({user.id: user for user in users})
        for some in _pieces(handles):
            users = await self._asked(len(some), partial(self._backend.users, handles=some))
            found.update({f"@{user.handle.lower()}": user for user in users if user.handle})
        return {name: found.get(name.lower()) for name in names}

    async def _asked(
        self, count: int, ask: Callable[[], Awaitable[tuple[User, ...]]]
    ) -> tuple[User, ...]:
        """Return whom one request for `count` people brings, and remember them."""
        account = await self.account()
        capabilities = self._backend.capabilities
        if count <= capabilities.related:
            for limit in self._limits("relation", account.id):
                await self._charges.count(account.id, limit, count)
        price = capabilities.prices.read_user
        limits = self._limits("users", account.id)
        charge = Charge(account.id, price * count, price, self._budget, limits)
        by_call = capabilities.prices.read_page > 0  # who sells calls bills those that find nobody
        users = await self._charges.make(
            charge, ask, lambda users: charge.worst if by_call else price * len(users)
        )
        await self._ledger.remember_users(users, self._clock.now())
        return users


def _pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the names, as many at a time as one request may have."""
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
