"""Hours in which a person is asked before anything leaves: the owner's nights, the recipient's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from xdm_mcp.guard.base import HoldingRule
from xdm_mcp.guard.naming import name_of, names_of
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Finding


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name. Raises ValueError for one that is not known here."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from None


def _known(name: str) -> str:
    zone_of(name)
    return name


def _named(zones: Mapping[str, str]) -> dict[str, str]:
    return {name_of(who): _known(zone) for who, zone in zones.items()}


def _local_time(value: object) -> object:
    """Read `22:00`; TOML's own local times come as times already."""
    try:
        moment = time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if value is not None and (not isinstance(moment, time) or moment.tzinfo is not None):
        raise ValueError('must be a local time such as "22:00"')
    return moment


LocalTime = Annotated[time | None, BeforeValidator(_local_time)]
Zone = Annotated[str, AfterValidator(_known)]


class QuietHours(HoldingRule):
    """Asks a person before anything leaves in quiet hours; none until both ends are set."""

    name: ClassVar[str] = "quiet_hours"

    start: LocalTime = Field(
        default=None,
        alias="from",
        description="Local time at which quiet begins, `until` at which it ends.",
    )
    until: LocalTime = Field(
        default=None,
        description="First local moment that is not quiet any more; may lie past midnight.",
    )
    timezone: Zone = Field(default="UTC", description="Where the owner lives: an IANA time zone.")
    recipients: Annotated[dict[str, str], AfterValidator(_named)] = Field(
        default={},
        description="Where recipients live: user id or handle = time zone, with the same hours.",
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.start is None) is not (self.until is None) or (
            self.start is not None and self.start == self.until
        ):
            raise ValueError("needs `from` and `until`, two different times, or neither of them")
        return self

    def judge(self, draft: Draft, facts: Facts, now: datetime) -> Finding | None:
        """Hold while it is quiet for the owner or for a recipient whose zone is known."""
        if self._is_quiet(now, self.timezone):
            return self.ask(f"It is the owner's quiet time ({self._span(self.timezone)}).")
        for name in sorted(names_of(draft) & self.recipients.keys()):
            if self._is_quiet(now, self.recipients[name]):
                return self.ask(
                    f"It is quiet time for {name} ({self._span(self.recipients[name])})."
                )
        return None

    def describe(self) -> str:
        """See Rule.describe."""
        if self.start is None:
            return "There are no quiet hours."
        elsewhere = f", and there for {len(self.recipients)} recipients" if self.recipients else ""
        return f"A person is asked in quiet hours ({self._span(self.timezone)}{elsewhere})."

    def _is_quiet(self, now: datetime, zone: str) -> bool:
        if self.start is None or self.until is None:
            return False
        local = now.astimezone(zone_of(zone)).time()
        if self.start < self.until:
            return self.start <= local < self.until
        return local >= self.start or local < self.until

    def _span(self, zone: str) -> str:
        ends = (f"{end:%H:%M}" for end in (self.start, self.until) if end is not None)
        return f"{' to '.join(ends)}, {zone}"
