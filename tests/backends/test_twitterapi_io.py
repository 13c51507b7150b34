"""twitterapi.io: success only where it says so, one person's history, cookies that stay put."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tests.backends.vendors import COOKIES, KEY, PROXY, twitterapi_io_over
from tests.backends.wires import ANNA, EVENT, ME, PAIR, Answering, Script, reply
from xdm_mcp.backends import twitterapi_io_parse as parse
from xdm_mcp.errors import (
    BackendUnavailable,
    BadInput,
    RateLimited,
    Refused,
    Unsupported,
    XdmError,
)
from xdm_mcp.models.sends import Outcome, SendState, Target

ACCEPTED = {"message_id": EVENT, "status": "success", "msg": ""}
PROFILE = {"id": ANNA, "userName": "target_user", "name": "Target", "canDm": False}


def x_says(code: int) -> Answering:
    """Return a refusal of X as the service passes it on: a sentence under HTTP 200."""
    quoted = json.dumps({"errors": [{"code": code, "message": "no"}]})
    return reply(200, {"status": "error", "msg": f"Failed to send DM: {quoted}"})


def history(*items: dict[str, object], **more: object) -> Answering:
    """Return a history with these messages."""
    return reply(200, {"messages": list(items), "status": "success", "message": "", **more})


def said(number: int, **changes: object) -> dict[str, object]:
    """Return a message to us, `number` after the first."""
    return {
        "id": str(int(EVENT) + number),
        "recipient_id": ME,
        "sender_id": ANNA,
        "text": "thanks!",
        "time": "Wed Oct 14 09:31:42 +0000 2026",
        **changes,
    }


async def send(answer: Answering | Exception) -> Outcome:
    """Return the outcome of a send that was answered so, made once."""
    script = Script(answer)
    outcome = await twitterapi_io_over(script).send(Target((ANNA,)), "Hello!", None)
    assert script.paths == ["POST /twitter/send_dm_to_user"]
    return outcome


async def test_a_send_is_proven_by_success_and_an_id() -> None:
    """With the key in its header, and everything secret in the body."""
    script = Script(reply(200, ACCEPTED))
    outcome = await twitterapi_io_over(script).send(Target((ANNA,)), "Hello!", None)
    assert outcome.receipt is not None
    assert (outcome.state, outcome.receipt.message_id) == (SendState.SENT, EVENT)
    assert script.requests[0].headers["x-api-key"] == KEY
    assert script.body() == {
        "login_cookies": COOKIES,
        "proxy": PROXY,
        "user_id": ANNA,
        "text": "Hello!",
    }


@pytest.mark.parametrize(
    "content",
    [
        {"message_id": EVENT},
        {"message_id": EVENT, "status": "error", "msg": ""},
        {"message_id": EVENT, "status": "success", "error": "no"},
        {"status": "success", "msg": ""},
        {"status": "error", "msg": "send dm failed"},
        {"status": "error", "msg": ""},
        {"data": {"message_id": EVENT}, "status": "success"},
    ],
)
async def test_anything_less_is_unknown(content: dict[str, object]) -> None:
    """An id without success, success without an id, and a refusal without a clear reason."""
    outcome = await send(reply(200, content))
    assert (outcome.state, outcome.receipt, outcome.halt) == (SendState.UNKNOWN, None, None)


@pytest.mark.parametrize(
    ("answer", "code", "halts"),
    [
        (x_says(349), "recipient_closed", None),
        (x_says(108), "bad_recipient", None),
        (x_says(226), "spam_flag", "account"),
        (x_says(326), "account_locked", "account"),
        (x_says(64), "account_suspended", "account"),
        (x_says(32), "auth", "account"),
        (reply(401, {"detail": "Unauthorized"}), "auth", "account"),
        (reply(402, {"detail": "Credits is not enough"}), "credits", "spending"),
        (reply(422, {"detail": [{"type": "missing", "loc": [], "msg": ""}]}), "bad_request", None),
        (reply(400, {"detail": "Field required"}), "bad_request", None),
        (reply(429, {"detail": "Too Many Requests"}), "rate_limited", None),
    ],
)
async def test_a_clear_refusal_fails(answer: Answering, code: str, halts: str | None) -> None:
    """X's own code inside the sentence, or a status that leaves no doubt."""
    outcome = await send(answer)
    assert (outcome.state, outcome.code) == (SendState.FAILED, code)
    assert (outcome.halt.scope if outcome.halt else None) == halts


async def test_an_alarm_halts_even_under_an_odd_status() -> None:
    """What looks automated stops everything, whether or not the send is proven to have failed."""
    quoted = json.dumps({"errors": [{"code": 226, "message": "automated"}]})
    outcome = await send(reply(502, {"detail": quoted}))
    assert outcome.state is SendState.UNKNOWN
    assert outcome.halt is not None


async def test_we_are_who_the_cookies_say() -> None:
    """At the price of a look-up, which only tells the name."""
    script = Script(reply(200, {"users": [{**PROFILE, "id": ME}], "status": "success"}))
    assert (await twitterapi_io_over(script).me()).id == ME
    assert script.paths == ["GET /twitter/user/batch_info_by_ids"]
    assert script.params() == {"userIds": ME}


@pytest.mark.parametrize(
    ("twid", "account"),
    [
        ("u%3D1234567890", ME),
        ("u=1234567890", ME),
        ('"u=1234567890"', ME),
        ("u=", None),
        ("u=12x", None),
        (7, None),
        (None, None),
    ],
)
def test_the_account_is_read_from_the_cookies(twid: object, account: str | None) -> None:
    """However X quoted it."""
    coded = base64.urlsafe_b64encode(json.dumps({"twid": twid}).encode()).decode().rstrip("=")
    assert parse.account_in(SecretStr(coded)) == account


@pytest.mark.parametrize("cookies", ["###", "AAAA", base64.b64encode(b"{}").decode(), "bnVsbA=="])
async def test_cookies_that_name_nobody_ask_nothing(cookies: str) -> None:
    """The sentence says what to renew."""
    script = Script(reply(200, ACCEPTED))
    backend = twitterapi_io_over(script, cookies)
    for call in (backend.ready(), backend.me(), backend.messages(limit=5, with_user=ANNA)):
        with pytest.raises(Refused, match="XDM_TWITTERAPI_IO_COOKIES"):
            await call
    assert script.requests == []


async def test_a_history_is_read_newest_first() -> None:
    """In the thread of the pair; at the time it tells, or else at that of the id."""
    script = Script(history(said(0), said(1, time="half past nine", sender_id=ME)))
    page = await twitterapi_io_over(script).messages(limit=5, with_user=ANNA)
    newest, older = page.messages
    assert (newest.sender_id, older.sender_id) == (ME, ANNA)
    assert {newest.conversation_id, older.conversation_id} == {PAIR}
    assert older.created_at == datetime(2026, 10, 14, 9, 31, 42, tzinfo=UTC)
    assert newest.created_at == datetime(2026, 10, 14, 9, 31, 42, 500_000, UTC)
    assert script.params()["user_id"] == ANNA


async def test_a_history_without_pages_is_cut_into_ours() -> None:
    """Each asks for all of it again, and the last has no cursor."""
    script = Script(history(*(said(number) for number in range(5))))
    backend = twitterapi_io_over(script)
    first = await backend.messages(limit=3, with_user=ANNA)
    rest = await backend.messages(limit=3, with_user=ANNA, cursor=first.next_cursor)
    ids = [int(m.id) - int(EVENT) for m in (*first.messages, *rest.messages)]
    assert (ids, rest.next_cursor) == ([4, 3, 2, 1, 0], None)


@pytest.mark.parametrize(
    "answer",
    [
        history(said(0), status="error"),
        history(said(0, sender_id="7")),
        history({"text": "no id"}),
        reply(200, {"messages": [], "message": ""}),
        reply(200, {"messages": {"0": said(0)}, "status": "success"}),
        reply(200, {"status": "error", "message": "something"}),
        reply(200, {"status": "error", "message": "Upstream answer missing"}),
    ],
)
async def test_what_is_no_history_is_not_an_empty_one(answer: Answering) -> None:
    """Messages of other people are not ours; silence never says that nobody wrote."""
    with pytest.raises(BackendUnavailable):
        await twitterapi_io_over(Script(answer)).messages(limit=5, with_user=ANNA)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (reply(401, {}), Refused),
        (reply(402, {}), Refused),
        (reply(429, {}), RateLimited),
        (x_says(32), Refused),
        (reply(500, {}), BackendUnavailable),
    ],
)
async def test_a_refused_read_says_why(answer: Answering, raised: type[XdmError]) -> None:
    """In our words, and never with a URL, which holds the cookies."""
    with pytest.raises(raised) as refused:
        await twitterapi_io_over(Script(answer)).messages(limit=5, with_user=ANNA)
    assert COOKIES not in str(refused.value)
    assert "http" not in str(refused.value)


async def test_many_are_looked_up_at_once_by_id_and_one_by_one_by_handle() -> None:
    """What is told of being open is told of everybody."""
    several = Script(reply(200, {"users": [PROFILE, {**PROFILE, "id": "5"}], "status": "success"}))
    found = await twitterapi_io_over(several).users(ids=[ANNA, ME])
    assert [(user.id, user.can_dm, user.can_dm_basis) for user in found] == [
        (ANNA, False, "absolute")
    ]
    one = Script(reply(200, {"data": PROFILE, "status": "success", "msg": ""}))
    (user,) = await twitterapi_io_over(one).users(handles=["Target_User"])
    assert user.id == ANNA
    assert one.paths == ["GET /twitter/user/info"]


async def test_nobody_is_absent_and_somebody_else_is_no_answer() -> None:
    """A look-up that tells of another person must never become a recipient."""
    nobody = Script(reply(200, {"status": "error", "msg": "User not found", "data": None}))
    assert await twitterapi_io_over(nobody).users(handles=["target_user"]) == ()
    other = Script(reply(200, {"data": PROFILE, "status": "success"}))
    with pytest.raises(BackendUnavailable, match="another person"):
        await twitterapi_io_over(other).users(handles=["someone_else"])


async def test_a_relation_is_told_in_the_words_of_x() -> None:
    """Both ways."""
    told = {"status": "success", "data": {"following": True, "followed_by": False}}
    backend = twitterapi_io_over(Script(reply(200, told)))
    assert await backend.relation("me", "target_user") == {"following"}


@pytest.mark.parametrize(
    ("content", "micro"),
    [
        ({"recharge_credits": 100_000, "total_bonus_credits": 5_000}, 1_050_000),
        ({"recharge_credits": 0}, 0),
    ],
)
async def test_credits_become_money(content: dict[str, Any], micro: int) -> None:
    """100,000 of them are a dollar."""
    script = Script(reply(200, content))
    assert (await twitterapi_io_over(script).balance()).remaining == micro


async def test_what_it_lacks_is_refused_by_name() -> None:
    """With what to do instead."""
    backend = twitterapi_io_over(Script(reply()))
    for call in (
        backend.messages(limit=5),
        backend.messages(limit=5, conversation_id=PAIR),
        backend.message(EVENT),
        backend.delete(EVENT),
        backend.block(ANNA, blocked=True),
        backend.followers(ANNA),
    ):
        with pytest.raises(Unsupported, match="twitterapi-io"):
            await call
    with pytest.raises(BadInput, match="not both"):
        await backend.messages(limit=5, with_user=ANNA, conversation_id=PAIR)
    assert backend.server_windows() == ()
