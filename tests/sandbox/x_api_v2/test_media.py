"""Uploads and downloads over the wire of X API v2."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, deliveries, to
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.x_api_v2.tokens import Token

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
UPLOAD = "/2/media/upload"


async def uploaded(x: httpx2.AsyncClient, **fields: str) -> str:
    """Upload an image in one go and return its id."""
    answer = await x.post(
        UPLOAD,
        files={"media": ("lamp.png", PNG, "image/png")},
        data={"media_category": "dm_image", **fields},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


async def attach(x: httpx2.AsyncClient, media_id: str) -> httpx2.Response:
    """Send an image to Iris."""
    return await x.post(to(IRIS), json={"attachments": [{"media_id": media_id}]})


async def test_an_image_is_uploaded_as_a_form_and_sent(x: httpx2.AsyncClient) -> None:
    """The delivery carries its digest; no text is needed."""
    media_id = await uploaded(x)

    assert (await attach(x, media_id)).status_code == 201

    (told,) = await deliveries(x)
    digest = hashlib.sha256(PNG).hexdigest()
    assert told["media"] == {"id": media_id, "type": "image/png", "sha256": digest}
    assert told["text"] == ""


async def test_an_image_is_uploaded_as_base64_in_json(x: httpx2.AsyncClient) -> None:
    """The answer has id, key, size and lifetime."""
    body = {
        "media": base64.b64encode(PNG).decode(),
        "media_category": "dm_image",
        "media_type": "image/png",
        "shared": False,
    }
    answer = await x.post(UPLOAD, json=body)

    shown = answer.json()["data"]
    assert shown == {
        "id": shown["id"],
        "media_key": f"3_{shown['id']}",
        "expires_after_secs": 86400,
        "size": len(PNG),
    }
    assert (await attach(x, shown["id"])).status_code == 201


async def test_an_image_is_uploaded_in_segments(x: httpx2.AsyncClient) -> None:
    """As a form or as base64, in any order, put together again by their numbers."""
    begun = {"media_type": "image/png", "total_bytes": len(PNG), "media_category": "dm_image"}
    media_id = (await x.post(f"{UPLOAD}/initialize", json=begun)).json()["data"]["id"]
    second = {"media": base64.b64encode(PNG[100:]).decode(), "segment_index": 1}
    assert (await x.post(f"{UPLOAD}/{media_id}/append", json=second)).status_code == 200
    first = await x.post(
        f"{UPLOAD}/{media_id}/append",
        files={"media": ("part", PNG[:100], "image/png")},
        data={"segment_index": "0"},
    )
    assert first.status_code == 200
    assert (await attach(x, media_id)).status_code == 400

    finished = await x.post(f"{UPLOAD}/{media_id}/finalize")

    assert finished.json()["data"]["size"] == len(PNG)
    assert (await attach(x, media_id)).status_code == 201
    (told,) = await deliveries(x)
    assert told["media"]["sha256"] == hashlib.sha256(PNG).hexdigest()


async def test_what_is_processed_cannot_be_sent_before_it_is_ready(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """A GIF takes a moment, which its status tells."""
    gif = b"GIF89a" + bytes(10)
    body = {"media": base64.b64encode(gif).decode(), "media_category": "dm_gif"}
    shown = (await x.post(UPLOAD, json=body)).json()["data"]
    assert shown["processing_info"] == {"state": "in_progress", "check_after_secs": 3}
    assert (await attach(x, shown["id"])).status_code == 400

    clock.advance(timedelta(seconds=3))

    query = {"media_id": shown["id"], "command": "STATUS"}
    status = (await x.get(UPLOAD, params=query)).json()["data"]
    assert status["processing_info"]["state"] == "succeeded"
    assert (await attach(x, shown["id"])).status_code == 201


async def test_an_image_goes_into_one_message(x: httpx2.AsyncClient) -> None:
    """Unless it was uploaded to be shared."""
    once, shared = await uploaded(x), await uploaded(x, shared="true")

    assert [(await attach(x, once)).status_code for _ in range(2)] == [201, 400]
    assert [(await attach(x, shared)).status_code for _ in range(2)] == [201, 201]


async def test_an_image_is_usable_for_24_hours(x: httpx2.AsyncClient, clock: ManualClock) -> None:
    """Not from then on."""
    early, late = await uploaded(x), await uploaded(x)
    clock.advance(timedelta(hours=24, milliseconds=-1))
    assert (await attach(x, early)).status_code == 201

    clock.advance(timedelta(milliseconds=1))
    assert (await attach(x, late)).status_code == 400


async def test_an_image_is_of_use_to_its_uploader_only(
    connect: Callable[..., httpx2.AsyncClient],
) -> None:
    """Others can neither send it nor see its status."""
    media_id = await uploaded(connect())
    iris = connect("iris-token", tokens={"iris-token": Token(account_id=IRIS)})

    body = {"attachments": [{"media_id": media_id}]}
    sending = await iris.post(to("2200000001"), json=body)
    status = await iris.get(UPLOAD, params={"media_id": media_id})

    assert (sending.status_code, status.status_code) == (400, 404)


async def test_the_recipient_downloads_by_the_segments_of_the_url(
    x: httpx2.AsyncClient, connect: Callable[..., httpx2.AsyncClient]
) -> None:
    """The expanded event names the URL; its last three segments lead to the very bytes."""
    await attach(x, await uploaded(x))
    iris = connect("iris-token", tokens={"iris-token": Token(account_id=IRIS)})
    query = {"max_results": "1", "expansions": "attachments.media_keys", "media.fields": "url"}
    page = (await iris.get("/2/dm_events", params=query)).json()
    (media,) = page["includes"]["media"]
    assert page["data"][0]["attachments"] == {"media_keys": [media["media_key"]]}

    rest = "/".join(media["url"].rsplit("/", 3)[1:])
    found = await iris.get(f"/2/dm_conversations/media/{rest}")

    assert (found.status_code, found.content) == (200, PNG)
    assert found.headers["content-type"] == "image/png"
    assert (await x.get(f"/2/dm_conversations/media/{rest}x")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"media": ""},
        {"media": "no base64!"},
        {"media_category": "tweet_image"},
        {"media_type": "image/gif"},
        {"media_type": "text/html"},
        {"media": base64.b64encode(bytes((5 << 20) + 1)).decode()},
        {"shared": "maybe"},
        {"owner": "1"},
    ],
)
async def test_an_upload_that_x_would_not_take_is_refused_with_400(
    x: httpx2.AsyncClient, change: dict[str, Any]
) -> None:
    """Nothing, no base64, other categories and types, too large, unknown keys."""
    body = {
        "media": base64.b64encode(PNG).decode(),
        "media_category": "dm_image",
        "media_type": "image/png",
    }
    answer = await x.post(UPLOAD, json={**body, **change})

    assert answer.status_code == 400


async def test_an_upload_in_segments_must_be_complete(x: httpx2.AsyncClient) -> None:
    """A missing segment, missing bytes, a segment too many, and a second end are refused."""
    begun = {"media_type": "image/png", "total_bytes": 6, "media_category": "dm_image"}
    media_id = (await x.post(f"{UPLOAD}/initialize", json=begun)).json()["data"]["id"]

    async def add(segment: Any) -> int:
        body = {"media": base64.b64encode(b"abc").decode(), "segment_index": segment}
        return (await x.post(f"{UPLOAD}/{media_id}/append", json=body)).status_code

    async def end() -> int:
        return (await x.post(f"{UPLOAD}/{media_id}/finalize")).status_code

    assert [await add(1), await end()] == [200, 400]
    assert [await add(0), await end(), await end()] == [200, 200, 400]
    assert [await add(2), await add(1000), await add("x")] == [400, 400, 400]
    begun["total_bytes"] = 7
    media_id = (await x.post(f"{UPLOAD}/initialize", json=begun)).json()["data"]["id"]
    assert [await add(0), await end()] == [200, 400]
    assert (await x.post(f"{UPLOAD}/99/finalize")).status_code == 404
