"""Drafts and facts for the specifications: ordinary ones, changed where a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import Assurance, Attachment, Draft, Halt, Target
from xdm_mcp.models.standing_rules import RuleUse, StandingRule, Terms
from xdm_mcp.models.verdicts import Facts, Leak, PeerFacts, Taint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ACCOUNT = "1000"
THEM = "2000"
GROUP = "1791970200123456789"
IMAGE = Attachment("cat.png", "0" * 64, "image/png", 9)


def draft(text: str = "Good morning", *to: str, **known: Any) -> Draft:
    """Return a draft to `to`, one person unless said otherwise, or to the existing `group`."""
    group = known.pop("group", None)
    target = Target(conversation_id=group) if group else Target(user_ids=to or (THEM,))
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "backend": "sandbox",
        "origin": "in-process",
        "cost": 15_000,
    }
    return Draft(**(usual | {"target": target, "text": text} | known))


def peer(user_id: str = THEM, **known: Any) -> PeerFacts:
    """Return somebody who wrote to us an hour ago."""
    usual: dict[str, Any] = {
        "peer": f"user:{user_id}",
        "user_id": user_id,
        "last_inbound_at": NOW - HOUR,
    }
    return PeerFacts(**(usual | known))


def stranger(user_id: str = THEM, **known: Any) -> PeerFacts:
    """Return somebody who never wrote to us."""
    return peer(user_id, last_inbound_at=None, **known)


def facts(*peers: PeerFacts, **known: Any) -> Facts:
    """Return facts about `peers`, or about one person who wrote to us an hour ago."""
    return Facts(account_id=ACCOUNT, peers=peers or (peer(),), **known)


def halt(code: str = "spam_flag", **known: Any) -> Halt:
    """Return a halt in force since an hour ago that only a person clears."""
    return Halt(code, "X thinks that the account is automated.", **({"since": NOW - HOUR} | known))


def window(
    scope: str = f"{ACCOUNT}/messages",
    *,
    remaining: int = 0,
    free_in: timedelta | None = HOUR,
    per: timedelta = 24 * HOUR,
    **known: Any,
) -> Window:
    """Return a window of five, full unless said otherwise, that has room again after `free_in`."""
    free_at = NOW + free_in if free_in is not None and remaining <= 0 else None
    limit = Limit(scope, 5, per, **known)
    return Window(limit, 5 - remaining, remaining, resets_at=NOW + per, free_at=free_at)


def standing(
    user_id: str | None = THEM,
    *,
    used: int = 0,
    rule_id: str = "1",
    assurance: Assurance = Assurance.PERSON,
    account_id: str = ACCOUNT,
    withdrawn_at: datetime | None = None,
    **terms: Any,
) -> RuleUse:
    """Return a standing rule for one person, in force for a week, that let `used` messages pass."""
    usual: dict[str, Any] = {"user_id": user_id, "until": NOW + 7 * 24 * HOUR}
    rule = StandingRule(
        id=rule_id,
        account_id=account_id,
        terms=Terms(**(usual | terms)),
        assurance=assurance,
        made_by="owner",
        made_at=NOW - HOUR,
        withdrawn_at=withdrawn_at,
    )
    return RuleUse(rule, used)


def leak(kind: str = "words", other: str = "3000", **known: Any) -> Leak:
    """Return a piece of the conversation with `other`, written two hours ago."""
    usual: dict[str, Any] = {
        "kind": kind,
        "conversation_id": pair_id(ACCOUNT, other),
        "message_id": "1791970200123450000",
        "wrote_at": NOW - 2 * HOUR,
        "marks": 3,
    }
    return Leak(**(usual | known))


def taint(other: str = "3000") -> Taint:
    """Return unanswered words of `other`, read a minute ago."""
    return Taint(pair_id(ACCOUNT, other), "1791970200123450000", NOW - 60 * SECOND)
