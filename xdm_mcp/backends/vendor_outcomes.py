"""How a call to an unofficial service ended, by that service's own table of refusals.

Both services wrap what X said: as a code, as a sentence, or as X's own JSON inside a sentence. A
service in between can fail in more ways than X, so less of what it says counts as proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

from xdm_mcp.backends.http import Answer
from xdm_mcp.backends.loose import items_in, pick, text_in
from xdm_mcp.backends.strict_json import parse
from xdm_mcp.backends.unanswered import FIND_OUT
from xdm_mcp.backends.x_api_v2_errors import CLIENT_ERRORS, Refusal, Row
from xdm_mcp.backends.x_api_v2_limits import number_in
from xdm_mcp.backends.x_api_v2_problems import Problem, problems_in
from xdm_mcp.errors import BackendUnavailable, NotFound, RateLimited, Refused
from xdm_mcp.models.sends import Halt, Outcome, Receipt, SendState

DAY = timedelta(hours=24)
LONGEST = 8_192
"""Characters of a sentence that are looked at."""

MOST = 20
"""Fields of a malformed request that are looked at."""

_CHALLENGE = Problem(number=326, detail="a challenge is open")


@dataclass(frozen=True, slots=True)
class Vendor:
    """A service in between: its name for sentences, what its refusals mean, and how long to wait
    where it asks to wait but does not say how long."""

    name: str
    table: Sequence[Row]
    waits: timedelta

    def refusal(self, status: int, problems: Sequence[Problem]) -> Refusal | None:
        """Return what an answer that is no success means, None where no row recognises it."""
        for row in self.table:
            fits = row.bare or any(row.fits(each) for each in problems)
            if status in row.statuses and fits:
                return row.refusal
        return None

    def told(self, problems: Sequence[Problem]) -> Refusal | None:
        """Return what a body says that refuses a read under a status of success, None where its
        words are not known. Rows that are bound to a status of their own do not count."""
        for row in self.table:
            known = row.specific and row.statuses == CLIENT_ERRORS
            if known and any(row.fits(each) for each in problems):
                return row.refusal
        return None

    def proven(self, problems: Sequence[Problem]) -> Refusal | None:
        """Return what refuses a send under a status of success, None where nothing there is X's.

        Only X can know that nothing was sent: the service's own sentence may tell of what it met
        after X had taken the message.
        """
        for row in self.table:
            if row.of_x and any(row.fits(each) for each in problems):
                return row.refusal
        return None

    def alarm(self, status: int, problems: Sequence[Problem]) -> Refusal | None:
        """Return the first refusal that asks to stop sends: by X's own code or words whatever the
        status, by the service's words under their own."""
        for row in self.table:
            heard = row.of_x or (row.specific and status in row.statuses)
            if heard and row.refusal.halts and any(row.fits(each) for each in problems):
                return row.refusal
        return None


def said_no(content: object) -> bool:
    """Whether a body speaks of a failure, or is none that could speak of success."""
    if not isinstance(content, dict):
        return True
    status = content.get("status", "success")
    return status != "success" or bool(content.get("error")) or bool(content.get("errors"))


def troubles_in(content: object) -> tuple[Problem, ...]:
    """Return what an answer tells of trouble: codes, sentences, and X's own JSON inside them."""
    return tuple(_troubles(content))


def outcome_of(
    vendor: Vendor,
    answer: Answer,
    receipt: Receipt | None,
    now: datetime,
    *,
    crossed: bool = False,
    refused: bool = False,
) -> Outcome:
    """Classify the answer to the one POST of a send.

    `receipt` is the proof in it, `crossed` says that it names other people than it should.
    `refused` says that the body is a plain refusal although the status is a success. SENT needs 200
    or 201 and a receipt; FAILED a refusal that the table knows.
    """
    if receipt and crossed:
        return _wrong_recipient(vendor, now)
    if answer.status in (200, 201) and receipt:
        says = f"{vendor.name} accepted the message; whether it is shown to them is not known."
        return Outcome(SendState.SENT, "accepted", says, receipt=receipt)
    problems = troubles_in(answer.content)
    if refused and answer.ok:
        refusal = vendor.proven(_of_x(answer.content))
    else:
        refusal = vendor.refusal(answer.status, problems)
    if refusal is None or not refusal.proves or receipt:
        code, says = _doubt(vendor, answer.status, receipt)
        alarm = _halt(vendor.alarm(answer.status, problems), now)
        return Outcome(SendState.UNKNOWN, code, f"{says} {FIND_OUT}", halt=alarm)
    return Outcome(
        SendState.FAILED,
        refusal.code,
        refusal.says,
        retry_at=retry_at(vendor, answer, refusal, now) if refusal.waits else None,
        closed_for=refusal.closed_for,
        halt=_halt(refusal, now),
    )


def refuse_read(vendor: Vendor, answer: Answer, now: datetime) -> NoReturn:
    """Raise what a read says that is no success, or a success without what was asked for.

    Raises NotFound, RateLimited or Refused for what the table knows, else BackendUnavailable.
    """
    problems = troubles_in(answer.content)
    known = vendor.told(problems) if answer.ok else vendor.refusal(answer.status, problems)
    refusal = known or vendor.alarm(answer.status, problems)
    if refusal is None:
        raise BackendUnavailable(
            f"{vendor.name} gave no usable answer (HTTP {answer.status}); try again in a minute."
        )
    if refusal.code == "not_found":
        raise NotFound(refusal.says)
    if refusal.waits:
        raise RateLimited(refusal.says, retry_at(vendor, answer, refusal, now))
    raise Refused(refusal.code, refusal.says)


def retry_at(vendor: Vendor, answer: Answer, refusal: Refusal, now: datetime) -> datetime:
    """Return when a refused call may be tried again: as the body or the header asks, a day at
    most, else after the vendor's usual wait or the length of the halt."""
    body = pick(answer.content, "retry_after", "retryAfter")
    asked = _whole(body) or _whole(number_in(answer.headers, "retry-after"))
    wait = timedelta(seconds=asked) if asked else refusal.halts_for or vendor.waits
    return now + wait


def _troubles(content: object) -> Iterator[Problem]:
    if not isinstance(content, dict):
        return
    if content.get("challenge"):
        yield _CHALLENGE
    number = content.get("twitter_error_code")
    code = number if isinstance(number, int) and not isinstance(number, bool) else None
    for name in ("error", "msg", "message", "detail"):
        words = content.get(name)
        if isinstance(words, str) and words:
            yield Problem(detail=words[:LONGEST], number=code)
            yield from _nested(words[:LONGEST])
            code = None
    for field in items_in(content, "detail")[:MOST]:  # how one of them tells of malformed fields
        yield Problem(kind="invalid-field", detail=(text_in(field, "msg", "type") or "")[:LONGEST])
    for problem in problems_in(content):
        yield replace(problem, detail=problem.detail[:LONGEST])


def _of_x(content: object) -> tuple[Problem, ...]:
    """Return the troubles of an answer whose numbers are X's: those in `twitter_error_code`, in
    `errors` and in what is quoted of X. Another `code` may be one of the service's own numbers."""
    if not isinstance(content, dict):
        return ()
    own = {"code"} if isinstance(content.get("error"), str) else {"code", "error"}
    return troubles_in({name: value for name, value in content.items() if name not in own})


def _nested(words: str) -> tuple[Problem, ...]:
    """Return the problems of X's own answer that a sentence quotes."""
    quoted = words[words.find("{") : words.rfind("}") + 1]
    try:
        return problems_in(parse(quoted.encode(errors="replace"))) if quoted else ()
    except ValueError:
        return ()


def _doubt(vendor: Vendor, status: int, receipt: Receipt | None) -> tuple[str, str]:
    if status == 202:
        return "queued", f"{vendor.name} put the message into a queue."
    if receipt:
        return "contradiction", f"The answer of {vendor.name} contradicts itself."
    if 200 <= status < 300:
        return "no_receipt", f"{vendor.name} answered without proof that X took the message."
    if status >= 500:
        return "server_error", f"{vendor.name} failed while it worked on it (HTTP {status})."
    return "unrecognised", f"{vendor.name} answered as nothing here knows (HTTP {status})."


def _wrong_recipient(vendor: Vendor, now: datetime) -> Outcome:
    says = (
        f"{vendor.name} names another recipient or sender than was approved: look into X, stop"
        " using it until it is explained, then clear the halt."
    )
    halt = Halt("wrong_recipient", says, since=now)
    return Outcome(SendState.UNKNOWN, "wrong_recipient", says, halt=halt)


def _halt(refusal: Refusal | None, now: datetime) -> Halt | None:
    if refusal is None or refusal.halts is None:
        return None
    until = now + refusal.halts_for if refusal.halts_for else None
    return Halt(refusal.code, refusal.says, since=now, scope=refusal.halts, until=until)


def _whole(value: object) -> int:
    """Return a number of seconds up to a day; 0 for everything else."""
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and isinstance(value, int) and 0 < value <= DAY.total_seconds() else 0
