"""What GetXAPI's refusals mean, as data (GetXAPI error reference, 2026-11; answers that integrators
recorded in public).

Its body is `{"error": text, "twitter_error_code"?: int, "challenge"?: text, "retry_after"?: int}`,
where the code is X's own, and the text may quote X's answer. Its advice to repeat a send after 226
or 5xx, or to switch accounts at a limit, is not followed: the one may send twice, the other breaks
X's rules.
"""

from __future__ import annotations

import re
from datetime import timedelta

from xdm_mcp.backends.vendor_outcomes import Vendor
from xdm_mcp.backends.x_api_v2_errors import (
    ACCOUNT_LOCKED,
    ACCOUNT_SUSPENDED,
    BAD_RECIPIENT,
    DAILY_LIMIT,
    RATE_LIMITED,
    RECIPIENT_CLOSED,
    RECIPIENT_UNAVAILABLE,
    SENDER_RESTRICTED,
    SPAM_FLAG,
    UNPROVEN,
    Refusal,
    Row,
    by_code,
    by_words,
)

SESSION = Refusal(
    "auth",
    "X does not accept the session cookie: log in to x.com, give the new one to `xdm-mcp login"
    " --backend getxapi` or XDM_GETXAPI_AUTH_TOKEN, start again, and clear the halt if there is"
    " one.",
    halts="account",
)
KEY = Refusal(
    "auth",
    "GetXAPI does not accept the key or the session cookie: give both anew to `xdm-mcp login"
    " --backend getxapi` or XDM_GETXAPI_KEY and XDM_GETXAPI_AUTH_TOKEN, start again, and clear the"
    " halt if there is one.",
    halts="account",
)
CREDITS = Refusal(
    "credits",
    "The GetXAPI account has no credits left: add credits, then clear the halt.",
    halts="spending",
)
NOT_FOUND = Refusal(
    "not_found", "GetXAPI knows no such person or conversation: check the handle or the id."
)
NO_THREAD = Refusal(
    "not_found", "X knows no such conversation: nobody wrote in it yet, or the id is wrong."
)
BAD_REQUEST = Refusal(
    "bad_request", "GetXAPI finds the request malformed: check recipient and text."
)

FORBIDDEN = frozenset({403})

_OWN_BLOCKED = r"\byour account (is|was|has been) (temporarily )?blocked\b(?! (by|from))"
"""What stops the account itself: any other blocking is a person's, who wants nothing of us."""


TABLE: tuple[Row, ...] = (
    by_code(UNPROVEN, 151),
    by_code(SPAM_FLAG, 226),
    Row(
        RECIPIENT_CLOSED,
        numbers=frozenset({326}),
        detail=re.compile(r"(not|n['\u2019]t) follow(ing)? you", re.IGNORECASE),
    ),
    by_code(ACCOUNT_LOCKED, 326),
    by_code(ACCOUNT_SUSPENDED, 64),
    Row(DAILY_LIMIT, frozenset({429}), numbers=frozenset({502})),
    by_words(DAILY_LIMIT, r"daily message request limit", frozenset({429})),
    by_code(RECIPIENT_CLOSED, 150, 349, 476),
    by_code(RECIPIENT_UNAVAILABLE, 63),
    by_code(BAD_RECIPIENT, 108),
    by_code(SESSION, 32, 89, 99, 215),
    by_code(NO_THREAD, 279),
    by_code(NOT_FOUND, 17, 34, 50),
    by_code(BAD_REQUEST, 324, 325, 354),
    by_code(RATE_LIMITED, 88),
    by_words(RECIPIENT_CLOSED, r"cannot send messages to this user", FORBIDDEN),
    by_words(RECIPIENT_CLOSED, r"not verified to send message requests", FORBIDDEN),
    by_words(SENDER_RESTRICTED, r"operation is not permitted", FORBIDDEN),
    by_words(ACCOUNT_SUSPENDED, r"\bsuspended\b", FORBIDDEN | {410}),
    by_words(ACCOUNT_LOCKED, _OWN_BLOCKED, FORBIDDEN),
    by_words(RECIPIENT_CLOSED, r"\bblocked\b", FORBIDDEN),
    by_words(ACCOUNT_LOCKED, r"\b(locked|verify|verification)\b", FORBIDDEN | {423}),
    by_words(SESSION, r"auth_token|could not authenticate", frozenset({401})),
    Row(KEY, frozenset({401}), bare=True),
    Row(CREDITS, frozenset({402}), bare=True),
    Row(RATE_LIMITED, frozenset({429}), bare=True),
    Row(ACCOUNT_SUSPENDED, frozenset({410})),
    Row(ACCOUNT_LOCKED, frozenset({423})),
    by_words(NOT_FOUND, r"could not (resolve userId|find user)"),
    Row(NOT_FOUND, frozenset({404})),
    Row(BAD_REQUEST, frozenset({400, 422})),
)
"""Every refusal that we know, the gravest first, X's own codes before anybody's words."""

GETXAPI = Vendor("GetXAPI", TABLE, waits=timedelta(seconds=60))
"""Its advice where it names no time: a minute."""
