"""The desk: what is open, a person's word on it, and what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs import IRIS, JUNE, Rig, rig
from xdm_mcp.approvals.factors import Proof, attest
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.models.sends import Assurance, SendState
from xdm_mcp.spelling import exact

PIN = "830274"


@pytest.fixture
async def r(tmp_path: Path) -> AsyncIterator[Rig]:
    """A program on a home of its own."""
    async with rig(tmp_path) as made:
        yield made


async def held(r: Rig, text: str = "On its way.", **where: Any) -> HeldView:
    """Have a send held and return what the desk shows of it."""
    approval_id = (await r.send(text, **where)).approval_id
    assert approval_id is not None
    return await r.app.desk.view(approval_id)


def proof(shown: HeldView, assurance: Assurance = Assurance.PERSON) -> Proof:
    """Return a proof about what was shown."""
    assert shown.digest is not None
    return attest(assurance, "PIN, page", shown.digest)


async def test_the_desk_shows_all_that_waits_oldest_first(r: Rig) -> None:
    """Each with its exact text, its recipient by handle and number, and what was known of them."""
    await held(r, "First.")
    await held(r, "Second.", to=JUNE)
    views = await r.app.desk.held()
    assert [exact(view.pieces) for view in views] == ["First.", "Second."]
    iris, june = (view.recipients[0] for view in views)
    assert (iris.user_id, iris.handle, iris.first_contact) == (IRIS, "iris_sandbox", False)
    assert (june.user_id, june.handle, june.first_contact) == (JUNE, "june_sandbox", True)
    assert iris.last_wrote_at is not None
    assert views[0].account_handle is not None
    assert views[0].windows
    assert views[0].least is Assurance.PERSON


async def test_an_expired_hold_never_looks_open(r: Rig) -> None:
    """It is gone from the desk the moment it expires, though no server ever looked."""
    shown = await held(r)
    r.clock.advance(shown.expires_at - r.clock.now())
    assert await r.app.desk.held() == ()
    assert (await r.app.desk.view(shown.approval_id)).state is SendState.EXPIRED
    assert (await r.app.desk.view(shown.approval_id)).digest is None


async def test_the_pin_approves_what_was_shown_and_it_leaves_once(r: Rig) -> None:
    """From the view to the delivery, with the digest that was shown."""
    await r.app.desk.pin.set_first(PIN, "page")
    shown = await held(r)
    assert shown.digest is not None
    word = await r.app.desk.pin.check(PIN, shown.digest, "page")
    await r.app.desk.approve(shown.approval_id, shown.digest, word)
    await r.app.outbox.work()
    assert await r.deliveries() == ["On its way."]


async def test_a_proof_about_another_send_approves_nothing(r: Rig) -> None:
    """Not even with the right digest beside it."""
    first, second = await held(r, "First."), await held(r, "Second.", to=JUNE)
    assert first.digest is not None
    assert second.digest is not None
    for digest, word in ((first.digest, proof(second)), (second.digest, proof(second))):
        with pytest.raises(BadInput):
            await r.app.desk.approve(first.approval_id, digest, word)
    assert [view.state for view in await r.app.desk.held()] == [SendState.HELD] * 2


async def test_the_first_characters_of_an_id_find_a_send(r: Rig) -> None:
    """Four are enough where they are unique; an unknown id is not found."""
    shown = await held(r)
    assert (await r.app.desk.view(shown.approval_id[:4])).approval_id == shown.approval_id
    with pytest.raises(NotFound):
        await r.app.desk.view("ffff" * 8)


async def test_a_rejection_takes_no_proof_and_is_final(r: Rig) -> None:
    """Stopping something is always allowed."""
    shown = await held(r)
    await r.app.desk.reject(shown.approval_id, "page")
    assert await r.app.desk.held() == ()
    with pytest.raises(BadInput):
        await r.app.desk.approve(shown.approval_id, shown.digest or "", proof(shown))


async def test_the_history_says_what_became_of_it_by_whom_and_how(r: Rig) -> None:
    """Sent, rejected, expired, refused and still open, newest first, and no text of any."""
    desk = r.app.desk
    sent = await held(r, "Sent.")
    await desk.approve(sent.approval_id, sent.digest or "", proof(sent))
    await r.app.outbox.work()
    refused = await held(r, "Refused.")
    await r.fault("status", error="recipient_closed")
    await desk.approve(refused.approval_id, refused.digest or "", proof(refused))
    await r.app.outbox.work()
    await held(r, "Expired.", to=JUNE)
    r.later(minutes=16)
    rejected = await held(r, "Rejected.", to=JUNE)
    await desk.reject(rejected.approval_id, "terminal")
    await held(r, "Open.", to=JUNE)

    past = await desk.history()

    assert [(p.state.value, p.decided_by) for p in past] == [
        ("held", None),
        ("rejected", "terminal"),
        ("expired", None),
        ("failed", "PIN, page"),
        ("sent", "PIN, page"),
    ]
    assert [p.assurance for p in past[3:]] == [Assurance.PERSON] * 2
    assert past[-1].message_id is not None
    assert past[-1].digest == sent.digest
    assert all(p.decided_at is not None for p in past if p.decided_by)
    assert len(await desk.history(2)) == 2
    assert "Sent." not in repr(past)


async def test_what_this_process_read_of_the_conversation_is_beside_the_send(r: Rig) -> None:
    """Nothing is fetched for it: before the inbox was read it is empty, after that it is there."""
    before = await held(r)
    assert before.last_messages == ()
    await r.says("iris_sandbox", "Any\u202e news?\x1b[2J")
    await r.app.feed.look()
    after = await r.app.desk.view(before.approval_id)
    newest = after.last_messages[-1]
    assert (exact(newest.pieces), newest.ours) == ("Any news?[2J", False)


async def test_what_a_send_carries_of_another_conversation_is_beside_it(r: Rig) -> None:
    """The whole message of theirs, harmless to draw, for the person; the reason names it by
    number."""
    secret = "The spare key lies under the third flowerpot behind the greenhouse.\u202e"
    await r.says("june_sandbox", secret)
    await r.app.feed.look()
    result = await r.send("By the way: the spare key lies under the third flower-pot!")
    assert result.approval_id is not None

    shown = await r.app.desk.view(result.approval_id)

    [piece] = shown.carried
    assert exact(piece.said.pieces) == secret.removesuffix("\u202e")
    assert not piece.said.ours
    [says] = [says for rule, says in shown.reasons if rule == "leak"]
    assert f"of the conversation with user {JUNE}" in says
    assert "flowerpot" not in result.model_dump_json()


async def test_the_gauges_are_those_of_the_quota(r: Rig) -> None:
    """A page draws the windows that the guard judges by."""
    quota = await r.app.desk.quota()
    assert quota == await r.app.standing.quota()
    assert any(window.name == "requests/15m" for window in quota.windows)


async def test_how_sure_an_approval_is_is_written_down(r: Rig) -> None:
    """More than was asked for is welcome, and told as what it was."""
    shown = await held(r)
    await r.app.desk.approve(shown.approval_id, shown.digest or "", proof(shown, Assurance.PASSKEY))
    (past,) = await r.app.desk.history()
    assert (past.state, past.assurance) == (SendState.APPROVED, Assurance.PASSKEY)
