"""GetXAPI over the pretend service, in the older generation of its answers as in the newer."""

from __future__ import annotations

from typing import get_args

import httpx2
import pytest
from pydantic import SecretStr

from tests.contract.backends.arena import IRIS, ME, START
from xdm_mcp.backends.getxapi import GetXApiBackend
from xdm_mcp.clock import ManualClock
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.sends import SendState, Target
from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_TOKEN
from xdm_mcp.sandbox.getxapi.messages import Generation
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app

GENERATIONS = get_args(Generation)


def backend_of(generation: Generation) -> GetXApiBackend:
    """Return a backend over a pretend service that answers so."""
    clock = ManualClock(START)
    app = build_app(MemoryJournal(clock), clock, generation=generation)
    return GetXApiBackend(
        "http://127.0.0.1",
        SecretStr(SANDBOX_TOKEN),
        SecretStr(SANDBOX_COOKIE),
        clock,
        transport=httpx2.ASGITransport(app=app),
        seed=1,
    )


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_send_is_proven_and_read_back(generation: Generation) -> None:
    """Flat or in an envelope."""
    backend = backend_of(generation)
    assert (await backend.me()).id == ME
    outcome = await backend.send(Target((IRIS,)), "Hello.", None)
    assert outcome.state is SendState.SENT
    assert outcome.receipt is not None
    for where in ({"with_user": IRIS}, {}):
        (newest,) = (await backend.messages(limit=1, **where)).messages
        assert (newest.id, newest.text) == (outcome.receipt.message_id, "Hello.")
        assert newest.conversation_id == pair_id(ME, IRIS)


async def test_both_generations_tell_the_same_main_inbox() -> None:
    """But for the requests, which only the newer one knows, and their price."""
    pages = {each: await backend_of(each).messages(limit=50) for each in GENERATIONS}
    old, new = ({m.id: m for m in pages[each].messages} for each in ("old", "new"))
    assert old.items() <= new.items()
    assert (pages["old"].cost, pages["new"].cost) == (2_000, 4_000)
