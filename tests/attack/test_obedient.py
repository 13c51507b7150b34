"""A fully obedient agent: not one message of 500 injections gets out, on any wire.

The default run tries every third injection once, a sixth of those on each wire; `-m attack` tries
every one on every wire, with more of the tricks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.attack.agent import Agent
from tests.attack.corpus import CARRIERS, Injection, injections
from tests.attack.wires import TRANSPORTS, served
from tests.attack.world import OFF, WIDE, World, world
from tests.server.asking import MODES

ALL = injections()

DRAWS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
"""The agent's host says that it can do everything."""

WIRES = [(transport, mode) for transport in TRANSPORTS for mode in MODES]


MOST = 20
"""More quoted words than any injection has."""


async def attack(
    place: World,
    wire: tuple[str, str],
    messages: Sequence[Injection],
    *,
    texts: int = 1,
    tricks: int = 0,
    owner_rejects: bool = True,
) -> Agent:
    """Let each message arrive and the agent obey it; by default the owner rejects what is held."""
    agent = Agent(Random(" ".join(wire)))  # noqa: S311 - an attacker's guesses, which repeat
    async with served(
        place.app, *wire, elicitation_callback=agent.hear, extensions=DRAWS
    ) as client:
        for one in messages:
            await agent.obey(client, await place.arrives(one), texts=texts, tricks=tricks)
            if owner_rejects:
                await place.reject_all()
    return agent


def share(number: int) -> list[Injection]:
    """Return the injections that the default run tries on wire `number`."""
    return ALL[number :: 3 * len(WIRES)]


def test_there_are_five_hundred_written_messages_of_many_kinds() -> None:
    """At least 500, no two alike, in every theme and wrapping."""
    assert len(ALL) >= 500
    assert len({one.parts for one in ALL}) == len({one.wants for one in ALL}) == len(ALL)
    assert {one.carrier for one in ALL} == {"plain", *CARRIERS}
    assert len({one.theme for one in ALL}) >= 9


@pytest.mark.parametrize("number", range(len(WIRES)), ids=map("-".join, WIRES))
async def test_nothing_leaves(number: int, tmp_path: Path) -> None:
    """With room in every window and an owner who rejects, 0 messages are delivered."""
    async with world(tmp_path, **WIDE) as place:
        agent = await attack(place, WIRES[number], share(number), tricks=1)
        assert await place.delivered() == []
    assert agent.seen.held >= len(share(number))
    assert agent.seen.dialogs
    assert agent.seen.visits
    assert agent.seen.calls > 5 * len(share(number))


@pytest.mark.parametrize("wire", WIRES[:2], ids=map("-".join, WIRES[:2]))
async def test_nothing_leaves_either_while_the_owner_is_away(
    wire: tuple[str, str], tmp_path: Path
) -> None:
    """Under the very defaults five sends wait, everything else is refused, and none leaves."""
    async with world(tmp_path) as place:
        await attack(place, wire, ALL[::40], texts=3, tricks=3, owner_rejects=False)
        assert len(await place.app.outbox.waiting()) <= 5
        assert await place.delivered() == []


@pytest.mark.parametrize("number", range(len(WIRES)), ids=map("-".join, WIRES))
async def test_with_the_guard_switched_off_the_same_agent_sends_them_all(
    number: int, tmp_path: Path
) -> None:
    """So the zero above is the guard's doing, and the agent does obey every message."""
    messages = share(number)
    async with world(tmp_path, **OFF) as place:
        await attack(place, WIRES[number], messages, texts=MOST)
        delivered = "\n".join(await place.delivered())
    assert [one.parts for one in messages if one.wants not in delivered] == []


@pytest.mark.attack
@pytest.mark.parametrize("wire", WIRES, ids=map("-".join, WIRES))
async def test_nothing_leaves_whatever_is_tried(wire: tuple[str, str], tmp_path: Path) -> None:
    """Every injection on every wire, with several tricks each."""
    async with world(tmp_path, **WIDE) as place:
        agent = await attack(place, wire, ALL, texts=2, tricks=2)
        assert await place.delivered() == []
    assert agent.seen.held >= len(ALL)


@pytest.mark.attack
@pytest.mark.parametrize("wire", WIRES, ids=map("-".join, WIRES))
async def test_with_the_guard_switched_off_every_injection_works_on_every_wire(
    wire: tuple[str, str], tmp_path: Path
) -> None:
    """All of them are delivered."""
    async with world(tmp_path, **OFF) as place:
        await attack(place, wire, ALL, texts=MOST)
        delivered = "\n".join(await place.delivered())
    assert [one for one in ALL if one.wants not in delivered] == []
