"""How a call ended: an answer to a send becomes an `Outcome`, a refused read becomes an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from xdm_mcp.backends.http import Answer
from xdm_mcp.backends.unanswered import FIND_OUT, unsent
from xdm_mcp.backends.x_api_v2_errors import (
    FORBIDDEN,
    NOT_FOUND,
    RECIPIENT_UNAVAILABLE,
    Refusal,
    alarm_in,
    refusal_of,
    told_by,
)
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, retry_at, send_windows
from xdm_mcp.backends.x_api_v2_parse import contradicts, receipt_in
from xdm_mcp.backends.x_api_v2_problems import Problem, problems_in
from xdm_mcp.errors import BackendUnavailable, NotFound, RateLimited, Refused
from xdm_mcp.models.quota import ServerWindow
from xdm_mcp.models.sends import Halt, Outcome, Receipt, SendState, Target

ACCEPTED = "X accepted the message; whether and where it is shown to the recipient is not known."
ABSENT = (NOT_FOUND, FORBIDDEN, RECIPIENT_UNAVAILABLE)
"""What X may say of one user in a look-up of several: unknown, hidden or suspended."""

RENEWED = Refusal("auth", "X no longer took the access token; it has been renewed: send again.")


def outcome_of(answer: Answer, target: Target, now: datetime, account: str = ACCOUNT) -> Outcome:
    """Classify the answer to the one POST of a send.

    SENT needs a success with a proper id in the right conversation, FAILED a client error and a
    refusal that the table knows. Everything else is UNKNOWN.
    """
    windows = send_windows(answer.headers, now, account)
    receipt = receipt_in(answer.content)
    fits = receipt is not None and not contradicts(receipt, target)
    return judged(answer, receipt, windows, now, fits=fits)


def judged(
    answer: Answer,
    receipt: Receipt | None,
    windows: tuple[ServerWindow, ...],
    now: datetime,
    *,
    fits: bool = True,
) -> Outcome:
    """Classify an answer that holds `receipt` (or none), which `fits` what was sent or does not.

    A refusal of credentials that could be renewed since halts nothing: a new attempt may succeed.
    """
    if answer.ok and receipt and fits:
        return Outcome(SendState.SENT, "accepted", ACCEPTED, receipt=receipt, windows=windows)
    problems = problems_in(answer.content)
    refusal = refusal_of(answer.status, problems)
    if refusal is None or not refusal.proves or receipt:
        code, says = _doubt(answer.status, bool(receipt), refusal)
        alarm = _halt(alarm_in(problems), now)
        return Outcome(SendState.UNKNOWN, code, f"{says} {FIND_OUT}", halt=alarm, windows=windows)
    refusal = _excused(refusal, answer)
    return Outcome(
        SendState.FAILED,
        refusal.code,
        refusal.says,
        retry_at=retry_at(answer.headers, windows, now) if refusal.waits else None,
        closed_for=refusal.closed_for,
        halt=_halt(refusal, now),
        windows=windows,
    )


def upload_outcome(answer: Answer, now: datetime) -> Outcome:
    """Return the outcome of a send whose picture was not accepted: nothing was sent."""
    refusal = refusal_of(answer.status, problems_in(answer.content))
    if refusal is None or refusal.closed_for:
        return unsent("attachment", "X did not take the picture, and nothing was sent; try again.")
    refusal = _excused(refusal, answer)
    return Outcome(
        SendState.FAILED,
        refusal.code,
        refusal.says,
        not_sent=True,
        retry_at=retry_at(answer.headers, (), now) if refusal.waits else None,
        halt=_halt(refusal, now),
    )


def refuse_read(answer: Answer, now: datetime) -> NoReturn:
    """Raise what a read says that is no success, or a success without what was asked for.

    Raises NotFound, RateLimited or Refused for what the table knows, else BackendUnavailable.
    """
    problems = problems_in(answer.content)
    refusal = told_by(problems) if answer.ok else refusal_of(answer.status, problems)
    if refusal is None:
        raise BackendUnavailable(
            f"X gave no usable answer (HTTP {answer.status}); try again in a minute."
        )
    if refusal.code == "not_found":
        raise NotFound(refusal.says)
    if refusal.waits:
        windows = send_windows(answer.headers, now)
        raise RateLimited(refusal.says, retry_at(answer.headers, windows, now))
    raise Refused(refusal.code, refusal.says)


def only_absent(answer: Answer, problems: Sequence[Problem]) -> bool:
    """Whether an answer to a look-up of users says no more than that there are none of them."""
    plain = answer.ok or answer.status == 404
    return plain and bool(problems) and all(told_by([each]) in ABSENT for each in problems)


def _doubt(status: int, receipt: bool, refusal: Refusal | None) -> tuple[str, str]:
    if receipt:
        return "contradiction", "X's answer contradicts itself or names another conversation."
    if refusal is not None:
        return refusal.code, refusal.says
    if 200 <= status < 300:
        return "no_receipt", "X answered without proof that it took the message."
    if status >= 500:
        return "server_error", f"X failed while it worked on the message (HTTP {status})."
    return "unrecognised", f"X gave an answer that nothing here knows (HTTP {status})."


def _excused(refusal: Refusal, answer: Answer) -> Refusal:
    return RENEWED if answer.renewed and refusal.code == "auth" else refusal


def _halt(refusal: Refusal | None, now: datetime) -> Halt | None:
    if refusal is None or refusal.halts is None:
        return None
    until = now + refusal.halts_for if refusal.halts_for else None
    return Halt(refusal.code, refusal.says, since=now, scope=refusal.halts, until=until)
