"""A refused send that the owner may still send by hand: the address, and nothing on the books."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.rigs import IRIS, JUNE, rig
from xdm_mcp.models.messages import pair_id
from xdm_mcp.server.render import text

TEXT = "Grüße & thanks: 50 % + 1 = #1?\nSee you."
REFUSING: dict[str, Any] = {"first_contact": {"refuse": True}}


async def test_the_owner_gets_exactly_the_text_for_exactly_the_person(tmp_path: Path) -> None:
    """By numeric id, and the answer still begins with what did not happen."""
    async with rig(tmp_path, **REFUSING) as here:
        result = await here.send(TEXT, to="june_sandbox")

    assert (result.status, result.recipient_ids) == ("denied", [JUNE])
    assert result.compose_url is not None
    assert result.compose_url.startswith("https://x.com/messages/compose?recipient_id=")
    said = parse_qs(urlsplit(result.compose_url).query)
    assert said == {"recipient_id": [JUNE], "text": [TEXT]}
    told = text(result)
    assert told.startswith("NOT SENT")
    assert "Only the owner may still send it, by hand, at compose_url." in told
    assert result.compose_url in told


async def test_nothing_is_recorded_as_sent(tmp_path: Path) -> None:
    """No entry and no charge; asking again gives the same answer."""
    async with rig(tmp_path, **REFUSING) as here:
        first, second = await here.send(TEXT, to=JUNE), await here.send(TEXT, to=JUNE)

        assert first.compose_url
        assert second == first
        assert await here.app.ledger.recent() == ()
        assert await here.deliveries() == []
        windows = (await here.app.standing.quota()).windows
        assert {w.used for w in windows if w.name.startswith(("messages", "requests"))} == {0}


async def test_what_the_owner_sent_by_hand_is_not_sent_again_unasked(tmp_path: Path) -> None:
    """The refusal named a time to ask again, and the agent does; a person may still say yes. Before
    that time it is not offered for their hand once more."""
    guard = {"confirmation": {"mode": "never"}, "rate_windows": {"per_15_minutes": 1}}
    async with rig(tmp_path, **guard) as here:
        await here.send("The first.")
        refused = await here.send(TEXT)
        assert (refused.status, bool(refused.compose_url)) == ("denied", True)
        thread = pair_id((await here.app.people.account()).id, IRIS)
        by_hand = {"from": thread.partition("-")[0], "conversation_id": thread, "text": TEXT}
        await here.control("POST", "inbound", by_hand)
        await here.app.inbox.page(conversation_id=thread)
        full = await here.send(TEXT)
        assert (full.status, full.compose_url) == ("denied", None)
        here.later(hours=1)

        again = await here.send(TEXT)

        assert again.status == "held"
        assert "by hand or by another program" in again.reasons[0].says
        assert await here.deliveries() == ["The first."]


@pytest.mark.parametrize(
    ("guard", "where"),
    [
        (REFUSING | {"hand_off": False}, {"to": JUNE}),
        (REFUSING, {"new_group": [JUNE, IRIS]}),
        (REFUSING | {"recipients": {"deny": ["@june_sandbox"]}}, {"to": JUNE}),
        (REFUSING | {"recipients": {"allow": [IRIS]}}, {"to": JUNE}),
    ],
    ids=["switched off", "group", "deny list", "allow list"],
)
async def test_others_are_refused_without_an_address(
    tmp_path: Path, guard: dict[str, Any], where: dict[str, Any]
) -> None:
    """Whoever is not to be written to is not to be written to by hand either."""
    async with rig(tmp_path, **guard) as here:
        result = await here.send(TEXT, **where)

    assert (result.status, result.compose_url) == ("denied", None)
