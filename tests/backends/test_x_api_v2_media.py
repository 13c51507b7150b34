"""Pictures on their way to X: at once or in segments, and nothing is sent without them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.backends.wires import ACCEPTED, ANNA, Answering, Script, backend_over, reply
from xdm_mcp.backends.base import Picture
from xdm_mcp.backends.x_api_v2_media import LOOKS, ONE_SHOT, SEGMENT
from xdm_mcp.models.sends import SendState, Target

ONE = Target((ANNA,))
READY: dict[str, Any] = {"data": {"id": "77"}}
SENT = reply(201, ACCEPTED)
GIF = Picture("moving.gif", "image/gif", b"GIF89a")
LARGE = Picture("large.png", "image/png", b"x" * (2 * SEGMENT + 1))


def working(wait: int = 1, state: str = "in_progress") -> Answering:
    """Answer that X is still at work."""
    return reply(
        200, {"data": {"id": "77", "processing_info": {"state": state, "check_after_secs": wait}}}
    )


async def test_a_large_image_goes_up_in_segments_and_is_attached() -> None:
    """Announced with its size, appended in order, finalized, and sent once."""
    script = Script(*[reply(200, READY)] * 5, SENT)
    outcome = await backend_over(script).send(ONE, "Look.", LARGE)
    assert outcome.state is SendState.SENT
    assert script.paths == [
        "POST /2/media/upload/initialize",
        *["POST /2/media/upload/77/append"] * 3,
        "POST /2/media/upload/77/finalize",
        f"POST /2/dm_conversations/with/{ANNA}/messages",
    ]
    assert script.body(0) == {
        "media_type": "image/png",
        "total_bytes": len(LARGE.content),
        "media_category": "dm_image",
        "shared": False,
    }
    for index in range(3):
        assert (
            f'name="segment_index"\r\n\r\n{index}\r\n'.encode()
            in script.requests[1 + index].content
        )
    assert script.body() == {"text": "Look.", "attachments": [{"media_id": "77"}]}


@pytest.mark.parametrize(
    ("media_type", "size", "path", "category"),
    [
        ("image/png", ONE_SHOT, "/2/media/upload", b"dm_image"),
        ("image/png", ONE_SHOT + 1, "/2/media/upload/initialize", b"dm_image"),
        ("image/gif", 6, "/2/media/upload/initialize", b"dm_gif"),
        ("video/mp4", 6, "/2/media/upload/initialize", b"dm_video"),
    ],
)
async def test_size_and_type_choose_the_way(
    media_type: str, size: int, path: str, category: bytes
) -> None:
    """Small images go at once, everything else in segments."""
    script = Script(reply(500))
    await backend_over(script).send(ONE, "Look.", Picture("a", media_type, b"x" * size))
    assert script.requests[0].url.path == path
    assert category in script.requests[0].content


async def test_what_x_works_on_is_looked_at_until_it_is_ready() -> None:
    """After the time that X asks for."""
    script = Script(
        reply(200, READY), reply(200, READY), working(2), working(3), reply(200, READY), SENT
    )
    there = backend_over(script)
    before = there._clock.now()
    assert (await there.send(ONE, "Look.", GIF)).state is SendState.SENT
    assert script.paths[3:5] == ["GET /2/media/upload"] * 2
    assert script.params(3) == {"media_id": "77", "command": "STATUS"}
    assert (there._clock.now() - before).total_seconds() >= 5


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([working()], "attachment"),
        ([working(3_600)], "attachment"),
        ([working(state="failed")], "attachment"),
        ([working(), reply(500)], "attachment"),
        ([working(), httpx2.ReadError("broken")], "not_sent"),
        ([reply(402, {"title": "CreditsDepleted"})], "credits"),
    ],
    ids=["never ready", "not ready in time", "failed", "500", "broken", "no credits"],
)
async def test_without_its_picture_nothing_is_sent(
    answers: list[Answering | Exception], code: str
) -> None:
    """The send failed for sure, everything is given back, and the looks are bounded."""
    script = Script(reply(200, READY), reply(200, READY), *answers)
    outcome = await backend_over(script).send(ONE, "Look.", GIF)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, code, True)
    assert not [path for path in script.paths if "dm_conversations" in path]
    assert len(script.requests) <= 3 + LOOKS * 3


@pytest.mark.parametrize("step", range(5))
async def test_a_segment_that_is_refused_ends_it(step: int) -> None:
    """At any step: nothing more goes up."""
    script = Script(*[reply(200, READY)] * step, reply(400, {"errors": [{"code": 324}]}))
    outcome = await backend_over(script).send(ONE, "Look.", LARGE)
    assert (outcome.code, outcome.not_sent, len(script.requests)) == ("bad_request", True, step + 1)


async def test_what_cannot_be_sent_is_not_uploaded() -> None:
    """A picture costs money too."""
    script = Script(SENT)
    outcome = await backend_over(script).send(Target(("anna",)), "Look.", GIF)
    assert (outcome.not_sent, script.requests) == (True, [])
