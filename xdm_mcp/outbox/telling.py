"""What a caller is told of a send: the one place where ledger states become `SendResult`s."""

from __future__ import annotations

from xdm_mcp.clock import from_ms, rfc3339
from xdm_mcp.guard.hand_off import compose_url
from xdm_mcp.ledger.settling import FOUND
from xdm_mcp.ledger.snowflakes import time_of
from xdm_mcp.models.quota import usd
from xdm_mcp.models.results import Reason, SendResult, SendStatus
from xdm_mcp.models.sends import FORGOTTEN, Draft, Entry, SendState, Target
from xdm_mcp.models.verdicts import Decision, Finding, Verdict
from xdm_mcp.outbox.drafts import UNRESOLVED

STATUS: dict[SendState, SendStatus] = {
    SendState.HELD: "held",
    SendState.APPROVED: "held",
    SendState.RESERVED: "unknown",
    SendState.IN_FLIGHT: "unknown",
    SendState.SENT: "sent",
    SendState.FAILED: "failed",
    SendState.UNKNOWN: "unknown",
    SendState.REJECTED: "denied",
    SendState.EXPIRED: "denied",
}
"""What a caller may conclude from each state; an unfinished one is never called sent."""

VERDICT_CODE = {
    Verdict.ALLOW: "would_send",
    Verdict.HOLD: "would_hold",
    Verdict.DENY: "would_deny",
}


def tell_entry(entry: Entry, *, replayed: bool = False) -> SendResult:
    """Return the result for an entry as it stands; `replayed` when this call did nothing new."""
    hold = entry.hold
    waits = STATUS[entry.state] == "held"
    return SendResult(
        status=STATUS[entry.state],
        says=_sentence(entry, replayed=replayed),
        recipient_ids=list(entry.target.user_ids),
        conversation_id=_conversation(entry),
        message_id=entry.receipt.message_id if entry.receipt else None,
        sent_at=_sent_at(entry),
        replayed=replayed,
        approval_id=hold.approval_id if hold else None,
        reasons=[Reason(rule=rule, says=says) for rule, says in hold.reasons]
        if hold and waits
        else [],
        expires_at=rfc3339(hold.expires_at) if hold and waits else None,
        how_to_approve=how_to_approve(hold.approval_id)
        if hold and entry.state is SendState.HELD
        else None,
        retry_at=rfc3339(entry.retry_at) if entry.retry_at else None,
        code=entry.code,
        cost_usd=None if _costs_nothing(entry) else usd(entry.cost),
    )


def _costs_nothing(entry: Entry) -> bool:
    """Whether a send ended before a byte of it left, so that nothing is booked for it."""
    return entry.not_sent or STATUS[entry.state] == "denied"


def _sent_at(entry: Entry) -> str | None:
    """Return when it was sent; what was found later says so by its own id."""
    if entry.receipt is None or entry.settled_at is None:
        return None
    at = time_of(int(entry.receipt.message_id)) if entry.code == FOUND else None
    return rfc3339(entry.settled_at if at is None else from_ms(at))


def tell_denied(draft: Draft, decision: Decision) -> SendResult:
    """Return the result for a draft that the policy refuses, with a way for the owner's own hand
    where the policy leaves one."""
    by_hand = compose_url(draft) if decision.by_hand else None
    hint = " Only the owner may still send it, by hand, at compose_url." if by_hand else ""
    return SendResult(
        status="denied",
        says=_why("The policy refuses it", decision) + hint,
        recipient_ids=_recipients(draft.target),
        conversation_id=draft.target.conversation_id,
        reasons=[Reason(rule=rule, says=says) for rule, says in decision.reasons],
        retry_at=rfc3339(decision.retry_at) if decision.retry_at else None,
        compose_url=by_hand,
    )


def tell_preview(draft: Draft, decision: Decision) -> SendResult:
    """Return what would happen to a draft, with every rule that has something to say."""
    first = {
        Verdict.ALLOW: "A preview: it would be sent",
        Verdict.HOLD: "A preview: a person would have to approve it",
        Verdict.DENY: "A preview: the policy would refuse it",
    }[decision.verdict]
    unresolved = UNRESOLVED in draft.target.user_ids
    note = "; somebody in it was not looked up, which a real send does first" if unresolved else ""
    return SendResult(
        status="preview",
        says=f"{first}{note}.",
        recipient_ids=_recipients(draft.target),
        conversation_id=draft.target.conversation_id,
        reasons=[reason(finding) for finding in decision.findings],
        retry_at=rfc3339(decision.retry_at) if decision.retry_at else None,
        code=VERDICT_CODE[decision.verdict],
        cost_usd=usd(draft.cost),
    )


def reason(finding: Finding) -> Reason:
    """Return one finding as a reason."""
    return Reason(rule=finding.rule, says=finding.says)


def how_to_approve(approval_id: str, page: str | None = None, principal: str = "") -> str:
    """Return the one sentence that tells a person how to approve, on the page where there is one,
    as one of several principals if that is so."""
    decides = f"decides at {page}, or runs" if page else "runs"
    whose = f" --principal {principal}" if principal else ""
    return (
        f"The owner {decides} `xdm-mcp approvals approve {approval_id}{whose}` in a terminal; "
        "no tool can do it."
    )


def _recipients(target: Target) -> list[str]:
    return [user_id for user_id in target.user_ids if user_id != UNRESOLVED]


def _conversation(entry: Entry) -> str | None:
    if entry.receipt and entry.receipt.conversation_id:
        return entry.receipt.conversation_id
    return entry.target.conversation_id


def _why(first: str, decision: Decision) -> str:
    return f"{first}: {decision.reasons[0][1]}" if decision.reasons else f"{first}."


def _sentence(entry: Entry, *, replayed: bool) -> str:
    match entry.state:
        case SendState.HELD:
            return "Not before a person approves it; then it goes out by itself. Do not repeat it."
        case SendState.APPROVED:
            return "A person approved it and it waits for its turn; do not send it again."
        case SendState.SENT if replayed:
            return "This very message was sent before; nothing new was sent now."
        case SendState.SENT:
            return "X accepted the message."
        case SendState.REJECTED if entry.says == FORGOTTEN:
            return FORGOTTEN
        case SendState.REJECTED:
            return "A person rejected this message; do not send it again."
        case SendState.EXPIRED:
            return "Nobody approved it in time; ask the owner before you try again."
        case SendState.FAILED:
            return entry.says or "The backend refused it."
        case SendState.UNKNOWN if entry.next_read_at is None and entry.reads:
            return (
                "It may have been sent, which could not be found out; the owner must look. "
                "Do not send it again."
            )
        case _:
            return "It may have been sent; we are finding out. Do not send it again."
