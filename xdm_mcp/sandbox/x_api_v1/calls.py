"""One signed call, and what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from xdm_mcp.models.people import USER_ID
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.wire import WireRequest
from xdm_mcp.sandbox.x_api_v1.errors import Problem

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call on behalf of `account_id`."""

    request: WireRequest
    hold: Hold
    account_id: str

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of a form in the body."""
        return dict(parse_qsl(self.request.body.decode("utf-8", "replace")))

    def id_in(self, values: Mapping[str, str], name: str) -> str:
        """Return a value that must be an id. Raises Problem."""
        value = values.get(name, "")
        if not USER_ID.match(value):
            raise Problem("v1_missing_parameter")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answers; without a body it is 204."""

    body: Body | list[Body] | None = None
