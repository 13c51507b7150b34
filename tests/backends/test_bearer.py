"""A token that is renewed: reads go on with the next one, a send is never made twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from tests.backends.wires import ACCEPTED, ANNA, EVENT, ME, NOW, Script, reply
from xdm_mcp.backends.base import Picture
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import AskAgain, BackendUnavailable, Refused, XdmError
from xdm_mcp.models.sends import SendState, Target

SELF = reply(200, {"data": {"id": ME}})
DEAD = Refused("auth", "Log in again with `xdm-mcp login`.")
OFFLINE = BackendUnavailable("The login could not be renewed now.")
ONE = Target((ANNA,))


class Tokens:
    """A login whose tokens are `t1`, `t2`, …; `trouble` is raised instead of a new one."""

    def __init__(self, trouble: XdmError | None = None, *, first: bool = True) -> None:
        """Have a first token unless not `first`."""
        self.number = 1
        self.first = first
        self.trouble = trouble
        self.refused: list[str] = []

    async def token(self) -> SecretStr:
        """See Bearer.token."""
        if not self.first and self.trouble:
            raise self.trouble
        return SecretStr(f"t{self.number}")

    async def renewed(self, refused: SecretStr) -> SecretStr:
        """See Bearer.renewed."""
        self.refused.append(refused.get_secret_value())
        if self.trouble:
            raise self.trouble
        self.number += 1
        return SecretStr(f"t{self.number}")


def backend(tokens: Tokens, script: Callable[[httpx2.Request], Any]) -> XApiV2Backend:
    """Return a backend that shows those tokens to a scripted X."""
    clock = ManualClock(NOW)
    return XApiV2Backend(
        "https://api.x.com", tokens, clock, transport=httpx2.MockTransport(script), seed=1
    )


def shown(script: Script) -> list[str]:
    """Return the tokens that X saw, in order."""
    return [r.headers["authorization"].removeprefix("Bearer ") for r in script.requests]


async def test_a_read_with_a_token_that_holds_asks_for_no_other() -> None:
    """One request, one token."""
    tokens, script = Tokens(), Script(SELF)
    await backend(tokens, script).me()
    assert (shown(script), tokens.refused) == (["t1"], [])


async def test_a_read_that_is_refused_renews_the_token_and_may_be_made_again() -> None:
    """By whoever charges reads: X counts both."""
    tokens, script = Tokens(), Script(reply(401), SELF)
    there = backend(tokens, script)
    with pytest.raises(AskAgain):
        await there.me()
    assert (shown(script), tokens.refused) == (["t1"], ["t1"])
    assert (await there.me()).id == ME
    assert shown(script) == ["t1", "t2"]


async def test_a_read_that_is_refused_twice_is_refused() -> None:
    """It never loops: a token that a refusal brought is not renewed before X has taken it once."""
    tokens, script = Tokens(), Script(reply(401), reply(401), reply(401), SELF, reply(401))
    there = backend(tokens, script)
    with pytest.raises(AskAgain):
        await there.me()
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await there.me()
        assert refused.value.code == "auth"
    assert (await there.me()).id == ME
    with pytest.raises(AskAgain):
        await there.me()
    assert (shown(script), tokens.refused) == (["t1", "t2", "t2", "t2", "t2"], ["t1", "t2"])


async def test_a_send_does_not_leave_late_because_its_token_came_late() -> None:
    """Its slot would have passed: nothing leaves, and nothing is counted."""

    class Slow(Tokens):
        async def token(self) -> SecretStr:
            await anyio.sleep_forever()
            raise AssertionError

    script = Script(reply(201, ACCEPTED))
    there = backend(Slow(), script)
    there._line.wire._deadline = 0.2
    with anyio.fail_after(5):
        outcome = await there.send(ONE, "Hello.", None)
    assert (outcome.state, outcome.not_sent, script.requests) == (SendState.FAILED, True, [])


async def test_a_send_that_is_refused_does_not_wait_for_a_slow_renewal() -> None:
    """Its deadline holds: after it the ledger would no longer take the refusal for its end."""

    class Slow(Tokens):
        async def renewed(self, refused: SecretStr) -> SecretStr:
            await anyio.sleep_forever()
            raise AssertionError

    there = backend(Slow(), Script(reply(401)))
    there._line.wire._deadline = 0.2
    with anyio.fail_after(5):
        outcome = await there.send(ONE, "Hello.", None)
    assert (outcome.state, outcome.code, outcome.halt) == (SendState.FAILED, "auth", None)


@pytest.mark.parametrize("trouble", [DEAD, OFFLINE])
async def test_a_read_without_a_new_token_says_why(trouble: XdmError) -> None:
    """In the words of the login, which know what to do next."""
    script = Script(reply(401))
    with pytest.raises(type(trouble), match=str(trouble)):
        await backend(Tokens(trouble), script).me()
    assert shown(script) == ["t1"]


async def test_a_send_that_is_refused_is_not_repeated() -> None:
    """It failed for sure; the token is renewed, nothing halts, and a new attempt may be made."""
    tokens, script = Tokens(), Script(reply(401), reply(201, ACCEPTED))
    there = backend(tokens, script)
    first = await there.send(ONE, "Hello.", None)
    assert (first.state, first.code, first.halt) == (SendState.FAILED, "auth", None)
    assert (shown(script), tokens.refused) == (["t1"], ["t1"])
    second = await there.send(ONE, "Hello.", None)
    assert second.receipt is not None
    assert (second.receipt.message_id, shown(script)) == (EVENT, ["t1", "t2"])


async def test_a_send_whose_login_is_dead_halts_the_account() -> None:
    """A person must log in again before anything else can leave."""
    outcome = await backend(Tokens(DEAD), Script(reply(401))).send(ONE, "Hello.", None)
    assert (outcome.state, outcome.code) == (SendState.FAILED, "auth")
    assert outcome.halt is not None


async def test_a_login_that_cannot_be_renewed_now_halts_nothing() -> None:
    """The network may be back in a minute."""
    outcome = await backend(Tokens(OFFLINE), Script(reply(401))).send(ONE, "Hello.", None)
    assert (outcome.state, outcome.halt) == (SendState.FAILED, None)


@pytest.mark.parametrize(("trouble", "code"), [(DEAD, "auth"), (OFFLINE, "not_sent")])
async def test_a_send_without_any_token_never_leaves(trouble: XdmError, code: str) -> None:
    """Everything that was reserved is given back, with and without a picture."""
    script = Script(reply(201, ACCEPTED))
    there = backend(Tokens(trouble, first=False), script)
    for picture in (None, Picture("lamp.png", "image/png", b"\x89PNG")):
        outcome = await there.send(ONE, "Hello.", picture)
        assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, code, True)
    assert script.requests == []


async def test_a_refused_upload_ends_the_send_and_renews() -> None:
    """The next attempt has the next token."""
    tokens, script = Tokens(), Script(reply(401))
    picture = Picture("lamp.png", "image/png", b"\x89PNG")
    outcome = await backend(tokens, script).send(ONE, "Look.", picture)
    assert (outcome.code, outcome.not_sent, outcome.halt) == ("auth", True, None)
    assert tokens.refused == ["t1"]


async def test_ready_makes_sure_of_the_token() -> None:
    """Without a request to X, and it says so where there is none."""
    script = Script(SELF)
    await backend(Tokens(), script).ready()
    with pytest.raises(Refused, match="login"):
        await backend(Tokens(DEAD, first=False), script).ready()
    assert script.requests == []


CHANGES: dict[str, Callable[[XApiV2Backend], Awaitable[object]]] = {
    "delete": lambda there: there.delete(EVENT),
    "block": lambda there: there.block(ANNA, blocked=True),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_other_changes_are_not_repeated_either(name: str) -> None:
    """They are refused, and the token is renewed for the next call."""
    tokens, script = Tokens(), Script(reply(401))
    with pytest.raises(Refused) as refused:
        await CHANGES[name](backend(tokens, script))
    assert (refused.value.code, shown(script), tokens.refused) == ("auth", ["t1"], ["t1"])


async def test_no_token_is_in_any_representation() -> None:
    """Neither of the backend nor of what it holds."""
    there = backend(Tokens(), Script(SELF))
    await there.me()
    assert "t1" not in repr(vars(there)) + repr(vars(there._line)) + repr(vars(there._line.wire))


async def test_the_keys_of_oauth_1_serve_the_newer_api_where_there_is_no_token(
    tmp_path: Path,
) -> None:
    """X takes both for API v2; a token goes first."""
    script = Script(SELF)
    names = ("x_consumer_key", "x_consumer_secret", "x_token", "x_token_secret")
    keys: dict[str, Any] = {name: SecretStr(f"canary-{name}") for name in names}
    for token, kind in ((None, "OAuth"), (SecretStr("t1"), "Bearer")):
        chosen = Settings(home=tmp_path, backend="x-api-v2", x_access_token=token, **keys)
        there = open_backend(chosen, ManualClock(NOW), httpx2.MockTransport(script))
        assert (await there.me()).id == ME
        assert script.requests[-1].headers["authorization"].split()[0] == kind
