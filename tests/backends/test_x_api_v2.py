"""What leaves for the X API v2 as a send, and without a token nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.wires import (
    ACCEPTED,
    ANNA,
    EVENT,
    ME,
    NOW,
    PAIR,
    Script,
    backend_over,
    reply,
)
from xdm_mcp.backends.base import Picture
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import Refused
from xdm_mcp.models.quota import DEADLINE
from xdm_mcp.models.sends import Receipt, SendState, Target

GROUP = "2110302088714465281"
PICTURE = Picture("holiday-canary.png", "image/png", b"\x89PNG")
SELF = {"data": {"id": ME, "name": "Me", "username": "my_account"}}


@pytest.mark.parametrize(
    ("target", "path", "body"),
    [
        (Target((ANNA,)), f"/2/dm_conversations/with/{ANNA}/messages", {"text": "Hello."}),
        (
            Target(conversation_id=GROUP),
            f"/2/dm_conversations/{GROUP}/messages",
            {"text": "Hello."},
        ),
        (Target(conversation_id=PAIR), f"/2/dm_conversations/{PAIR}/messages", {"text": "Hello."}),
        (
            Target((ANNA, "5550001112")),
            "/2/dm_conversations",
            {
                "conversation_type": "Group",
                "participant_ids": [ANNA, "5550001112"],
                "message": {"text": "Hello."},
            },
        ),
    ],
    ids=["person", "group", "pair", "new group"],
)
async def test_each_kind_of_target_has_its_post(
    target: Target, path: str, body: dict[str, Any]
) -> None:
    """One POST with exactly the text and the recipients of the draft."""
    script = Script(reply(201, {"data": {"dm_event_id": EVENT}}))
    outcome = await backend_over(script).send(target, "Hello.", None)
    assert (outcome.state, outcome.receipt) == (SendState.SENT, Receipt(EVENT))
    assert script.paths == [f"POST {path}"]
    assert script.body() == body
    assert script.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("text", ['naïve 🙂 \u202e "quoted"\n\\', "x" * 10_000, "\u0000"])
async def test_the_text_leaves_as_it_is(text: str) -> None:
    """Not a character is changed on the way."""
    script = Script(reply(201, ACCEPTED))
    await backend_over(script).send(Target((ANNA,)), text, None)
    assert script.body() == {"text": text}


async def test_a_picture_is_uploaded_first() -> None:
    """Its id goes into the message; its name on this machine stays here."""
    script = Script(reply(200, {"data": {"id": "77", "media_key": "3_77"}}), reply(201, ACCEPTED))
    outcome = await backend_over(script).send(Target((ANNA,)), "Look.", PICTURE)
    assert outcome.state is SendState.SENT
    assert script.paths[0] == "POST /2/media/upload"
    upload = script.requests[0].content
    assert b"dm_image" in upload
    assert PICTURE.content in upload
    assert b"canary" not in upload
    assert script.body() == {"text": "Look.", "attachments": [{"media_id": "77"}]}


async def test_a_send_keeps_its_deadline_with_a_picture_too() -> None:
    """Upload and message share the time that a message alone may take."""
    whole = DEADLINE.total_seconds()
    script = Script(reply(200, {"data": {"id": "77"}}), reply(201, ACCEPTED))
    backend = backend_over(script)
    await backend.send(Target((ANNA,)), "Look.", PICTURE)
    await backend.send(Target((ANNA,)), "Hello.", None)
    upload, with_picture, alone = (r.extensions["timeout"]["read"] for r in script.requests)
    assert max(upload, with_picture) <= whole / 2
    assert whole / 2 < alone <= whole


async def test_a_picture_needs_no_text() -> None:
    """Then the message has an attachment alone."""
    script = Script(reply(200, {"data": {"id": "77"}}), reply(201, ACCEPTED))
    await backend_over(script).send(Target((ANNA,)), "", PICTURE)
    assert script.body() == {"attachments": [{"media_id": "77"}]}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(400, {"errors": [{"code": 324, "message": "bad media"}]}), "bad_request"),
        (reply(401), "auth"),
        (reply(402, {"title": "CreditsDepleted"}), "credits"),
        (reply(429), "rate_limited"),
        (reply(500), "attachment"),
        (reply(403, {"errors": [{"code": 349}]}), "attachment"),
        (reply(200, {"data": {}}), "attachment"),
        (
            reply(200, {"data": {"id": "7", "processing_info": {"state": "pending"}}}),
            "attachment",
        ),
        (httpx2.ReadTimeout("slow"), "not_sent"),
    ],
)
async def test_without_its_picture_nothing_is_sent(answer: Any, code: str) -> None:
    """A failed upload ends the send before its POST, and everything is given back."""
    script = Script(answer)
    outcome = await backend_over(script).send(Target((ANNA,)), "Look.", PICTURE)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, code, True)
    assert script.paths[0] == "POST /2/media/upload"
    assert set(script.paths[1:]) <= {"GET /2/media/upload"}
    assert outcome.closed_for is None


async def test_trouble_at_the_upload_halts_as_elsewhere() -> None:
    """Credits that ran out stop spending wherever it shows, and a rate limit says until when."""
    script = Script(reply(402, {"title": "CreditsDepleted"}), reply(429))
    backend = backend_over(script)
    spent = await backend.send(Target((ANNA,)), "Look.", PICTURE)
    slow = await backend.send(Target((ANNA,)), "Look.", PICTURE)
    assert spent.halt is not None
    assert spent.halt.scope == "spending"
    assert slow.retry_at == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target(), "Hello."),
        (Target(("anna",)), "Hello."),
        (Target(("../users/me",)), "Hello."),
        (Target((ANNA,), PAIR), "Hello."),
        (Target(conversation_id="../../users/me"), "Hello."),
        (Target(tuple(str(n) for n in range(50))), "Hello."),
        (Target((ANNA,)), ""),
        (Target((ANNA,)), "half a \ud83d character"),
    ],
)
async def test_what_cannot_be_sent_never_leaves(target: Target, text: str) -> None:
    """A draft that fits no POST is refused here, without a request."""
    script = Script(reply(201, ACCEPTED))
    outcome = await backend_over(script).send(target, text, None)
    assert (outcome.state, outcome.not_sent) == (SendState.FAILED, True)
    assert script.requests == []


async def test_windows_of_a_send_are_those_of_the_account() -> None:
    """Once we know who we are, the scopes say so."""
    told = {
        "x_rate_limit_limit": "15",
        "x_rate_limit_remaining": "14",
        "x_rate_limit_reset": str(int((NOW + timedelta(minutes=9)).timestamp())),
    }
    backend = backend_over(Script(reply(201, ACCEPTED, **told), reply(200, SELF, **told)))
    before = await backend.send(Target((ANNA,)), "Hello.", None)
    await backend.me()
    assert before.windows[0].scope == "{account}/requests"
    assert [window.scope for window in backend.server_windows()] == [f"{ME}/reads/me"]
    assert backend.server_windows() == ()


@pytest.mark.parametrize("token", [None, "", "two words", "line\nbreak", "t\u00f6ken"])
async def test_without_a_usable_token_each_call_says_what_to_set(token: str | None) -> None:
    """The backend exists, so a server starts; nothing leaves."""
    script = Script(reply(200, SELF))
    backend = XApiV2Backend(
        "https://api.x.com",
        None if token is None else SecretStr(token),
        ManualClock(NOW),
        transport=httpx2.MockTransport(script),
    )
    for call in (backend.me(), backend.messages(limit=1), backend.users(ids=[ANNA])):
        with pytest.raises(Refused, match="XDM_X_ACCESS_TOKEN") as refused:
            await call
        assert refused.value.code == "auth"
    outcome = await backend.send(Target((ANNA,)), "Hello.", PICTURE)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, "auth", True)
    assert script.requests == []
