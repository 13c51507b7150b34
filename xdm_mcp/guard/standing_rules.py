"""What a person allowed beforehand: which standing rule answers, in that person's place, whatever
would be held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from xdm_mcp.guard.first_contact import is_first_contact
from xdm_mcp.links import links
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.standing_rules import RuleUse, Terms
from xdm_mcp.models.verdicts import Decision, Facts, Finding, PeerFacts, Verdict

Solicits = Callable[[PeerFacts, datetime], bool]
"""Whether one more message to somebody is solicited, as the owner sets it."""


def answering(
    findings: Sequence[Finding], draft: Draft, facts: Facts, now: datetime, solicits: Solicits
) -> RuleUse | None:
    """Return the standing rule that covers `draft` and answers every HOLD of `findings`, or None.

    A rule that names the recipient comes before one for anybody, an older one before a newer. None
    where anything is denied, or nothing is held: then no rule is needed.
    """
    held = [finding for finding in findings if finding.verdict is Verdict.HOLD]
    if not held or any(finding.verdict is Verdict.DENY for finding in findings):
        return None
    able = (
        use
        for use in facts.standing_rules
        if covers(use, draft, facts, now, solicits) and _answers_all(use, held)
    )
    return min(able, key=lambda u: (u.rule.terms.user_id is None, int(u.rule.id)), default=None)


def let_pass(findings: Sequence[Finding], use: RuleUse) -> Decision:
    """Return the decision in which `use` has answered every HOLD; the rule is named in each."""
    answered = tuple(
        replace(
            finding,
            verdict=Verdict.ALLOW,
            says=f"approved by standing rule {use.rule.id}: {finding.says}",
        )
        if finding.verdict is Verdict.HOLD
        else finding
        for finding in findings
    )
    return Decision(Verdict.ALLOW, answered, standing_rule=use.rule.id)


def covers(use: RuleUse, draft: Draft, facts: Facts, now: datetime, solicits: Solicits) -> bool:
    """Whether a rule, with what it let pass already, speaks of this very send."""
    rule, terms = use.rule, use.rule.terms
    return (
        rule.holds(now)
        and rule.account_id == draft.account_id == facts.account_id
        and use.used < terms.per_day
        and _is_for(terms, draft, facts)
        and _allows_content(terms, draft)
        and (not terms.solicited or all(solicits(peer, now) for peer in facts.peers))
    )


def _is_for(terms: Terms, draft: Draft, facts: Facts) -> bool:
    """Whether the send goes to the one person of the rule, or to one who wrote first."""
    target = draft.target
    if target.conversation_id is not None or len(target.user_ids) != 1 or facts.new_group:
        return False
    if [peer.user_id for peer in facts.peers] != list(target.user_ids):
        return False
    if terms.user_id is not None and terms.user_id != target.user_ids[0]:
        return False
    return (terms.user_id is not None and terms.first_contact) or not is_first_contact(facts)


def _allows_content(terms: Terms, draft: Draft) -> bool:
    if draft.attachment is not None or len(draft.text) > terms.max_length:
        return False
    return (terms.user_id is not None and terms.links) or not any(links(draft.text))


def _answers_all(use: RuleUse, held: Sequence[Finding]) -> bool:
    """Whether the rule answers each of these; never more than its maker could have approved."""
    answered = _answered_by(use.rule.terms)
    return all(finding.rule in answered and finding.least <= use.rule.assurance for finding in held)


def _answered_by(terms: Terms) -> frozenset[str]:
    """Return the rules of the policy that a standing rule answers; the extras for a person only."""
    extras = {
        "links": terms.links,
        "quiet_hours": terms.quiet_hours,
        "first_contact": terms.first_contact,
    }
    said = {name for name, allowed in extras.items() if allowed and terms.user_id is not None}
    return frozenset({"confirmation", *said})
