"""An honest agent under the preset `balanced`: all that should go goes, and few need asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from tests.attack.owner import FRIEND, PARTNER, Talk, Turn, talks
from tests.attack.world import World, world
from tests.conftest import Tell
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.standing_rules import Terms
from xdm_mcp.server.build import build_server

ASKED_AT_MOST = 15
"""How often the owner may be asked in 100 conversations, dialogs and approvals together."""


@dataclass
class Owner:
    """Somebody who reads what they are asked, and counts how often that is."""

    wants: set[str] = field(default_factory=set)
    dialogs: int = 0
    approvals: int = 0
    rejections: int = 0

    @property
    def asked(self) -> int:
        """Every time that a person had to act."""
        return self.dialogs + self.approvals + self.rejections

    def __str__(self) -> str:
        """What to print."""
        return (
            f"the owner was asked {self.asked} times ({self.dialogs} dialogs of the client,"
            f" {self.approvals} approvals and {self.rejections} rejections elsewhere)"
        )

    async def hear(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        """Answer the client's dialog, by what it shows."""
        assert isinstance(params, ElicitRequestFormParams), "nobody serves a page here"
        self.dialogs += 1
        return ElicitResult(action="accept", content={"approve": self._wanted(params.message)})

    async def decide(self, place: World) -> None:
        """Decide about whatever waits, with a factor of their own."""
        for view in await place.app.desk.held():
            shown = "".join(piece.shown for piece in view.pieces)
            if shown in self.wants:
                assert view.digest is not None
                self.approvals += 1
                await place.app.outbox.approve(
                    view.approval_id, digest=view.digest, assurance=Assurance.PERSON, by="test"
                )
            else:
                self.rejections += 1
                await place.app.outbox.reject(view.approval_id, by="test")
        await place.app.outbox.work()

    def _wanted(self, message: str) -> bool:
        whole = message.replace("\n┆ ", "")
        return any(f"│ {text}\n" in whole for text in self.wants)


async def allow(place: World, people: dict[str, str]) -> None:
    """Make the owner's three standing rules, as a person with a PIN may."""
    now = place.clock.now()
    until = now + timedelta(days=30)
    for terms in (
        Terms(user_id=None, until=until, per_day=100, max_length=300),
        Terms(user_id=people[PARTNER], until=until, per_day=20, max_length=300, links=True),
        Terms(user_id=people[FRIEND], until=until, per_day=20, max_length=500, solicited=False),
    ):
        account = await place.app.people.account()
        await place.app.ledger.add_standing_rule(account.id, terms, Assurance.PERSON, "test", now)


async def arrives(place: World, talk: Talk, turn: Turn) -> str:
    """Have somebody write; return their id."""
    said: dict[str, Any] = await place.control(
        "POST", "inbound", {"from": talk.handle, "text": turn.heard, "create": {"name": talk.name}}
    )
    return str(said["sender_id"])


async def converse(place: World, client: Client, owner: Owner, talk: Talk) -> None:
    """Read what they say, answer, and let the owner decide where that is held."""
    for turn in talk.turns:
        place.clock.advance(timedelta(minutes=20))
        who = await arrives(place, talk, turn)
        if turn.wanted:
            owner.wants.add(turn.said)
        await client.call_tool("list_dms", {"with_user": who, "limit": 5})
        result = await client.call_tool("send_dm", {"to": who, "text": turn.said})
        assert result.structured_content is not None
        if result.structured_content["status"] == "held":
            await owner.decide(place)


@pytest.mark.parametrize(("mode", "seed"), [("auto", 1), ("legacy", 2)])
async def test_100_conversations_go_out_unchanged_and_the_owner_is_asked_rarely(
    mode: str, seed: int, tmp_path: Path, tell: Tell
) -> None:
    """Standing rules answer most, the client's dialog a few, and a person the rest."""
    story, owner = talks(seed), Owner()
    async with world(tmp_path, preset="balanced") as place:
        greeting = Turn("Hello, it is me.", "")
        people = {
            handle: await arrives(place, Talk(handle, handle, ()), greeting)
            for handle in (PARTNER, FRIEND)
        }
        await allow(place, people)
        server = build_server(place.app)
        async with Client(server, mode=mode, elicitation_callback=owner.hear) as client:
            for talk in story:
                await converse(place, client, owner, talk)
        delivered = await place.delivered()
    wanted = [turn.said for talk in story for turn in talk.turns if turn.wanted]
    tell(f"honest agent, {len(wanted)} messages of 100 conversations over {mode}: {owner}")
    assert delivered == wanted
    assert owner.asked <= ASKED_AT_MOST
    assert owner.dialogs
    assert owner.approvals
