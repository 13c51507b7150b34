"""What twitterapi.io's refusals mean, as data (agent skill of the service, 2026-04).

Most of them are one sentence under HTTP 200. Only X's own code inside it, or X's own words, say
for sure that nothing was sent; the service's advice to expect failures and repeat is not followed.
"""

from __future__ import annotations

import re
from datetime import timedelta

from xdm_mcp.backends.vendor_outcomes import Vendor
from xdm_mcp.backends.x_api_v2_errors import (
    ACCOUNT_LOCKED,
    ACCOUNT_SUSPENDED,
    BAD_RECIPIENT,
    RATE_LIMITED,
    RECIPIENT_CLOSED,
    RECIPIENT_UNAVAILABLE,
    SPAM_FLAG,
    UNPROVEN,
    Refusal,
    Row,
    by_code,
    by_words,
)

SESSION = Refusal(
    "auth",
    "X does not accept the log-in cookies: log in at twitterapi.io anew, give what it returns to"
    " `xdm-mcp login --backend twitterapi-io` or XDM_TWITTERAPI_IO_COOKIES, start again, and clear"
    " the halt if there is one.",
    halts="account",
)
KEY = Refusal(
    "auth",
    "twitterapi.io does not accept the key or the cookies: give both anew to `xdm-mcp login"
    " --backend twitterapi-io` or XDM_TWITTERAPI_IO_KEY and XDM_TWITTERAPI_IO_COOKIES, start"
    " again, and clear the halt if there is one.",
    halts="account",
)
CREDITS = Refusal(
    "credits",
    "The twitterapi.io account has no credits left: add credits, then clear the halt.",
    halts="spending",
)
NOT_FOUND = Refusal("not_found", "twitterapi.io knows no such person: check the handle or the id.")
BAD_REQUEST = Refusal(
    "bad_request", "twitterapi.io finds the request malformed: check recipient and text."
)


def _x_says(refusal: Refusal, words: str) -> Row:
    return Row(refusal, detail=re.compile(words, re.IGNORECASE), quoted=True)


TABLE: tuple[Row, ...] = (
    by_code(UNPROVEN, 151),
    by_code(SPAM_FLAG, 226),
    by_code(ACCOUNT_LOCKED, 326),
    by_code(ACCOUNT_SUSPENDED, 64),
    by_code(RECIPIENT_CLOSED, 150, 349, 476),
    by_code(RECIPIENT_UNAVAILABLE, 63),
    by_code(BAD_RECIPIENT, 108),
    by_code(NOT_FOUND, 17, 34, 50),
    by_code(SESSION, 32, 89, 99, 215),
    by_code(RATE_LIMITED, 88),
    _x_says(RECIPIENT_CLOSED, r"\bcannot send messages to this user\b"),
    _x_says(SESSION, r"\bcould not authenticate you\b"),
    by_words(NOT_FOUND, r"\Auser not found\b"),
    Row(KEY, frozenset({401}), bare=True),
    Row(CREDITS, frozenset({402}), bare=True),
    Row(RATE_LIMITED, frozenset({429}), bare=True),
    Row(NOT_FOUND, frozenset({404})),
    by_words(BAD_REQUEST, r"\b(field required|missing)\b", frozenset({400, 422})),
    Row(BAD_REQUEST, frozenset({422})),
)
"""Every refusal that we know, the gravest first, X's own codes before anybody's words."""

TWITTERAPI_IO = Vendor("twitterapi.io", TABLE, waits=timedelta(seconds=60))
