"""What X's refusals mean, as data: from problem type, title, detail or numeric code to a class of
ours and a sentence of ours.

What no row recognises is not known, and a send that meets it stays UNKNOWN. Sources: docs.x.com
response codes, 2026-08; X API v2 OpenAPI 2.166 and 2.167; X's table of v1.1 codes; answers that
integrators recorded in public.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from xdm_mcp.backends.x_api_v2_problems import Problem

CLOSED_FOR = timedelta(days=7)
"""How long a recipient who refused us is remembered as closed."""

CLIENT_ERRORS = frozenset(range(400, 500)) - {408}
"""Statuses of definite refusals. 408 means that X gave up waiting, not that it refused."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal means for us.

    `closed_for` asks to remember the recipient as closed. `halts` names the scope of sends to stop,
    `halts_for` for how long, None for until a person clears it. `waits`: time alone heals it.
    `proves` is False where even X's own word does not prove that nothing was sent.
    """

    code: str
    says: str
    closed_for: timedelta | None = None
    halts: str | None = None
    halts_for: timedelta | None = None
    waits: bool = False
    proves: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """How a refusal is recognised: every criterion that is given must hold of one problem.

    A row without criteria goes by the status alone, `bare` even where the body tells nothing.
    `quoted` says that `detail` is a sentence of X's own, which a service in between can only have
    from X.
    """

    refusal: Refusal
    statuses: frozenset[int] = CLIENT_ERRORS
    numbers: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()
    title: str | None = None
    detail: re.Pattern[str] | None = None
    bare: bool = False
    quoted: bool = False

    @property
    def specific(self) -> bool:
        """Whether it goes by more than the status."""
        return bool(self.numbers or self.kinds or self.title or self.detail)

    @property
    def of_x(self) -> bool:
        """Whether it goes by X's own code or words, whoever passed them on."""
        return bool(self.numbers) or self.quoted

    def fits(self, problem: Problem) -> bool:
        """Whether the problem meets the criteria."""
        return (
            (not self.numbers or problem.number in self.numbers)
            and (not self.kinds or problem.kind in self.kinds)
            and (self.title is None or problem.title.lower() == self.title)
            and (self.detail is None or self.detail.search(problem.detail) is not None)
        )


UNPROVEN = Refusal(
    "rejected", "X says that sending failed, without proof that nothing was sent.", proves=False
)
SPAM_FLAG = Refusal(
    "spam_flag",
    "X takes this account's requests for automated ones: open x.com, look for a notice, rest a day,"
    " then clear the halt.",
    halts="account",
)
ACCOUNT_LOCKED = Refusal(
    "account_locked",
    "X has locked this account: unlock it on x.com, then clear the halt.",
    halts="account",
)
ACCOUNT_SUSPENDED = Refusal(
    "account_suspended",
    "X has suspended this account: appeal on x.com; clear the halt once it is restored.",
    halts="account",
)
SENDER_RESTRICTED = Refusal(
    "sender_restricted",
    "X does not permit this account to send: open x.com, look for a notice, then clear the halt.",
    halts="account",
)
APP_ACCESS = Refusal(
    "app_access",
    "X does not let this app use direct messages: check its plan and enrolment in X's developer"
    " console, then clear the halt.",
    halts="account",
)
DAILY_LIMIT = Refusal(
    "daily_limit",
    "X's daily limit of message requests is reached: write to no new people for a day.",
    halts="first_contacts",
    halts_for=timedelta(hours=24),
    waits=True,
)
USAGE_CAP = Refusal(
    "usage_cap",
    "The usage cap of the developer account at X is reached: raise it or wait for the next period,"
    " then clear the halt.",
    halts="spending",
)
CREDITS = Refusal(
    "credits",
    "The developer account at X has no credits left: add credits, then clear the halt.",
    halts="spending",
)
RATE_LIMITED = Refusal(
    "rate_limited", "X's rate limit is reached: wait, then try again.", waits=True
)
RECIPIENT_CLOSED = Refusal(
    "recipient_closed",
    "X refused: this person takes no messages from this account. Wait until they write first.",
    closed_for=CLOSED_FOR,
)
RECIPIENT_UNAVAILABLE = Refusal(
    "recipient_unavailable",
    "X has suspended this person's account: write to somebody else.",
    closed_for=CLOSED_FOR,
)
BAD_RECIPIENT = Refusal("bad_recipient", "X cannot find this recipient: check the user id.")
NOT_FOUND = Refusal("not_found", "X knows no such person, conversation or message: check the id.")
BAD_REQUEST = Refusal(
    "bad_request", "X finds the request malformed: check recipient, text and attachment."
)
AUTH = Refusal(
    "auth",
    "X does not accept the access token: log in again with `xdm-mcp login`, or renew"
    " XDM_X_ACCESS_TOKEN and start again, and clear the halt if there is one.",
    halts="account",
)
WRONG_AUTH_KIND = Refusal(
    "wrong_auth_kind",
    "X wants the access token of a user here, not of an app: set another XDM_X_ACCESS_TOKEN.",
)
SCOPE_MISSING = Refusal(
    "scope_missing",
    "X forbids this to the access token: make one with the scopes dm.read, dm.write, tweet.read and"
    " users.read.",
)
CONFIGURATION = Refusal(
    "configuration",
    "The app at X lacks a permission for direct messages: grant it in X's developer console, then"
    " make a new access token.",
)
FORBIDDEN = Refusal("forbidden", "X forbids this account to see or change that: choose another.")
RETIRED = Refusal("retired", "X has retired this part of its API: update this program.")


def by_code(refusal: Refusal, *numbers: int) -> Row:
    """Return the row of a refusal that goes by these codes of X's."""
    return Row(refusal, numbers=frozenset(numbers))


def by_words(refusal: Refusal, words: str, statuses: frozenset[int] = CLIENT_ERRORS) -> Row:
    """Return the row of a refusal that goes by a pattern of words, in small letters or capitals."""
    return Row(refusal, statuses, detail=re.compile(words, re.IGNORECASE))


def _by_kind(refusal: Refusal, *kinds: str) -> Row:
    return Row(refusal, kinds=frozenset(kinds))


_STRANGERS = re.compile(r"(not|n['\u2019]t) follow(ing)? you", re.IGNORECASE)
_CLOSED = re.compile(r"do not have permission to DM one or more participants")
_RESTRICTED = re.compile(r"This operation is not permitted")

TABLE: tuple[Row, ...] = (
    by_code(UNPROVEN, 151),
    by_code(SPAM_FLAG, 226),
    Row(RECIPIENT_CLOSED, numbers=frozenset({326}), detail=_STRANGERS),
    by_code(ACCOUNT_LOCKED, 326),
    by_code(ACCOUNT_SUSPENDED, 64),
    by_code(APP_ACCESS, 87, 220, 261, 416, 453),
    _by_kind(APP_ACCESS, "client-forbidden"),
    Row(SENDER_RESTRICTED, frozenset({403}), detail=_RESTRICTED),
    Row(CREDITS, title="creditsdepleted"),
    _by_kind(USAGE_CAP, "usage-capped"),
    Row(DAILY_LIMIT, frozenset({429}), numbers=frozenset({502})),
    by_code(RATE_LIMITED, 88),
    _by_kind(RATE_LIMITED, "rate-limit-exceeded"),
    Row(RECIPIENT_CLOSED, frozenset({403}), detail=_CLOSED),
    by_code(RECIPIENT_CLOSED, 150, 349, 476),
    by_code(RECIPIENT_UNAVAILABLE, 63),
    by_code(BAD_RECIPIENT, 108),
    by_code(AUTH, 32, 89, 99, 135, 215),
    _by_kind(WRONG_AUTH_KIND, "unsupported-authentication"),
    _by_kind(CONFIGURATION, "oauth1-permissions"),
    by_code(CONFIGURATION, 93, 214),
    _by_kind(FORBIDDEN, "not-authorized-for-resource", "not-authorized-for-field"),
    _by_kind(NOT_FOUND, "resource-not-found"),
    by_code(NOT_FOUND, 17, 34, 50, 279),
    _by_kind(BAD_REQUEST, "invalid-request"),
    by_code(BAD_REQUEST, 324, 325, 354),
    by_code(RETIRED, 251),
    Row(SCOPE_MISSING, frozenset({403}), title="forbidden", detail=re.compile(r"Forbidden\Z")),
    Row(AUTH, frozenset({401}), bare=True),
    Row(RATE_LIMITED, frozenset({429}), bare=True),
    Row(CREDITS, frozenset({402})),
    Row(NOT_FOUND, frozenset({404})),
    Row(BAD_REQUEST, frozenset({400, 422})),
)
"""Every refusal that we know, the gravest first: of several problems in one answer, the first row
that fits one of them speaks."""


def refusal_of(status: int, problems: Sequence[Problem]) -> Refusal | None:
    """Return what an answer that is not a success means, or None where no row recognises it."""
    for row in TABLE:
        if status in row.statuses and (row.bare or any(row.fits(each) for each in problems)):
            return row.refusal
    return None


def told_by(problems: Sequence[Problem]) -> Refusal | None:
    """Return what the problems say whatever the status: X words refusals in successes as well."""
    for row in TABLE:
        if row.specific and any(row.fits(each) for each in problems):
            return row.refusal
    return None


def alarm_in(problems: Sequence[Problem]) -> Refusal | None:
    """Return the first refusal among the problems that asks to stop sends, whatever the status."""
    for row in TABLE:
        if row.specific and row.refusal.halts and any(row.fits(each) for each in problems):
            return row.refusal
    return None
