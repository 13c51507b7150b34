"""Keeping live secrets out of what is logged, whoever logs it."""

from __future__ import annotations

import base64
import logging
import re
import traceback
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from xdm_mcp.config import Settings
from xdm_mcp.sources import SECRETS

HIDDEN = "[secret]"

SHORTEST = 6
"""Characters that a secret has at least to be looked for: shorter ones would hide plain words."""

_live: dict[str, None] = {}


def watch(secret: str | None) -> None:
    """Hide this secret from now on, for the life of the process."""
    if secret and len(secret) >= SHORTEST:
        _live.update(dict.fromkeys(_forms(secret)))


def watch_settings(settings: Settings) -> None:
    """Hide every secret of the settings from now on."""
    tables = (settings.http.token, settings.watch.token)
    for secret in (*(getattr(settings, name) for name in SECRETS), *tables):
        watch(secret.get_secret_value() if secret else None)


def redacted(text: str) -> str:
    """Return a text with every live secret in it replaced: plain, URL-encoded or in base64."""
    for form in sorted(_live, key=len, reverse=True):
        if form in text:
            text = text.replace(form, HIDDEN)
    return text


class Redacting(logging.Filter):
    """Takes live secrets out of a record's message, its arguments and its exception's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted for every handler after this one."""
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = f"{record.msg} {record.args}"
        record.msg, record.args = redacted(said), ()
        if record.exc_info and record.exc_info[1] is not None:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_text = redacted(told)
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return True


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be written: as it is, in URLs, in base64 wherever it begins."""
    yield secret
    for escaped in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield escaped
        yield re.sub("%..", lambda escape: escape[0].lower(), escaped)
    yield secret.encode("unicode_escape").decode()
    raw = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # The first and the last characters also depend on what stands beside the secret.
            whole = encode(b"\0" * before + raw).decode()
            inner = whole[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
            if len(inner) >= SHORTEST:
                yield inner
