"""Five hundred texts that carry something elsewhere and as many honest replies, through the real
ledger and the real guard."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from tests.conftest import Tell
from tests.contract.ledger.desk import ME, START, Desk, message, own
from tests.guard.corpus import Corpus, Talk
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.sends import Draft, Target

TEXTS = 500
HELD_AT_LEAST, ASKED_AT_MOST = 0.99, 0.01

ALONE = Policy.load(
    {"confirmation": {"mode": "never"}}
    | {
        name: {"enabled": False}
        for name in ("taint", "duplicates", "pacing", "quiet_hours", "links")
    }
)
"""Nothing but the leak rule is in the way."""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk over a fresh ledger."""
    ledger = open_ledger("sqlite:///:memory:")
    yield Desk(ledger)
    await ledger.close()


async def read(desk: Desk, corpus: Corpus) -> int:
    """Have the account read every conversation; return how many messages that were."""
    serial = 0
    for talk in corpus.talks:
        said = []
        for ours, text in talk.said:
            serial += 1
            at = START - timedelta(hours=3) + timedelta(seconds=serial)
            write = own if ours else message
            thread = pair_id(ME, talk.user_id)
            who = {} if ours else {"sender": talk.user_id}
            said.append(write(at, text, conversation=thread, serial=serial, **who))
        await desk.record(*said)
    return serial


async def held(desk: Desk, talk: Talk, text: str) -> bool:
    """Ask for a send; return whether a person was asked, who then says no."""
    draft = Draft(ME, "x-api-v2", "https://api.example", Target((talk.user_id,)), text, 0)
    judge = partial(ALONE.decide, draft)
    reservation = await desk.ledger.reserve(draft, (), judge, desk.hold, desk.now)
    decision, entry = reservation.decision, reservation.entry
    assert decision is not None
    assert entry is not None, decision.reasons
    if entry.hold is None:
        return False
    assert [rule for rule, _ in decision.reasons] == ["leak"]
    await desk.ledger.reject(entry.hold.approval_id, "test", desk.now)
    return True


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_carries_a_piece_elsewhere_is_held_and_honest_replies_are_not(
    desk: Desk, seed: int, tell: Tell
) -> None:
    """Pieces of 24 characters and more, split, recased, spaced, with look-alike letters and quotes,
    and codes, numbers, amounts and addresses; replies of the same length beside them."""
    corpus = Corpus(seed)
    messages = await read(desk, corpus)
    missed: Counter[str] = Counter()
    asked = []
    for _ in range(TEXTS):
        talk, text, how = corpus.carrying()
        if not await held(desk, talk, text):
            missed[how] += 1
        talk, text = corpus.honest(len(text))
        if await held(desk, talk, text):
            asked.append(text)
    caught = TEXTS - missed.total()
    tell(
        f"leak rule, {messages} messages of {len(corpus.talks)} conversations read: held {caught}"
        f" of {TEXTS} texts that carry a piece of another, and {len(asked)} of {TEXTS} honest"
        " replies"
    )
    assert caught >= HELD_AT_LEAST * TEXTS, missed
    assert len(asked) <= ASKED_AT_MOST * TEXTS, asked
