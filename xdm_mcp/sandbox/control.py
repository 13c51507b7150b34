"""The `/_sandbox/` routes: look into the world, move it, break it.

JSON in and out, for programs on this machine only.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from xdm_mcp.clock import rfc3339
from xdm_mcp.models.people import USER_ID
from xdm_mcp.models.quota import MICRO, usd
from xdm_mcp.sandbox import acts, told
from xdm_mcp.sandbox.asgi import CONTROL, Logged
from xdm_mcp.sandbox.events import ClockShifted, CreditSet, FaultsCleared, FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold, Journal
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.snowflake import EARLIEST, LATEST
from xdm_mcp.sandbox.story import NoSuchStory
from xdm_mcp.sandbox.texts import is_whole
from xdm_mcp.sandbox.wire import Answer, WireRequest, json_bytes

HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "sandbox"})
"""The names under which the controls answer: a page in a browser cannot use them under another."""

MOST_CREDIT = 1_000_000
"""The largest balance in USD, either way."""

Given = Mapping[str, Any]


class Refused(Exception):
    """A control cannot do that; the sentence says why. `status` is that of the answer."""

    def __init__(self, says: str, status: int = 400) -> None:
        """Say `says`."""
        super().__init__(says)
        self.status = status


class Control:
    """The controls of one journal."""

    def __init__(self, journal: Journal, error_names: frozenset[str]) -> None:
        """Control the world of `journal`; faults may ask for the errors of these names."""
        self._journal = journal
        self._error_names = error_names
        self._routes: dict[tuple[str, str], Callable[[Hold, Given], Any]] = {
            ("GET", "deliveries"): _deliveries,
            ("GET", "world"): lambda hold, _: told.world(hold),
            ("GET", "bill"): lambda hold, _: told.bill(hold),
            ("POST", "inbound"): _inbound,
            ("POST", "faults"): self._fault,
            ("DELETE", "faults"): _no_faults,
            ("POST", "clock"): _clock,
            ("POST", "credits"): _credits,
        }

    async def answer(self, request: WireRequest, log: deque[Logged]) -> Answer:
        """Answer a control; `log` is that of the requests this process saw."""
        try:
            _local(request)
            body = await self._done(request, log)
        except Refused as refused:
            return Answer(refused.status, json_bytes({"error": str(refused)}))
        return Answer(200, json_bytes(body))

    async def _done(self, request: WireRequest, log: deque[Logged]) -> Any:
        name = request.path.removeprefix(CONTROL)
        given = _given(request)
        if (request.method, name) == ("GET", "requests"):
            return {"requests": [_logged(each) for each in log]}
        if (request.method, name) == ("POST", "reset"):
            return await self._reset(given, log)
        route = self._routes.get((request.method, name))
        if route is None:
            raise Refused(f"There is no control {request.method} {CONTROL}{name}.", 404)
        return await self._journal.act(lambda hold: route(hold, given))

    async def _reset(self, given: Given, log: deque[Logged]) -> Any:
        story = _text(given, "story", None)
        try:
            await self._journal.reset(story)
        except NoSuchStory as error:
            raise Refused(str(error)) from error
        log.clear()
        return await self._journal.act(
            lambda hold: {"story": hold.world.story, "now": rfc3339(hold.now)}
        )

    def _fault(self, hold: Hold, given: Given) -> Any:
        known = {each.name for each in fields(Fault)} - {"id"}
        strange = sorted(set(given) - known)
        if strange or "kind" not in given:
            raise Refused(f"A fault has kind and may have {', '.join(sorted(known - {'kind'}))}.")
        body = given.get("body")
        text = body if body is None or isinstance(body, str) else json_bytes(body).decode()
        try:
            fault = Fault(**{**given, "id": str(hold.world.faults_set + 1), "body": text})
        except (TypeError, ValueError) as error:
            raise Refused(f"That fault cannot be: {error}.") from error
        if fault.error is not None and str(fault.error) not in self._error_names:
            raise Refused(f"error must be one of: {', '.join(sorted(self._error_names))}.")
        hold.record(FaultSet(fault))
        return {"id": fault.id}


def _deliveries(hold: Hold, given: Given) -> Any:
    since = _text(given, "since", None)
    recipient = _text(given, "recipient", None)
    to_id = _person(hold, recipient).id if recipient else None
    return {"deliveries": told.deliveries(hold, _since(since), to_id)}


def _inbound(hold: Hold, given: Given) -> Any:
    who, text = _text(given, "from"), _text(given, "text")
    sender = hold.world.people.find(who)
    create = given.get("create")
    try:
        if sender is None and create:
            extra = create if isinstance(create, Mapping) else {}
            sender = acts.add_person(
                hold,
                who.removeprefix("@"),
                _text(extra, "name", who.removeprefix("@")),
                _text(extra, "id", None),
                open_inbox=extra.get("open_inbox", False) is True,
            )
        sender = sender or _person(hold, who)
        message = acts.inject(hold, sender, text, _text(given, "conversation_id", None))
    except acts.Refusal as refusal:
        raise Refused(f"The world does not allow that ({refusal}).", 409) from refusal
    except ValueError as error:
        raise Refused(f"That cannot be: {error}.") from error
    return {**told.message(message), "conversation_id": message.conversation_id}


def _no_faults(hold: Hold, _given: Given) -> Any:
    hold.record(FaultsCleared())
    return {"faults": 0}


def _clock(hold: Hold, given: Given) -> Any:
    if given.keys() == {"advance_seconds"}:
        by = given["advance_seconds"]
        if isinstance(by, bool) or not isinstance(by, int | float) or not abs(by) <= 1e9:
            raise Refused("advance_seconds must be a number of seconds.")
        target = hold.now + timedelta(seconds=by)
    elif given.keys() == {"set"}:
        target = _moment(_text(given, "set"))
    else:
        raise Refused("Give either advance_seconds, or set with a time such as 2026-11-22T10:00Z.")
    if not EARLIEST < target < LATEST - timedelta(days=365):
        raise Refused("The world's clock can show the years 2011 to 2078.")
    shift = hold.world.shift + (target - hold.now)
    hold.record(ClockShifted(round(shift / timedelta(milliseconds=1))))
    return {"now": rfc3339(target)}


def _credits(hold: Hold, given: Given) -> Any:
    try:
        amount = Decimal(_text(given, "balance_usd"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and -MOST_CREDIT <= amount <= MOST_CREDIT):
        raise Refused("balance_usd must be a decimal string such as 5.00.")
    micro = int(amount * MICRO)
    hold.record(CreditSet(hold.world.credit - hold.world.balance + micro))
    return {"balance_usd": usd(hold.world.balance)}


def _local(request: WireRequest) -> None:
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in HOSTS or "origin" in request.headers:
        raise Refused("The controls answer programs on this machine only.", 403)


def _given(request: WireRequest) -> Given:
    if request.method == "GET":
        return request.query
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused("The body must be a JSON object.") from error
    if not isinstance(given, dict):
        raise Refused("The body must be a JSON object.")
    return given


def _text(given: Given, name: str, default: Any = ...) -> Any:
    value = given.get(name, default)
    if value is ... or not (value is default or _is_text(value)):
        raise Refused(f"{name} must be text.")
    return value


def _is_text(value: Any) -> bool:
    """Whether `value` is a text without half a character."""
    return isinstance(value, str) and value != "" and is_whole(value)


def _person(hold: Hold, who: str) -> Person:
    found = hold.world.people.find(who)
    if found is None:
        raise Refused(f"Nobody here is called {who!r}; the people are under {CONTROL}world.", 404)
    return found


def _since(text: str | None) -> int | datetime | None:
    if text is None:
        return None
    return int(text) if USER_ID.match(text) else _moment(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{text!r} is not a time such as 2026-11-22T10:00:00Z.") from error
    if moment.tzinfo is None:
        raise Refused("A time needs its zone: end it with Z.")
    return moment


def _logged(each: Logged) -> dict[str, Any]:
    return {
        "method": each.method,
        "path": each.path,
        "query": each.query,
        "status": each.status,
        "at": rfc3339(each.at),
        "facade": each.facade,
    }
