"""Approvals replayed, mutated and raced: at most one delivery each, by the pretend X's own list,
and every change refused.

A case is one try to get something out that its approval is not for. `CASES` counts them, and the
last test asks for at least a thousand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.rigs import IRIS, JUNE, MIRA, START, Rig, rig
from xdm_mcp.app import open_app
from xdm_mcp.approvals.factors import Proof, attest, client_form
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.errors import BadInput
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.models.sends import Assurance, SendState, approval_digest
from xdm_mcp.outbox.drafts import draft_of
from xdm_mcp.spelling import exact

CASES: dict[str, int] = {}
"""How many cases each test tried."""

AT_ONCE = 50

CHANGES: dict[str, str] = {
    "account": "account_id = '1'",
    "backend": "backend = 'x-api-v2'",
    "origin": "origin = 'https://evil.example'",
    "recipient": f"user_ids = '{JUNE}', peer = 'user:{JUNE}'",
    "one more recipient": f"user_ids = user_ids || ' {MIRA}'",
    "conversation": "user_ids = '', conversation_id = '1234567890123456'",
    "text": "text = text || '.'",
    "text by one blank": "text = text || ' '",
    "attachment": """attachment = '["a.png", "00", "image/png", 1]'""",
    "cost": "cost = cost + 1",
    "nonce": "hold = json_set(hold, '$.nonce', 'other')",
    "reasons": "hold = json_set(hold, '$.reasons[0][1]', 'It is harmless.')",
    "no reasons": "hold = json_set(hold, '$.reasons', json('[]'))",
    "expiry": "hold = json_set(hold, '$.expires_at', json_extract(hold, '$.expires_at') + 60000)",
    "digest": "hold = json_set(hold, '$.digest', '" + "0" * 64 + "')",
}
"""What may be changed in the row of a held send, as whoever can write the ledger would."""


@asynccontextmanager
async def desk(home: Path) -> AsyncIterator[Rig]:
    """Yield a program whose ledger is in memory: the world of the pretend X is on disk."""
    clock = ManualClock(START)
    settings = load(home=home, env={}, ledger_url="sqlite:///:memory:")
    async with open_app(settings, clock=clock) as app:
        yield Rig(app, clock, home)


async def hold(rig: Rig, text: str, **where: Any) -> HeldView:
    """Have a send held and return what the person sees."""
    result = await rig.send(text, **where)
    assert result.status == "held", result.says
    assert result.approval_id is not None
    return await rig.app.desk.view(result.approval_id)


def proof_of(shown: HeldView) -> Proof:
    """Return a person's proof about exactly what was shown."""
    assert shown.digest is not None
    return attest(Assurance.PERSON, "test", shown.digest)


async def approve(rig: Rig, shown: HeldView) -> SendState:
    """Approve what was shown; return how it stands."""
    proof = proof_of(shown)
    return (await rig.app.desk.approve(shown.approval_id, proof.about, proof)).state


async def refused(attempt: Awaitable[Any], kind: str) -> None:
    """Count a case, and expect that it is refused."""
    CASES[kind] = CASES.get(kind, 0) + 1
    with pytest.raises(BadInput):
        await attempt


async def change(rig: Rig, shown: HeldView, columns: str) -> None:
    """Rewrite the row of a held send behind the program's back."""
    statement = f"UPDATE entry SET {columns} WHERE approval_id = ?"  # noqa: S608 - our own words
    ledger = rig.app.ledger
    assert isinstance(ledger, SqlLedger)
    changed = await ledger._database.write(lambda sql: sql.run(statement, shown.approval_id))
    assert changed == 1


async def row(rig: Rig, shown: HeldView) -> Callable[[], Awaitable[None]]:
    """Return what puts the row of a held send back as it is now."""
    ledger = rig.app.ledger
    assert isinstance(ledger, SqlLedger)
    names = (
        "account_id, backend, origin, user_ids, peer, conversation_id, text, attachment, cost, hold"
    )
    [values] = await ledger._database.read(
        lambda sql: sql.all(
            f"SELECT {names} FROM entry WHERE approval_id = ?",  # noqa: S608 - our own words
            shown.approval_id,
        )
    )
    marks = ", ".join(f"{name} = ?" for name in names.split(", "))
    statement = f"UPDATE entry SET {marks} WHERE approval_id = ?"  # noqa: S608 - our own words

    async def put_back() -> None:
        await ledger._database.write(lambda sql: sql.run(statement, *values, shown.approval_id))

    return put_back


async def test_a_send_altered_while_it_waits_is_approved_by_nobody(tmp_path: Path) -> None:
    """Whatever changed, the proof about what was shown no longer fits, however often it is tried;
    put back as it was, it is approved and delivered once."""
    async with desk(tmp_path) as r:
        for number in range(12):
            shown = await hold(r, f"Number {number} is on its way.")
            put_back = await row(r, shown)
            for name, columns in CHANGES.items():
                await change(r, shown, columns)
                await refused(approve(r, shown), f"altered while held: {name}")
                await refused(approve_afresh(r, shown), f"altered while held: {name}")
                await r.app.outbox.work()
                await put_back()
            assert await approve(r, shown) is SendState.APPROVED
            await r.app.outbox.work()
            assert await r.deliveries() == [f"Number {n} is on its way." for n in range(number + 1)]
            r.later(minutes=16)


async def approve_afresh(r: Rig, shown: HeldView) -> SendState:
    """Look again and approve what is shown now, if it can be."""
    again = await r.app.desk.view(shown.approval_id)
    if again.digest is None:
        raise BadInput("there is nothing to approve")
    return await approve(r, again)


async def test_a_send_altered_after_its_approval_never_leaves(tmp_path: Path) -> None:
    """The digest is checked once more before the first byte: what a person did not see stays."""
    async with desk(tmp_path) as r:
        for number in range(4):
            for name, columns in CHANGES.items():
                shown = await hold(r, f"Number {number}, {name}.")
                await approve(r, shown)
                await change(r, shown, columns)
                CASES[f"altered once approved: {name}"] = number + 1
                for _ in range(2):
                    await r.app.outbox.work()
                assert await r.deliveries() == [], name
                r.later(minutes=16)


async def test_a_row_rewritten_with_a_digest_that_fits_is_not_what_was_shown(
    tmp_path: Path,
) -> None:
    """Whoever can write the ledger can make row and digest agree; the person's proof is about what
    was shown before."""
    async with desk(tmp_path) as r:
        for number in range(20):
            shown = await hold(r, f"Number {number} is on its way.")
            entry = await r.app.outbox.find(shown.approval_id)
            assert entry.hold is not None
            await change(r, shown, "text = 'The code is 7342.'")
            forged = draft_of(await r.app.outbox.find(shown.approval_id))
            digest = approval_digest(
                forged, entry.hold.nonce, entry.hold.expires_at, entry.hold.reasons
            )
            await change(r, shown, f"hold = json_set(hold, '$.digest', '{digest}')")
            await refused(approve(r, shown), "row and digest rewritten")
            await r.app.outbox.work()
            assert await r.deliveries() == []
            r.later(minutes=16)


async def test_a_digest_that_was_not_shown_approves_nothing(tmp_path: Path) -> None:
    """One character off, another send's, cut, in capitals, empty: with a proof about it or not."""
    async with desk(tmp_path) as r:
        shown = await hold(r, "On its way.")
        other = await hold(r, "Something else.", to=JUNE)
        right, theirs = shown.digest or "", other.digest or ""
        near = [
            right[:at] + ("1" if right[at] == "0" else "0") + right[at + 1 :] for at in range(64)
        ]
        for wrong in [*near, theirs, right.upper(), right[:-1], right + "0", "", "\0", "é" * 64]:
            attempts = (
                r.app.desk.approve(
                    shown.approval_id, wrong, attest(Assurance.PASSKEY, "test", wrong)
                ),
                r.app.desk.approve(shown.approval_id, wrong, proof_of(shown)),
                r.app.desk.approve(
                    shown.approval_id, right, attest(Assurance.PASSKEY, "test", wrong)
                ),
            )
            for attempt in attempts:
                await refused(attempt, "a digest that was not shown")
        await refused(
            r.app.desk.approve(other.approval_id, right, proof_of(shown)), "another send's proof"
        )
        await r.app.outbox.work()
        assert await r.deliveries() == []


async def test_an_approval_replayed_delivers_once(tmp_path: Path) -> None:
    """Before the send left, after it left, and together with the agent's own repeats."""
    async with desk(tmp_path) as r:
        for number in range(30):
            text = f"Number {number} is on its way."
            shown = await hold(r, text)
            await approve(r, shown)
            await refused(approve(r, shown), "replayed before it left")
            await r.app.outbox.work()
            for _ in range(3):
                await refused(approve(r, shown), "replayed after it left")
                assert (await r.send(text)).replayed
                await r.app.outbox.work()
            assert (await r.deliveries()).count(text) == 1
            r.later(minutes=16)


async def test_fifty_approvals_at_once_in_two_processes_deliver_once(tmp_path: Path) -> None:
    """One of them approves; however many processes then work, one delivery comes of it."""
    clock = ManualClock(START)
    async with rig(tmp_path, clock) as here, rig(tmp_path, clock) as there:
        for number in range(4):
            text = f"Number {number} is on its way."
            shown = await hold(here, text)
            outcomes = await at_once([here, there], shown)
            CASES["fifty at once"] = CASES.get("fifty at once", 0) + len(outcomes)
            assert outcomes.count(True) == 1
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for process in (here, there, here, there):
                        tasks.start_soon(process.app.outbox.work)
            assert (await here.deliveries()).count(text) == 1
            clock.advance(timedelta(minutes=16))


async def at_once(processes: Sequence[Rig], shown: HeldView) -> list[bool]:
    """Approve in all processes at once, fifty times; return which tries were taken."""
    taken: list[bool] = []

    async def attempt(process: Rig) -> None:
        try:
            await approve(process, shown)
            taken.append(True)
        except BadInput:
            taken.append(False)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for number in range(AT_ONCE):
                tasks.start_soon(attempt, processes[number % len(processes)])
    return taken


async def test_what_expired_is_never_approved_and_never_leaves(tmp_path: Path) -> None:
    """Neither a held one, nor an approved one whose turn did not come."""
    async with desk(tmp_path) as r:
        for number in range(20):
            shown = await hold(r, f"Held {number}.")
            r.clock.advance(shown.expires_at - r.clock.now())
            await refused(approve(r, shown), "expired while held")
            approved = await hold(r, f"Approved {number}.")
            await approve(r, approved)
            r.clock.advance(approved.expires_at - r.clock.now())
            await refused(approve(r, approved), "expired once approved")
            await r.app.outbox.work()
        assert await r.deliveries() == []


async def test_what_was_rejected_is_never_approved(tmp_path: Path) -> None:
    """Neither before nor after its approval does a rejection come too late, until it has left."""
    async with desk(tmp_path) as r:
        for number in range(20):
            shown = await hold(r, f"Number {number}.")
            if number % 2:
                await approve(r, shown)
            await r.app.desk.reject(shown.approval_id, "test")
            await refused(approve(r, shown), "rejected")
            await r.app.outbox.work()
            r.later(minutes=16)
        assert await r.deliveries() == []


async def test_too_little_assurance_approves_nothing(tmp_path: Path) -> None:
    """A client's dialog is not a person, and a PIN is not a passkey."""
    async with desk(tmp_path) as r:
        for number in range(20):
            shown = await hold(r, f"Number {number}.")
            assert shown.digest is not None
            for proof in (
                attest(Assurance.STANDING_RULE, "test", shown.digest),
                client_form("client", shown.digest),
            ):
                await refused(
                    r.app.desk.approve(shown.approval_id, shown.digest, proof), "too little"
                )
            await change(r, shown, "hold = json_set(hold, '$.least', 4)")
            await refused(approve(r, shown), "too little")
            await r.app.outbox.work()
            r.later(minutes=16)
        assert await r.deliveries() == []


async def test_a_lowered_demand_is_made_again_by_the_policy(tmp_path: Path) -> None:
    """Whoever writes into the row that a client's dialog is enough gets it approved and not sent:
    the policy is asked once more before anything leaves, and the send waits for a person again."""
    async with desk(tmp_path) as r:
        for number in range(10):
            shown = await hold(r, f"Number {number}.")
            assert shown.digest is not None
            await change(r, shown, "hold = json_set(hold, '$.least', 2)")
            CASES["demand lowered"] = number + 1
            proof = client_form("client", shown.digest)
            await r.app.desk.approve(shown.approval_id, shown.digest, proof)
            await r.app.outbox.work()
            (again,) = await r.app.desk.held()
            assert (again.state, again.least) == (SendState.HELD, Assurance.PERSON)
            assert await r.deliveries() == []
            r.later(minutes=16)


async def test_after_a_restart_an_approval_is_still_used_once(tmp_path: Path) -> None:
    """Held, approved, sent: each may be followed by an end of the process."""
    clock = ManualClock(START)
    for number in range(4):
        text = f"Number {number} is on its way."
        async with rig(tmp_path, clock) as r:
            shown = await hold(r, text)
        async with rig(tmp_path, clock) as r:
            assert exact((await r.app.desk.view(shown.approval_id)).pieces) == text
            await approve(r, shown)
        async with rig(tmp_path, clock) as r:
            await refused(approve(r, shown), "after a restart")
            await r.app.outbox.work()
        async with rig(tmp_path, clock) as r:
            await refused(approve(r, shown), "after a restart")
            await r.app.outbox.work()
            assert (await r.deliveries()).count(text) == 1
        clock.advance(timedelta(minutes=16))


async def test_another_person_of_the_world_is_never_written_to(tmp_path: Path) -> None:
    """What was shown reached whom it showed, and nobody else."""
    async with desk(tmp_path) as r:
        shown = await hold(r, "On its way.", to=IRIS)
        await approve(r, shown)
        await r.app.outbox.work()
        delivered = (await r.control("GET", "deliveries"))["deliveries"]
    assert [(each["text"], each["recipient_ids"]) for each in delivered] == [
        ("On its way.", [IRIS])
    ]


def test_there_were_at_least_a_thousand_cases() -> None:
    """Run with the tests above, which count what they tried; alone it has nothing to judge."""
    if len(CASES) < 2 * len(CHANGES):
        pytest.skip("counts the cases of this file's other tests")
    assert sum(CASES.values()) >= 1_000
