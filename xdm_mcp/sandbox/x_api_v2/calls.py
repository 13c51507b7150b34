"""One authenticated call, its query and its reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xdm_mcp.models.people import USER_ID
from xdm_mcp.sandbox.events import Charged
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.wire import WireRequest
from xdm_mcp.sandbox.x_api_v2.limits import PRICES
from xdm_mcp.sandbox.x_api_v2.problems import Body, Problem, Problems
from xdm_mcp.sandbox.x_api_v2.vocabulary import Parameters, Vocabulary

FACADE = "x-api-v2"
"""The name that deliveries carry."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answers: JSON, or bytes of `media_type`."""

    body: Body | bytes
    status: int = 200
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query string: lists by parameter, and plain values."""

    lists: Mapping[str, tuple[str, ...]]
    plain: Mapping[str, str]

    def wants(self, parameter: str, value: str) -> bool:
        """Whether a list names `value`."""
        return value in self.lists.get(parameter, ())


@dataclass(frozen=True, slots=True)
class Call:
    """A call on behalf of `account_id`, which is empty for the app alone."""

    request: WireRequest
    hold: Hold
    params: Mapping[str, str]
    account_id: str
    vocabulary: Vocabulary
    problems: Problems

    def id_param(self, name: str) -> str:
        """Return a path parameter that must be an id. Raises Problem."""
        return self.checked_id(name, self.params[name])

    def checked_id(self, name: str, value: str) -> str:
        """Return `value` if it can be an id. Raises Problem."""
        if not USER_ID.match(value):
            raise self.bad_value(name, value, "does not match ^[0-9]{1,19}$")
        return value

    def bad_value(self, name: str, value: str, says: str) -> Problem:
        """400 about a value of the path or the query."""
        message = f"The `{name}` query parameter value [{value}] {says}"
        return self.problems.invalid_many([{"message": message, "parameters": {name: [value]}}])

    def charge(self, item: str) -> None:
        """Bill something that was done."""
        self.hold.record(Charged(item, PRICES[item]))

    def charge_read(self, item: str, resource_id: str) -> None:
        """Bill something that was returned, once in a UTC day."""
        bill = self.hold.world.reads.bill
        bill.read(item, resource_id, PRICES[item], self.hold.now)

    def query(self, plain: frozenset[str], lists: Parameters) -> Query:
        """Check the query string: `plain` names are taken as they are. Raises Problem."""
        errors: list[Body] = []
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.request.query.items():
            if name in lists:
                found[name] = tuple(value.split(","))
                errors += _strange(name, found[name], lists[name])
            elif name not in plain:
                known = ",".join(sorted(plain | set(lists)))
                message = f"The query parameter [{name}] is not one of [{known}]"
                errors.append({"message": message, "parameters": {name: [value]}})
        if errors:
            raise self.problems.invalid_many(errors)
        kept = {name: value for name, value in self.request.query.items() if name in plain}
        return Query(found, kept)

    def number(self, query: Query, name: str, most: int, default: int) -> int:
        """Return a whole number of 1 to `most` from the query. Raises Problem."""
        text = query.plain.get(name, str(default))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
            raise self.bad_value(name, text, f"is not between 1 and {most}")
        return int(text)


def _strange(name: str, values: tuple[str, ...], known: frozenset[str]) -> list[Body]:
    """Return an error for each of `values` that is not known."""
    choices = ",".join(sorted(known))
    return [
        {
            "message": f"The `{name}` query parameter value [{value}] is not one of [{choices}]",
            "parameters": {name: [value]},
        }
        for value in values
        if value not in known
    ]


def json_body(call: Call, known: frozenset[str]) -> dict[str, Any]:
    """Return the JSON object of the body, which has none but `known` keys. Raises Problem."""
    try:
        body = json.loads(call.request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise call.problems.invalid("body", [""], "must be a JSON object")
    extra = [name for name in body if name not in known]
    if extra:
        raise call.problems.invalid_many(
            [
                {
                    "message": f"$.{name}: is not defined in the schema and the schema does not"
                    " allow additional properties",
                    "parameters": {name: [str(body[name])]},
                }
                for name in extra
            ]
        )
    return body
