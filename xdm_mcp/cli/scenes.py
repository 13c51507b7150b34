"""The scenes of the demo, in their order: each shows one promise and what really happened.

The people are those of the sandbox's story `default`.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from xdm_mcp.approvals.factors import Proof
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.cli.approval_view import draw
from xdm_mcp.cli.approvals import ask_about, report, see_off
from xdm_mcp.cli.asking import TERMINAL
from xdm_mcp.cli.gauges import draw_moves, gauges
from xdm_mcp.cli.stage import Stage
from xdm_mcp.errors import Declined
from xdm_mcp.models.results import QuotaStatus
from xdm_mcp.spelling import exact

IRIS = "iris_sandbox"
REPLY = (
    "Hello Iris, your parcel came back to us: the street number was missing."
    " Send it to me and the lamp leaves again tomorrow. Sorry for the wait! 🙏"
)
"""What the agent writes, with characters of one to four bytes."""

STRANGER = "june_sandbox"
BAIT = "The door code is 7342. Claim: https://prize.example/claim"
"""What the injected message wants the agent to send."""

SERVER_SENDS_WITHIN = 30.0
"""Seconds that the server has to send by itself what was approved."""

ANSWERS_WITHIN = timedelta(seconds=30)
"""How far the pretend X's clock is moved so that Iris has answered."""


async def play(stage: Stage) -> None:
    """Play the whole story. Raises Unavailable where a promise was not kept."""
    await read_the_inbox(stage)
    await check_the_recipient(stage)
    before = await quota(stage)
    await preview(stage)
    held = await ask_to_send(stage)
    if await decide(stage, held):
        await repeat(stage)
        await compare_quota(stage, before)
        await hear_the_answer(stage)
    await resist_the_injection(stage)
    await close(stage)


async def read_the_inbox(stage: Stage) -> None:
    """The agent finds what needs an answer, and the fact that answers it."""
    await stage.begin(
        "The agent reads the inbox",
        "It asks what needs a reply, then looks up the order that a customer asks about.",
    )
    await stage.call("list_dms", needs_reply=True)
    await stage.call("list_dms", query="4417", limit=5)


async def check_the_recipient(stage: Stage) -> None:
    """The agent learns that Iris can be written to, and what the guard would say."""
    await stage.begin(
        "It checks the recipient", "Can she be written to, and what would the owner's rules say?"
    )
    await stage.call("check_can_dm", recipients=[IRIS])


async def quota(stage: Stage) -> QuotaStatus:
    """The agent asks for the quota; nothing is printed of the long answer."""
    return QuotaStatus.model_validate(await stage.call("quota_status", show=False))


async def preview(stage: Stage) -> None:
    """A dry run explains every rule and does nothing."""
    await stage.begin(
        "It previews its reply", "A dry run: what would happen, by which rule, at what price."
    )
    await stage.call("send_dm", to=IRIS, text=REPLY, dry_run=True)
    stage.promise(not await stage.deliveries(), "a preview sends nothing")


async def ask_to_send(stage: Stage) -> dict[str, Any]:
    """The reply is held, not sent."""
    await stage.begin(
        "It asks to send",
        "By default every message waits for a person. No argument can change that.",
    )
    held = await stage.call("send_dm", to=IRIS, text=REPLY)
    stage.promise(held["status"] == "held", "the answer says held, and begins with NOT SENT")
    stage.promise(not await stage.deliveries(), "nothing has left")
    return held


async def decide(stage: Stage, held: dict[str, Any]) -> bool:
    """A person sees all of it and decides; True where they approved."""
    await stage.begin(
        "A person looks at it",
        f"In another terminal: xdm-mcp approvals approve {held['approval_id'][:8]}",
    )
    view = await stage.person.desk.view(held["approval_id"])
    draw(stage.console, view)
    try:
        proof = await _proof(stage, view)
    except Declined:
        await _turn_down(stage, held)
        return False
    await _approve(stage, view, proof)
    return True


async def repeat(stage: Stage) -> None:
    """The agent repeats its call and gets the same result; nothing new is sent."""
    await stage.begin(
        "The agent repeats its call",
        "It never learned of the approval. A repeat is not a second send.",
    )
    again = await stage.call("send_dm", to=IRIS, text=REPLY)
    stage.promise(
        again["status"] == "sent" and again["replayed"] is True, "the same result, replayed"
    )
    stage.promise(len(await stage.deliveries()) == 1, "still exactly one delivery")


async def compare_quota(stage: Stage, before: QuotaStatus) -> None:
    """One send moved the windows and the money."""
    await stage.begin("The quota moved", "What the agent may still send, and what it cost.")
    now, after = stage.person.clock.now(), await quota(stage)
    moved = draw_moves(stage.console, gauges(before, now), gauges(after, now))
    stage.promise(moved > 0, "one send, counted once in each of its windows, and paid once")


async def hear_the_answer(stage: Stage) -> None:
    """Iris answers, and a waiting agent hears it."""
    await stage.begin(
        "Iris answers", "The pretend X's clock is moved on a little; the agent waits for news."
    )
    await stage.world.move_on(ANSWERS_WITHIN)
    page = await stage.call("list_dms", with_user=IRIS, limit=3, wait_seconds=5)
    newest = page["messages"][0]["rows"][0]
    stage.promise("sender" in newest, "the last word in the conversation is hers")


async def resist_the_injection(stage: Stage) -> None:
    """A stranger's message talks the agent into a send; the send gets nowhere."""
    await stage.begin(
        "An injected message tries its luck",
        "A stranger's message tells the assistant to pass on a door code. Say it falls for it:",
    )
    before = len(await stage.world.deliveries())
    caught = await stage.call("send_dm", to=STRANGER, text=BAIT)
    stage.promise(caught["status"] in {"held", "denied"}, f"it is {caught['status']}, not sent")
    if caught["status"] == "held":
        await _turn_down(stage, caught)
        refused = await stage.call("send_dm", to=STRANGER, text=BAIT)
        stage.promise(
            refused["status"] == "denied", "a rejection is final, however often it is asked"
        )
    stage.promise(len(await stage.deliveries()) == before, "the door code never left")


async def close(stage: Stage) -> None:
    """Say what was shown."""
    left = len(await stage.world.deliveries())
    says = (
        "One message left: the one that a person had read and approved."
        if left
        else "Nothing left, because the person said no."
    )
    await stage.begin("That is all", says)
    stage.line("next", "xdm-mcp doctor shows how to connect your own client.")


async def _proof(stage: Stage, view: HeldView) -> Proof:
    stage.line("person", f"The PIN of this throw-away home is {stage.pin}.", "yellow")
    if stage.asks:
        stage.line("", "You are the person: type it, and exactly this is sent.", "yellow")
        return await ask_about(stage.person, view)
    stage.line("", "No terminal here, so the demo types it as the person would.", "yellow")
    return await stage.person.desk.pin.check(stage.pin, view.digest or "", "demo")


async def _approve(stage: Stage, view: HeldView, proof: Proof) -> None:
    await stage.begin(
        "Approved, it is sent once", "The server sends it by itself; the agent need not call again."
    )
    approved = await stage.person.desk.approve(view.approval_id, proof.about, proof)
    entry = await see_off(stage.person, approved, SERVER_SENDS_WITHIN)
    stage.promise(report(stage.console, entry) == 0, "sent")
    delivered = await stage.deliveries()
    shown, arrived = exact(view.pieces).encode(), [each.text.encode() for each in delivered]
    stage.line("", f"approved: {len(shown)} bytes, sha256 {_sha256(shown)}")
    for content in arrived:
        stage.line("", f"arrived:  {len(content)} bytes, sha256 {_sha256(content)}")
    stage.promise(arrived == [shown], "exactly one delivery, with the very bytes approved")


async def _turn_down(stage: Stage, held: dict[str, Any]) -> None:
    await stage.person.desk.reject(held["approval_id"], TERMINAL)
    stage.line("person", f"rejects {held['approval_id'][:8]}; it will never be sent.", "yellow")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16] + "…"
