"""Standing rules: what a person allowed beforehand, for whom, how often and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from xdm_mcp.clock import rfc3339
from xdm_mcp.models.people import USER_ID
from xdm_mcp.models.sends import Assurance

PER_DAY_AT_MOST = 100
"""Most messages that one rule may let pass in 24 hours."""

LENGTH_AT_MOST = 10_000
"""Longest text in code points that a rule may let pass: X's own bound (docs.x.com, 2026-08)."""

LIVES_AT_MOST = timedelta(days=366)
"""Longest life of a rule: what nobody has thought of for a year is asked for anew."""

RULES_AT_MOST = 50
"""Most rules of one account that hold at a time: few enough to be looked over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a standing rule says.

    `user_id` is the one person whom it covers; None means anybody who ever wrote to us first.
    `per_day` counts messages of any 24 hours, of all people together. With `solicited` only
    replies that `guard.reply_credit` calls solicited are covered. `links`, `quiet_hours` and
    `first_contact` let pass what the rules of these names would hold, for a named person only.
    `until` is the first moment at which the rule does not hold any more. Groups and images are
    never covered.
    """

    user_id: str | None
    until: datetime
    per_day: int = 5
    max_length: int = 500
    solicited: bool = True
    links: bool = False
    quiet_hours: bool = False
    first_contact: bool = False

    def fault(self, now: datetime) -> str | None:
        """Return what is wrong with these terms at `now` in one sentence, None if nothing is."""
        extras = self.links or self.quiet_hours or self.first_contact
        if self.user_id is not None and not USER_ID.match(self.user_id):
            return "A standing rule names a person by the numeric user id."
        if self.user_id is None and extras:
            return "Links, quiet hours and first messages can be allowed for one named person only."
        if self.solicited and self.first_contact:
            return "A first message answers nobody; a rule that allows it cannot ask for a reply."
        if not 1 <= self.per_day <= PER_DAY_AT_MOST:
            return f"A standing rule allows 1 to {PER_DAY_AT_MOST} messages a day."
        if not 1 <= self.max_length <= LENGTH_AT_MOST:
            return f"A standing rule allows texts of 1 to {LENGTH_AT_MOST} characters at most."
        if not now < self.until <= now + LIVES_AT_MOST:
            return f"A standing rule ends in the future, within {LIVES_AT_MOST.days} days."
        return None

    def describe(self) -> str:
        """Return what the rule lets pass, in one sentence."""
        who = f"user {self.user_id}" if self.user_id else "anybody who wrote first"
        what = "replies" if self.solicited else "messages"
        extras = {
            "with links": self.links,
            "in quiet hours": self.quiet_hours,
            "even first ones": self.first_contact,
        }
        more = "".join(f", {words}" for words, allowed in extras.items() if allowed)
        return (
            f"Up to {self.per_day} {what} in 24 hours to {who}, of at most {self.max_length}"
            f" characters{more}, pass without a person until {rfc3339(self.until)}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRule:
    """A rule that a person made, and perhaps withdrew.

    `assurance` is how sure it is that a person made it; it answers no more than that person could
    have approved in the same way.
    """

    id: str
    account_id: str
    terms: Terms
    assurance: Assurance
    made_by: str
    made_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the rule is in force at `now`."""
        return self.withdrawn_at is None and now < self.terms.until


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A standing rule and how many messages it let pass in the last 24 hours."""

    rule: StandingRule
    used: int

    def describe(self) -> str:
        """Return what the rule lets pass and what is used of it, in one sentence."""
        return f"{self.rule.terms.describe().rstrip('.')}; {self.used} did in the last 24 hours."
