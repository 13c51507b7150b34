"""What the façades of unofficial services have in common: a key for the customer, the session of an
X account in each private call, a price for each call, and refusals in the service's own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Protocol

from xdm_mcp.sandbox.acts import Refusal
from xdm_mcp.sandbox.events import Charged
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.texts import is_whole
from xdm_mcp.sandbox.windows import Limit
from xdm_mcp.sandbox.wire import Answer, WireRequest, json_bytes

LONGEST = 10_000
"""The most characters of a message; neither service documents one, so it is X's."""

Body = dict[str, Any]


class Said(Exception):
    """An answer that refuses: its status and body."""

    def __init__(self, status: int, body: Body) -> None:
        """Answer `status` with `body`."""
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Call:
    """A call with a good key: what was given in query or body, and whose session it shows.

    `account_id` is empty for calls that need no session.
    """

    hold: Hold
    given: Mapping[str, Any]
    account_id: str = ""

    def text(self, name: str) -> str:
        """Return a text that was given, empty where there is none."""
        value = self.given.get(name)
        return value if isinstance(value, str) else ""

    def person(self, *, id: str = "", handle: str = "") -> Person | None:
        """Return who has that id or handle, None for nobody and for the suspended."""
        people = self.hold.world.people
        found = people.with_handle(handle) if handle else people.by_id.get(id)
        return None if found is None or found.suspended else found


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: what it does, and what it costs in micro-dollars under which name.

    `private` ones need the session of an X account; `writes` says that the world remembers it.
    `limit` is counted for each key.
    """

    act: Callable[[Call], Body]
    item: str
    micro: int = 0
    private: bool = False
    writes: bool = False
    limit: Limit | None = None
    units: Callable[[Call], int] = field(default=lambda _: 1)


class Words(Protocol):
    """How one service speaks."""

    name: str
    routes: Mapping[tuple[str, str], Route]
    errors: Mapping[str, Callable[[], Said]]
    """By name; `api_key`, `session`, `credits`, `rate_limited` and `no_route` are always there."""

    def key(self, request: WireRequest) -> str | None:
        """Return the customer's key, None where the request shows none in this service's way."""
        ...

    def session(self, given: Mapping[str, Any], hold: Hold) -> str | None:
        """Return the account whose session is shown, None where it is none."""
        ...

    def refusal(self, refusal: Refusal) -> Said:
        """Put what the world says into the service's words."""
        ...


class VendorFacade:
    """An unofficial service over the world: see `wire.Facade`."""

    def __init__(self, words: Words, keys: frozenset[str]) -> None:
        """Speak as `words` do, to customers with one of `keys`."""
        self._words = words
        self._keys = keys

    @property
    def name(self) -> str:
        """See Facade.name."""
        return self._words.name

    @property
    def error_names(self) -> frozenset[str]:
        """See Facade.error_names."""
        return frozenset(self._words.errors)

    def owns(self, request: WireRequest) -> bool:
        """See Facade.owns: two services share paths, and differ in how a key is shown."""
        paths = {path for _, path in self._words.routes}
        return request.path in paths and self._words.key(request) is not None

    def answer(self, request: WireRequest, hold: Hold) -> Answer:
        """See Facade.answer."""
        headers = {"date": format_datetime(hold.now, usegmt=True)}
        try:
            status, body = 200, self._reply(request, hold)
        except Said as said:
            status, body = said.status, said.body
        except Refusal as refusal:
            told = self._words.refusal(refusal)
            status, body = told.status, told.body
        return Answer(status, json_bytes(body), headers=headers)

    def faulted(self, request: WireRequest, fault: Fault, hold: Hold) -> Answer:
        """See Facade.faulted."""
        headers = {"date": format_datetime(hold.now, usegmt=True)}
        name = fault.error or ("rate_limited" if fault.kind == "rate_limit" else "")
        if not name or fault.body is not None:
            body = fault.body or ""
            kind = "application/json" if body.startswith(("{", "[")) else "text/html"
            return Answer(fault.status or 500, body.encode(), kind, headers)
        said = self._words.errors[name]()
        if fault.seconds:
            said.body["retry_after"] = int(fault.seconds)
        return Answer(fault.status or said.status, json_bytes(said.body), headers=headers)

    def _reply(self, request: WireRequest, hold: Hold) -> Body:
        errors = self._words.errors
        key = self._words.key(request)
        if key not in self._keys:
            raise errors["api_key"]()
        route = self._words.routes.get((request.method, request.path))
        if route is None:
            raise errors["no_route"]()
        given = _given(request)
        account_id = self._words.session(given, hold) if route.private else ""
        if account_id is None:
            raise errors["session"]()
        if route.micro and hold.world.balance <= 0:
            raise errors["credits"]()
        self._count(route, key or "", hold)
        call = Call(hold, given, account_id)
        body = route.act(call)
        self._charge(route, call)
        return body

    def _count(self, route: Route, key: str, hold: Hold) -> None:
        if route.limit is None:
            return
        windows = hold.world.reads.windows
        if windows.window(key, route.item, route.limit, hold.now).remaining == 0:
            raise self._words.errors["rate_limited"]()
        windows.count(key, route.item, route.limit.seconds, hold.now)

    def _charge(self, route: Route, call: Call) -> None:
        """Bill what was done; calls that are refused are not billed here."""
        item = f"{self._words.name}: {route.item}"
        if route.writes:
            call.hold.record(Charged(item, route.micro))
            return
        for _ in range(route.units(call) if route.micro else 0):
            call.hold.world.reads.bill.add(item, route.micro)


PER_MINUTE = timedelta(minutes=1)


def _given(request: WireRequest) -> Mapping[str, Any]:
    if request.method == "GET":
        return request.query
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def possible(text: object) -> bool:
    """Whether X would take a text: 1 to 10,000 characters, none of them half a one."""
    return isinstance(text, str) and 1 <= len(text) <= LONGEST and is_whole(text)
