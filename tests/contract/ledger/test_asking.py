"""What the processes of a ledger share about questions to clients."""

from __future__ import annotations

import anyio
import pytest

from tests.contract.ledger.desk import Desk, draft
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.models.sends import Assurance, SendState


async def test_a_question_takes_one_answer(desks: tuple[Desk, Desk]) -> None:
    """Whoever comes first among all processes."""
    one, two = desks
    await one.held(draft())
    said: list[bool] = []

    async def answer(desk: Desk) -> None:
        said.append(await desk.ledger.answer_once("approval1", desk.now))

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(answer, (one, two)[number % 2])
    assert sorted(said) == [False] * 7 + [True]
    with pytest.raises(NotFound):
        await one.ledger.answer_once("nothing", one.now)


async def test_after_a_no_a_client_approves_nothing_and_a_person_may(desk: Desk) -> None:
    """The first answer counts; a person is not the client."""
    held = await desk.held(draft(), Assurance.CLIENT)
    await desk.ledger.answer_once("approval1", desk.now)
    with pytest.raises(BadInput, match="already answered"):
        await desk.approve(held, Assurance.CLIENT)
    assert (await desk.approve(held)).state is SendState.APPROVED


async def test_a_clients_approval_is_its_answer(desk: Desk) -> None:
    """No other one is the first."""
    await desk.approve(await desk.held(draft(), Assurance.CLIENT), Assurance.CLIENT)
    assert await desk.ledger.answer_once("approval1", desk.now) is False


async def test_all_processes_seal_with_the_same_keys(desks: tuple[Desk, Desk]) -> None:
    """Those that ask first at the same moment too."""
    keys: list[tuple[bytes, ...]] = []

    async def read(desk: Desk) -> None:
        keys.append(await desk.ledger.state_keys(desk.now))

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(read, desks[number % 2])
    assert len(set(keys)) == 1
    [[key]] = set(keys)
    assert len(key) == 32


async def test_a_key_seals_for_a_day_and_opens_a_little_longer(desk: Desk) -> None:
    """A question that was put under the old one is still answered; later nothing of it is left."""
    [first] = await desk.ledger.state_keys(desk.now)
    desk.later(hours=23)
    assert await desk.ledger.state_keys(desk.now) == (first,)
    desk.later(hours=1)
    second, old = await desk.ledger.state_keys(desk.now)
    assert old == first
    assert second != first
    desk.later(hours=24)
    third, old = await desk.ledger.state_keys(desk.now)
    assert (third != second, old) == (True, second)
