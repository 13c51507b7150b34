"""What every service charges, as one table with sources and dates.

Backends take their prices from here, `docs/costs.md` is generated from here, and `xdm-mcp costs`
compares the services by it. Money is in whole micro-dollars (1 USD = 1,000,000).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdm_mcp.backends.base import Prices


@dataclass(frozen=True, slots=True)
class Figure:
    """One price: micro-dollars for each `per`, and the document and date that say so."""

    micro: int
    per: str
    source: str


@dataclass(frozen=True, slots=True)
class PriceList:
    """What one service charges for the three things that this program asks of it.

    Messages are read at `read` each where `page` is None, else at `read` for each page of at most
    `page` messages. `note` is what a comparison must say besides, `read_self` what finding out our
    own account costs on top of a look-up, once in each process, `picture` what one costs on top of
    its send.
    """

    send: Figure
    read: Figure
    look_up: Figure
    page: int | None = None
    note: str = ""
    read_self: int = 0
    picture: int = 0

    @property
    def prices(self) -> Prices:
        """The same as a backend's capabilities tell it."""
        by_page = self.page is not None
        return Prices(
            send=self.send.micro,
            read_message=0 if by_page else self.read.micro,
            read_user=self.look_up.micro,
            source=self.send.source,
            read_page=self.read.micro if by_page else 0,
            read_self=self.read_self,
            picture=self.picture,
        )

    def of(self, sends: int, reads: int, lookups: int) -> Estimate:
        """Return what so many sends, messages read and people looked up cost, none below 0."""
        units = reads if self.page is None else -(-reads // self.page)
        return Estimate(
            send=sends * self.send.micro,
            read=units * self.read.micro,
            look_up=lookups * self.look_up.micro,
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some work costs, in micro-dollars, by kind."""

    send: int
    read: int
    look_up: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.send + self.read + self.look_up


_X = "docs.x.com pricing, 2026-08"
_GETXAPI = "GetXAPI endpoint pages, 2026-11"
_IO = "twitterapi.io pricing and agent skill, 2026-04"

X_PICTURE = 5_000
"""What an upload is booked at: X lists no price for it, but one for "media metadata" (docs.x.com
pricing, 2026-08)."""

PRICES: Mapping[str, PriceList] = {
    "x-api-v2": PriceList(
        send=Figure(15_000, "message", _X),
        read=Figure(10_000, "message", _X),
        look_up=Figure(10_000, "person", _X),
        note="A message or person read again on the same UTC day is not billed again.",
        picture=X_PICTURE,
    ),
    "getxapi": PriceList(
        send=Figure(2_000, "message", _GETXAPI),
        read=Figure(4_000, "page of 50 of the inbox and the requests", _GETXAPI),
        look_up=Figure(1_000, "person", _GETXAPI),
        page=50,
        note="One conversation alone costs 0.001 USD a page of 50.",
        read_self=2_000,
    ),
    "x-api-v1": PriceList(
        send=Figure(15_000, "message", f"not listed; booked as X API v2 ({_X})"),
        read=Figure(0, "message", "not listed; nothing is booked"),
        look_up=Figure(0, "person", "not listed; nothing is booked"),
        note="X publishes no price for version 1.1 of its API.",
        picture=X_PICTURE,
    ),
    "twitterapi-io": PriceList(
        send=Figure(3_000, "message", _IO),
        read=Figure(3_000, "page of one person's thread", "not listed; booked as a send"),
        look_up=Figure(180, "person", _IO),
        page=20,
        note="How many messages a page has is not documented; 20 are assumed.",
    ),
}
"""Every service, the official one first."""

GETXAPI_TAB = 2_000
GETXAPI_THREAD = 1_000
GETXAPI_FOLLOWERS = 1_000
"""What one call for a tab of the inbox, a page of one conversation, or a page of followers costs
(GetXAPI endpoint pages, 2026-11)."""
