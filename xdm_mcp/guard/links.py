"""Links that would go out: a preview leaks without a click, so a person sees each link first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.links import links
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding

SHOWN = 3
"""How many hosts a sentence names at most."""

WANTED = "must hold hosts such as www.example.com, without scheme, port or path"

HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""A host as a link names it: lower case, international names in punycode."""


def _hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_host, hosts))


def _host(written: str) -> str:
    """Return the host that a link to `written` would name."""
    url = f"http://{written.strip()}"
    found = links(url)
    if len(found) != 1 or found[0].url != url or set(written) & set("/:@?#"):
        raise ValueError(WANTED)
    if not HOST.fullmatch(found[0].host):
        raise ValueError(WANTED)
    return found[0].host


class Links(HoldingRule):
    """Asks a person before a link goes out to a host that the owner did not name."""

    name: ClassVar[str] = "links"

    allow_hosts: Annotated[tuple[str, ...], AfterValidator(_hosts), Field(strict=False)] = Field(
        default=(),
        description="Hosts that need no asking. Each stands for itself alone: `example.com` does"
        " not cover `www.example.com`.",
    )

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Hold a text with links; the sentence names where they really lead."""
        hosts = sorted({link.host for link in links(draft.text)} - set(self.allow_hosts))
        if not hosts:
            return None
        more = f" and {len(hosts) - SHOWN} more" if len(hosts) > SHOWN else ""
        return self.ask(f"It holds a link to {', '.join(hosts[:SHOWN])}{more}.")

    def describe(self) -> str:
        """See Rule.describe."""
        known = f", but to {len(self.allow_hosts)} known hosts" if self.allow_hosts else ""
        return f"A person is asked before a link goes out{known}."
