"""What the tests of hostile answers have in common: every backend over a scripted wire, a good
answer to a send of each, and bad ones made from it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.backends.wires import ACCEPTED, ANNA, EVENT, NOW, Answering, Script
from tests.contract.backends.arena import CREDENTIALS, IRIS
from tests.contract.backends.arena import ME as OWNER
from xdm_mcp.backends.base import Backend
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import XdmError
from xdm_mcp.models.sends import Outcome, Target

TARGET = Target((ANNA,))
JSON = {"content_type": "application/json"}
HOME = Path(tempfile.gettempdir()) / "xdm-hostile-home"
"""Never written to: nothing here touches the disk."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one service says that it took a message: the body, and the key of the message's id.

    `bare` are the statuses that say by themselves that nothing was sent.
    """

    accepted: Mapping[str, Any]
    key: str
    bare: frozenset[int] = frozenset({401, 429})

    @property
    def good(self) -> bytes:
        """The body as bytes."""
        return json.dumps(self.accepted).encode()

    @property
    def quoted(self) -> bytes:
        """The key with its quotes."""
        return json.dumps(self.key).encode()


V1 = {
    "event": {
        "type": "message_create",
        "id": EVENT,
        "created_timestamp": "1791970302500",
        "message_create": {
            "target": {"recipient_id": ANNA},
            "sender_id": OWNER,
            "message_data": {"text": "Hello."},
        },
    }
}
PAID = frozenset({401, 402, 429})
DIALECTS: Mapping[str, Dialect] = {
    "sandbox": Dialect(ACCEPTED, "dm_event_id"),
    "x-api-v2": Dialect(ACCEPTED, "dm_event_id"),
    "x-api-v1": Dialect(V1, "id"),
    "getxapi": Dialect(
        {"status": "success", "msg": "ok", "data": {"id": EVENT, "recipientId": ANNA}}, "id", PAID
    ),
    "twitterapi-io": Dialect(
        {"message_id": EVENT, "status": "success", "msg": ""}, "message_id", PAID
    ),
}
"""A new backend adds its line."""


def bodies(dialect: Dialect) -> dict[str, bytes]:
    """Return bodies that must never count as proof, by name."""
    good, key = dialect.good, dialect.quoted
    with_extra = good[:-1] + b', "x": '
    return {
        "empty": b"",
        "html": b"<html><body>" + good + b"</body></html>",
        "cut short": good[:-5],
        "two documents": good + good,
        "duplicate key": good.replace(key, key + b': "7", ' + key),
        "case variant": good.replace(key, key.upper() + b': "7", ' + key),
        "not a number": with_extra + b"NaN}",
        "infinity": with_extra + b"1e999}",
        "deep": b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "deep beside": with_extra + b"[" * 40 + b"]" * 40 + b"}",
        "nested": b'{"a":' * 40 + good + b"}" * 40,
        "twenty megabytes": with_extra + b'"' + b"x" * 20_971_520 + b'"}',
        "utf-16": good.decode().encode("utf-16"),
        "half a character": with_extra + b'"\\ud83d"}',
        "a fraction for an id": good.replace(f'"{EVENT}"'.encode(), f"{EVENT}.5".encode()),
        "true for an id": good.replace(f'"{EVENT}"'.encode(), b"true"),
        "words for an id": good.replace(f'"{EVENT}"'.encode(), b'"soon"'),
        "too long an id": good.replace(EVENT.encode(), EVENT.encode() * 2),
        "no id": good.replace(key, b'"nothing"'),
        "a list for an id": good.replace(f'"{EVENT}"'.encode(), f'["{EVENT}"]'.encode()),
        "a huge number": with_extra + b"9" * 5_000 + b"}",
        "a list": b"[" + good + b"]",
        "a string": json.dumps(good.decode()).encode(),
        "errors": b'{"errors": [{"message": "no"}]}',
        "error": b'{"error": "no", "status": "error", "msg": "no"}',
        "braces": b'{"error": "' + b"{" * 1_000_000 + b'"}',
        "null": b"null",
        "true": b"true",
    }


BODIES: Mapping[str, Mapping[str, bytes]] = {name: bodies(DIALECTS[name]) for name in DIALECTS}


def opened(name: str, wire: Any) -> Backend:
    """Return a backend that talks to `wire` alone, at a fixed time."""
    settings = Settings(home=HOME, backend=name, **CREDENTIALS[name])
    return open_backend(settings, ManualClock(NOW), httpx2.MockTransport(wire))


async def sent(name: str, answer: Answering | Exception) -> Outcome:
    """Return the outcome of a send that was answered so, having made one request, to its host."""
    script = Script(answer)
    backend = opened(name, script)
    outcome = await backend.send(TARGET, "Hello.", None)
    assert [f"{r.url.scheme}://{r.url.netloc.decode()}" for r in script.requests] == [
        backend.origin
    ]
    return outcome


async def reads(name: str, answer: Answering | Exception) -> list[BaseException | None]:
    """Return what each kind of read raises, None where it raises nothing."""
    script = Script(answer)
    backend = opened(name, script)
    able = backend.capabilities
    calls = [
        backend.me(),
        backend.users(ids=[IRIS]),
        backend.users(handles=["target_user"]),
        backend.messages(limit=5, with_user=IRIS),
    ]
    calls += [backend.messages(limit=5)] if able.inbox else []
    calls += [backend.messages(limit=5, conversation_id=f"{OWNER}-{IRIS}")] if able.threads else []
    calls += [backend.message(EVENT)] if able.one_message else []
    calls += [backend.followers(IRIS)] if able.followers else []
    calls += [backend.balance()] if able.balance else []
    raised: list[BaseException | None] = []
    for call in calls:
        try:
            await call
        except XdmError as error:
            raised.append(error)
        else:
            raised.append(None)
    asked = {f"{r.url.scheme}://{r.url.netloc.decode()}" for r in script.requests}
    assert asked <= {backend.origin}
    return raised
