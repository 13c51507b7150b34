"""The last steps before the wire: two durable writes, and everything looked at before the first."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.rigs import Rig, rig
from xdm_mcp.errors import BackendUnavailable, Refused, XdmError
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sql import T, Work

FREE: dict[str, Any] = {"confirmation": {"mode": "never"}, "taint": {"enabled": False}}
DEAD = Refused("unauthorized", "X refused the login; log in again.")
AWAY = BackendUnavailable("The login could not be renewed; try again.")


async def test_a_send_that_need_not_wait_makes_two_durable_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision, which says that it leaves now, and the outcome."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.app.people.find("iris_sandbox")
        writes = counted(here, monkeypatch)

        assert (await here.send("One.")).status == "sent"

        assert len(writes) == 2


async def test_a_send_that_waits_for_its_slot_makes_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the decision and the slot a halt may come, so the leaving is written by itself."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.send("One.")
        writes = counted(here, monkeypatch)

        assert (await here.send("Two.")).status == "sent"

        assert len(writes) == 3


async def test_an_approved_send_is_claimed_and_leaves_in_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writes from the approval to the outcome."""
    async with rig(tmp_path) as here:
        await here.approve(await here.send())
        [entry] = await here.app.outbox.waiting()
        writes = counted(here, monkeypatch)

        sent = await here.app.outbox.send_approved(entry)

        assert sent is not None
        assert (sent.state, len(writes)) == ("sent", 2)


async def test_an_approved_send_without_a_slot_before_the_end_of_its_approval_waits(
    tmp_path: Path,
) -> None:
    """An hour lies between two sends and an approval lasts for less: the second one takes nothing,
    is not looked at every time, and expires."""
    pauses = {"min_seconds": 3_600, "max_seconds": 3_600}
    async with rig(tmp_path, pacing=pauses) as here:
        assert (await here.send_approved("One.")).status == "sent"
        await here.approve(await here.send("Another thing."))
        before = await used(here)

        assert [await here.app.outbox.work() for _ in range(2)] == [0, 0]

        waits = await here.send("Another thing.")
        assert (waits.status, await used(here)) == ("held", before)
        assert waits.retry_at is not None
        here.later(hours=1)
        assert await here.app.outbox.work() == 0
        assert (await here.app.ledger.recent(1))[0].state == "expired"
        assert await here.deliveries() == ["One."]


@pytest.mark.parametrize(("error", "code"), [(DEAD, "unauthorized"), (AWAY, AWAY.code)])
async def test_credentials_that_will_not_hold_end_the_send_before_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: XdmError, code: str
) -> None:
    """Failed with the reason, nothing on the wire, nothing counted."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        fail_ready(here, monkeypatch, error)

        failed = await here.send()

        assert (failed.status, failed.code, failed.says) == ("failed", code, str(error))
        assert await here.deliveries() == []
        assert await used(here) == 0
        monkeypatch.undo()
        assert (await here.send()).status == "sent"


async def test_what_ended_before_it_left_names_no_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A price there would be taken for money that is gone; what left, and what waits, has one."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        fail_ready(here, monkeypatch, DEAD)
        before = (await here.app.standing.quota()).money.today_usd

        assert (await here.send()).cost_usd is None

        assert (await here.app.standing.quota()).money.today_usd == before
        monkeypatch.undo()
        assert (await here.send()).cost_usd == "0.015"


async def test_a_rejected_send_names_no_cost(tmp_path: Path) -> None:
    """Nothing was ever booked for it."""
    async with rig(tmp_path) as here:
        held = await here.send()
        await here.app.outbox.reject(held.approval_id or "", by="test")

        assert (held.cost_usd, (await here.send()).cost_usd) == ("0.015", None)


async def test_credentials_do_not_matter_for_what_is_held_or_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is asked all the same, and a message that was sent is never called failed."""
    async with rig(tmp_path) as here:
        sent = await here.send_approved("One.")
        fail_ready(here, monkeypatch, DEAD)

        assert (sent.status, (await here.send("One.")).status) == ("sent", "sent")
        assert (await here.send("Two.")).status == "held"


async def test_an_approved_send_whose_credentials_died_fails_before_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval was for this send; it says why it did not leave."""
    async with rig(tmp_path) as here:
        held = await here.send()
        await here.approve(held)
        fail_ready(here, monkeypatch, DEAD)

        await here.app.outbox.work()

        [entry] = await here.app.ledger.recent()
        assert (entry.state, entry.code, entry.dispatched_at) == ("failed", "unauthorized", None)


async def test_credentials_are_looked_at_again_after_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may die while a send waits for its slot."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.send("One.")
        answers = iter([None, DEAD])

        async def ready() -> None:
            error = next(answers)
            if error:
                raise error

        monkeypatch.setattr(type(here.app.backend), "ready", lambda _: ready())

        failed = await here.send("Two.")

        assert (failed.status, failed.code) == ("failed", "unauthorized")
        assert await here.deliveries() == ["One."]


async def test_a_caller_who_leaves_while_it_is_decided_takes_the_send_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row said in flight, and no byte had left: everything is given back."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.app.people.find("iris_sandbox")
        reserve = here.app.ledger.reserve

        with anyio.CancelScope() as scope:

            async def leaving(*given: Any, **more: Any) -> Any:
                done = await reserve(*given, **more)
                scope.cancel()
                return done

            monkeypatch.setattr(here.app.ledger, "reserve", leaving)
            await here.send()

        [entry] = await here.app.ledger.recent()
        assert (entry.state, entry.code) == ("failed", "left")
        assert await here.deliveries() == []
        assert await used(here) == 0


async def test_a_machine_that_slept_while_it_was_decided_does_not_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours later the windows no longer have room for it: nothing leaves."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        reserve = here.app.ledger.reserve

        async def slept(*given: Any, **more: Any) -> Any:
            done = await reserve(*given, **more)
            here.later(seconds=6)
            return done

        monkeypatch.setattr(here.app.ledger, "reserve", slept)

        assert (await here.send()).status == "failed"
        assert await here.deliveries() == []


async def test_who_waits_for_the_last_send_waits_for_a_merged_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment the row may say in flight, an orderly end waits."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        reserve, leaving = here.app.ledger.reserve, []

        async def noted(*given: Any, **more: Any) -> Any:
            leaving.append(len(here.app.outbox._leaving))
            return await reserve(*given, **more)

        monkeypatch.setattr(here.app.ledger, "reserve", noted)

        assert (await here.send()).status == "sent"
        assert leaving == [1]
        await here.app.outbox.all_left()


def counted(here: Rig, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Return a list that grows with each durable write of the ledger."""
    assert isinstance(here.app.ledger, SqlLedger)
    database, writes = here.app.ledger._database, []
    write = database.write

    def note(work: Work[T]) -> Awaitable[T]:
        writes.append(here.clock.now())
        return write(work)

    monkeypatch.setattr(database, "write", note)
    return writes


def fail_ready(here: Rig, monkeypatch: pytest.MonkeyPatch, error: XdmError) -> None:
    """Let the credentials be no good."""

    async def ready(_: object) -> None:
        raise error

    monkeypatch.setattr(type(here.app.backend), "ready", ready)


async def used(here: Rig) -> int:
    """Return what all windows of sends hold together."""
    windows = (await here.app.standing.quota()).windows
    return sum(w.used for w in windows if not w.name.startswith("reads/"))


async def test_while_nobody_can_say_whose_account_this_is_nothing_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X is asked every half minute, and the approved send waits."""
    async with rig(tmp_path) as here:
        await here.approve(await here.send())
        asked = []

        async def nobody() -> None:
            asked.append(here.clock.now())
            raise AWAY

        with monkeypatch.context() as patch:
            patch.setattr(here.app.people, "account", nobody)
            for _ in range(4):
                with suppress(BackendUnavailable):
                    await here.app.outbox.work()
                here.clock.advance(timedelta(seconds=10))

        assert len(asked) == 2
        assert await here.deliveries() == []
        here.clock.advance(timedelta(seconds=30))
        await here.app.outbox.work()
        assert len(await here.deliveries()) == 1
