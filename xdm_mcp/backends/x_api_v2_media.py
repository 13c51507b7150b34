"""Pictures on their way to X: a small image in one request, the rest in segments (docs.x.com media
upload v2, 2026-08)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import anyio
import pydantic_core

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.base import Picture
from xdm_mcp.backends.http import Answer
from xdm_mcp.backends.unanswered import unsent
from xdm_mcp.backends.x_api_v2_parse import media_in
from xdm_mcp.backends.x_line import Line
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BackendUnavailable, Refused
from xdm_mcp.models.quota import DEADLINE
from xdm_mcp.models.sends import Outcome

ONE_SHOT = 1_000_000
"""Up to how many bytes an image goes in one request; larger ones could outlast their share of the
deadline without a sign of life."""

SEGMENT = 1_000_000
"""How many bytes a segment has. X numbers at most 1,000 of them."""

SHARE = 0.5
"""The part of a send's deadline that its picture may use."""

LOOKS = 5
"""How often X is asked whether it has finished with a picture."""

JSON = {"Content-Type": "application/json"}
NOT_READY = "X is still at work on the picture, and nothing was sent; try again in a minute."


async def upload(line: Line, picture: Picture, clock: Clock) -> str | Outcome:
    """Return the id of the uploaded picture, or how the send ended with it: nothing was sent."""
    ends_at = anyio.current_time() + DEADLINE.total_seconds() * SHARE
    whole = category_of(picture) == "dm_image" and len(picture.content) <= ONE_SHOT
    try:
        answer = await (_at_once if whole else _in_segments)(_Way(line, ends_at), picture)
        return await _finished(_Way(line, ends_at), answer, clock)
    except Refused as error:
        return unsent(error.code, str(error))
    except BackendUnavailable as error:
        return unsent("not_sent", str(error))


def category_of(picture: Picture) -> str:
    """Return what X calls a picture of that type in a direct message."""
    if picture.media_type == "image/gif":
        return "dm_gif"
    return "dm_video" if picture.media_type.startswith("video/") else "dm_image"


@dataclass(frozen=True, slots=True)
class _Way:
    """The line until a moment, on the clock of the network."""

    line: Line
    ends_at: float

    @property
    def share(self) -> float:
        """How much of a deadline is left."""
        return max(0.0, self.ends_at - anyio.current_time()) / DEADLINE.total_seconds()

    async def write(self, path: str, **body: Any) -> Answer:
        """Return the answer to one step."""
        return await self.line.wire.write(path, share=self.share, **body)


async def _at_once(way: _Way, picture: Picture) -> Answer:
    return await way.write(
        "/2/media/upload",
        data={"media_category": "dm_image", "media_type": picture.media_type},
        files={"media": ("picture", picture.content, picture.media_type)},
    )


async def _in_segments(way: _Way, picture: Picture) -> Answer:
    """Announce, append and finalize; the first answer that is no success ends it."""
    announced = {
        "media_type": picture.media_type,
        "total_bytes": len(picture.content),
        "media_category": category_of(picture),
        "shared": False,
    }
    answer = await way.write(
        "/2/media/upload/initialize", content=pydantic_core.to_json(announced), headers=JSON
    )
    media = media_in(answer.content) if answer.ok else None
    if media is None:
        return answer
    for index in range(math.ceil(len(picture.content) / SEGMENT)):
        part = picture.content[index * SEGMENT : (index + 1) * SEGMENT]
        answer = await way.write(
            f"/2/media/upload/{media.id}/append",
            data={"segment_index": str(index)},
            files={"media": ("segment", part, picture.media_type)},
        )
        if not answer.ok:
            return answer
    return await way.write(f"/2/media/upload/{media.id}/finalize")


async def _finished(way: _Way, answer: Answer, clock: Clock) -> str | Outcome:
    """Return the id once X has finished its work on the picture, asking as often as it may."""
    for look in range(LOOKS):
        media = media_in(answer.content) if answer.ok else None
        if media is None or media.failed:
            return outcomes.upload_outcome(answer, way.line.now)
        if media.ready:
            return media.id
        if look == LOOKS - 1 or media.check_after > way.share * DEADLINE.total_seconds():
            break
        await clock.sleep(media.check_after)
        params = {"media_id": media.id, "command": "STATUS"}
        answer = await way.line.ask(None, "/2/media/upload", params, share=way.share)
    return unsent("attachment", NOT_READY)
