"""What leaves for the X API v1.1, how its answers are read, and what it does not do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from datetime import timedelta
from urllib.parse import parse_qsl, quote

import httpx2
import pytest

from tests.backends.wires import ANNA, EVENT, ME, NOW, PAIR, Script, reply
from tests.backends.wires_v1 import CANARIES, MADE, ONE, SELF, SENT, backend, code, keys
from xdm_mcp.backends.base import Picture
from xdm_mcp.errors import Refused
from xdm_mcp.models.sends import SendState, Target


def signed(request: httpx2.Request) -> dict[str, str]:
    """Return the parts of the Authorization header."""
    kind, _, parts = request.headers["authorization"].partition(" ")
    assert kind == "OAuth"
    pairs = (part.strip().partition("=") for part in parts.split(","))
    return {name: value.strip('"') for name, _, value in pairs}


def signature_of(request: httpx2.Request) -> str:
    """Work out the signature by hand (RFC 5849, 3.4)."""
    parts = {name: value for name, value in signed(request).items() if name != "oauth_signature"}
    pairs = [(name, value) for name, value in parts.items() if name.startswith("oauth_")]
    pairs += [
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.url.params.multi_items()
    ]
    if request.headers.get("content-type") == "application/x-www-form-urlencoded":
        form = parse_qsl(request.content.decode())
        pairs += [(quote(name, safe="~"), quote(value, safe="~")) for name, value in form]
    told = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    place = f"https://api.x.com{request.url.path}"
    base = "&".join((request.method, quote(place, safe="~"), quote(told, safe="~")))
    secret = f"{CANARIES[1]}&{CANARIES[3]}".encode()
    digest = hmac.new(secret, base.encode(), hashlib.sha1).digest()
    return quote(base64.b64encode(digest).decode(), safe="~")


async def test_every_request_is_signed_anew() -> None:
    """Query and form are part of the signature, a body of JSON is not, and its hash is left out."""
    script = Script(SELF, reply(204), SENT)
    there = backend(script)
    await there.me()
    await there.indicate_typing(ANNA)
    await there.send(ONE, "Hello, you; 100 % ~ +&=.", None)
    for request in script.requests:
        parts = signed(request)
        assert parts["oauth_signature"] == signature_of(request)
        assert parts["oauth_timestamp"] == str(int(NOW.timestamp()))
        assert "oauth_body_hash" not in parts
    nonces = {signed(request)["oauth_nonce"] for request in script.requests}
    assert len(nonces) == len(script.requests)


async def test_a_query_with_commas_is_signed_as_it_is_sent() -> None:
    """Look-ups name several people in one parameter; nobody found is no error."""
    script = Script(code(17, 404))
    assert await backend(script).users(ids=[ANNA, ME]) == ()
    (request,) = script.requests
    assert request.url.params["user_id"] == f"{ANNA},{ME}"
    assert signed(request)["oauth_signature"] == signature_of(request)


async def test_a_send_is_one_post_with_the_event_of_the_reference() -> None:
    """A numeric recipient, the text as it is, and the receipt of the answer."""
    script = Script(SENT)
    outcome = await backend(script).send(ONE, "Hello.", None)
    assert script.paths == ["POST /1.1/direct_messages/events/new.json"]
    made = {"target": {"recipient_id": ANNA}, "message_data": {"text": "Hello."}}
    assert script.body() == {"event": {"type": "message_create", "message_create": made}}
    assert outcome.state is SendState.SENT
    assert outcome.receipt is not None
    assert (outcome.receipt.message_id, outcome.receipt.conversation_id) == (EVENT, PAIR)


async def test_a_picture_goes_up_by_the_newer_api_and_is_attached() -> None:
    """Signed as well; by its id."""
    script = Script(reply(200, {"data": {"id": "77"}}), SENT)
    picture = Picture("lamp.png", "image/png", b"\x89PNG")
    assert (await backend(script).send(ONE, "Look.", picture)).state is SendState.SENT
    assert script.paths[0] == "POST /2/media/upload"
    assert signed(script.requests[0])["oauth_signature"] == signature_of(script.requests[0])
    said = script.body()["event"]["message_create"]["message_data"]
    assert said["attachment"] == {"type": "media", "media": {"id": "77"}}


@pytest.mark.parametrize(
    "target", [Target((), PAIR), Target((ANNA, ME)), Target(("anna",)), Target(())]
)
async def test_what_is_not_one_person_by_number_never_leaves(target: Target) -> None:
    """The sentence names the backend and the one that can."""
    script = Script(SENT)
    outcome = await backend(script).send(target, "Hello.", None)
    assert (outcome.state, outcome.not_sent, script.requests) == (SendState.FAILED, True, [])
    assert "x-api-v1" in outcome.says
    assert "x-api-v2" in outcome.says


FAILED, UNKNOWN = SendState.FAILED, SendState.UNKNOWN

CODES: list[tuple[int, int, SendState, str, str | None]] = [
    (17, 404, FAILED, "not_found", None),
    (50, 404, FAILED, "not_found", None),
    (34, 404, FAILED, "not_found", None),
    (108, 403, FAILED, "bad_recipient", None),
    (32, 401, FAILED, "auth", "account"),
    (89, 403, FAILED, "auth", "account"),
    (99, 403, FAILED, "auth", "account"),
    (135, 401, FAILED, "auth", "account"),
    (215, 400, FAILED, "auth", "account"),
    (63, 403, FAILED, "recipient_unavailable", None),
    (64, 403, FAILED, "account_suspended", "account"),
    (87, 403, FAILED, "app_access", "account"),
    (220, 403, FAILED, "app_access", "account"),
    (261, 403, FAILED, "app_access", "account"),
    (453, 403, FAILED, "app_access", "account"),
    (416, 401, FAILED, "app_access", "account"),
    (88, 429, FAILED, "rate_limited", None),
    (93, 403, FAILED, "configuration", None),
    (130, 503, UNKNOWN, "server_error", None),
    (131, 500, UNKNOWN, "server_error", None),
    (150, 403, FAILED, "recipient_closed", None),
    (151, 403, UNKNOWN, "rejected", None),
    (214, 403, FAILED, "configuration", None),
    (226, 403, FAILED, "spam_flag", "account"),
    (226, 503, UNKNOWN, "server_error", "account"),
    (251, 410, FAILED, "retired", None),
    (279, 404, FAILED, "not_found", None),
    (324, 400, FAILED, "bad_request", None),
    (325, 400, FAILED, "bad_request", None),
    (354, 403, FAILED, "bad_request", None),
    (326, 403, FAILED, "account_locked", "account"),
    (349, 403, FAILED, "recipient_closed", None),
    (476, 403, FAILED, "recipient_closed", None),
    (502, 429, FAILED, "daily_limit", "first_contacts"),
]
"""X's numbers with the status they come with, and what each means for a send."""


@pytest.mark.parametrize(("number", "status", "state", "ours", "halts"), CODES)
async def test_each_code_of_x_has_its_meaning(
    number: int, status: int, state: SendState, ours: str, halts: str | None
) -> None:
    """One request, whatever it says."""
    script = Script(code(number, status))
    outcome = await backend(script).send(ONE, "Hello.", None)
    assert (outcome.state, outcome.code) == (state, ours)
    assert (outcome.halt.scope if outcome.halt else None) == halts
    assert len(script.requests) == 1


async def test_what_differs_from_the_newer_api_is_worded_for_this_one() -> None:
    """Dead keys are no access token, and another backend is what helps a refused app."""
    auth = await backend(Script(code(89))).send(ONE, "Hello.", None)
    access = await backend(Script(code(453))).send(ONE, "Hello.", None)
    assert "OAuth 1.0a" in auth.says
    assert auth.halt is not None
    assert auth.halt.says == auth.says
    assert "x-api-v2" in access.says
    with pytest.raises(Refused, match=r"OAuth 1\.0a"):
        await backend(Script(code(89))).me()


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"event": {}},
        {"event": {**MADE, "id": int(EVENT)}},
        {"event": {**MADE, "message_create": {**MADE["message_create"], "sender_id": None}}},
    ],
)
async def test_a_success_without_a_proper_event_is_unknown(content: object) -> None:
    """Nothing is taken for a receipt that is none."""
    outcome = await backend(Script(reply(200, content))).send(ONE, "Hello.", None)
    assert (outcome.state, outcome.receipt) == (SendState.UNKNOWN, None)


async def test_a_success_for_another_recipient_is_unknown() -> None:
    """The answer contradicts what was sent."""
    outcome = await backend(Script(SENT)).send(Target(("5",)), "Hello.", None)
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "contradiction")


async def test_a_spent_day_pauses_a_quarter_of_an_hour_and_tells_its_window() -> None:
    """Free replies may go after the pause; the window keeps the others back until it ends."""
    resets = int((NOW + timedelta(hours=20)).timestamp())
    told = {
        "x_rate_limit_limit": "1000",
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": str(resets),
    }
    script = Script(SELF, reply(429, {"errors": [{"code": 88}]}, **told))
    there = backend(script)
    await there.me()
    outcome = await there.send(ONE, "Hello.", None)
    assert outcome.retry_at == NOW + timedelta(minutes=15)
    (window,) = outcome.windows
    assert (window.scope, window.remaining) == (f"{ME}/messages", 0)
    assert window.resets_at == NOW + timedelta(hours=20)


@pytest.mark.parametrize("missing", range(4))
async def test_without_usable_keys_each_call_says_what_to_set(missing: int) -> None:
    """All four variables are named, and nothing leaves."""
    values = ["" if at == missing else each for at, each in enumerate(CANARIES)]
    script = Script(SENT)
    there = backend(script, keys(*values))
    outcome = await there.send(ONE, "Hello.", None)
    assert (outcome.code, outcome.not_sent) == ("auth", True)
    for call in (there.me, there.ready):
        with pytest.raises(Refused, match=r"XDM_X_CONSUMER_KEY.*XDM_X_TOKEN_SECRET"):
            await call()
    assert script.requests == []


async def test_the_keys_are_in_no_log_error_or_representation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither when it works nor when it fails, at the loudest level; no URL has them."""
    caplog.set_level(logging.DEBUG)
    script = Script(SELF, reply(401), httpx2.ReadError("broken"))
    there = backend(script)
    shown = [repr(keys()), repr(vars(there)), repr(vars(there._line)), repr(there._line.wire)]
    await there.me()
    shown.append(repr(await there.send(ONE, "Hello.", None)))
    shown.append(repr(await there.send(ONE, "Hello.", None)))
    shown += [str(request.url) for request in script.requests]
    everything = "\n".join([*shown, caplog.text])
    assert not [canary for canary in CANARIES if canary in everything]
