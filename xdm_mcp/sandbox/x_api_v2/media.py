"""The media endpoints: upload at once or in segments, status, and download from a message."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.events import MediaAppended, MediaBegun, MediaFinished
from xdm_mcp.sandbox.media import LIFETIME, Upload
from xdm_mcp.sandbox.x_api_v2.calls import Call, Reply, json_body
from xdm_mcp.sandbox.x_api_v2.problems import Body

LARGEST = {"dm_image": 5 << 20, "dm_gif": 15 << 20, "dm_video": 512 << 20}
"""The most bytes of each category (X media upload v2, docs.x.com, 2026-08)."""

TYPES = {
    "dm_image": re.compile(r"image/(png|jpeg|webp|bmp|tiff|pjpeg)\Z"),
    "dm_gif": re.compile(r"image/gif\Z"),
    "dm_video": re.compile(r"video/(mp4|quicktime|webm|mp2t)\Z"),
}

LAST_SEGMENT = 999

PROCESSING = {"dm_gif": 3, "dm_video": 5}
"""How many seconds the sandbox processes what is no plain image."""

_DETAILS = frozenset({"media_category", "media_type", "shared"})


def one_shot(call: Call) -> Reply:
    """POST /2/media/upload: a whole image, as a form or as base64 in JSON."""
    given = _given(call, _DETAILS | {"media"})
    content = _content(call, given.get("media"))
    details = {**given, "media_type": given.get("media_type", sniffed(content))}
    upload = _begin(call, details, len(content))
    _append(call, upload, 0, content)
    return _finish(call, upload)


def initialize(call: Call) -> Reply:
    """POST /2/media/upload/initialize."""
    given = json_body(call, _DETAILS | {"total_bytes"})
    total = given.get("total_bytes")
    if not isinstance(total, int) or isinstance(total, bool) or total < 1:
        raise call.problems.invalid("total_bytes", [str(total)], "must be a whole number from 1 on")
    upload = _begin(call, given, total)
    return Reply({"data": _shown(upload)})


def append(call: Call) -> Reply:
    """POST /2/media/upload/{id}/append."""
    upload = _own(call, call.id_param("id"))
    given = _given(call, frozenset({"media", "segment_index"}))
    segment = str(given.get("segment_index", ""))
    if not (segment.isascii() and segment.isdigit() and int(segment[:9]) <= LAST_SEGMENT):
        raise call.problems.invalid("segment_index", [segment], f"must be 0 to {LAST_SEGMENT}")
    if upload.sha256 is not None:
        raise call.problems.invalid("id", [upload.id], "is already finalized")
    _append(call, upload, int(segment), _content(call, given.get("media")))
    expires_at = upload.begun_at + LIFETIME
    return Reply({"data": {"expires_at": int(expires_at.timestamp())}})


def finalize(call: Call) -> Reply:
    """POST /2/media/upload/{id}/finalize."""
    upload = _own(call, call.id_param("id"))
    numbers = sorted(upload.segments)
    size = sum(size for _, size in upload.segments.values())
    if upload.sha256 is not None or numbers != list(range(len(numbers))):
        raise call.problems.invalid("id", [upload.id], "segments are missing, or it is finalized")
    if size != upload.total_bytes:
        says = f"{size} bytes arrived, not {upload.total_bytes}"
        raise call.problems.invalid("total_bytes", [str(size)], says)
    return _finish(call, upload)


def status(call: Call) -> Reply:
    """GET /2/media/upload?media_id=…&command=STATUS."""
    query = call.query(frozenset({"media_id", "command"}), {})
    command = query.plain.get("command", "STATUS")
    if command != "STATUS":
        raise call.bad_value("command", command, "is not one of [STATUS]")
    media_id = call.checked_id("media_id", query.plain.get("media_id", ""))
    return Reply({"data": _shown(_own(call, media_id), call)})


def download(call: Call) -> Reply:
    """GET /2/dm_conversations/media/{dm_id}/{media_id}/{resource_id}."""
    call.query(frozenset(), {})
    message = acts.message(call.hold, call.account_id, call.id_param("dm_id"))
    upload = call.hold.world.uploads.get(call.id_param("media_id"))
    resource = call.params["resource_id"]
    if upload is None or message.media_id != upload.id or resource != upload.sha256:
        raise call.problems.not_found("resource_id", resource)
    return Reply(call.hold.blobs.get(resource), media_type=upload.media_type)


def sniffed(content: bytes) -> str:
    """Return the type of an image by how it begins, or nothing."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    starts = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    return next((kind for start, kind in starts.items() if content.startswith(start)), "")


def _given(call: Call, known: frozenset[str]) -> dict[str, Any]:
    """Return the fields of a form or of a JSON body. Raises Problem."""
    form = call.request.form
    if form is None:
        return json_body(call, known)
    extra = [name for name in form if name not in known]
    if extra:
        raise call.problems.invalid(extra[0], [""], "is not defined in the schema")
    return dict(form)


def _content(call: Call, media: Any) -> bytes:
    """Return the bytes of a file of a form, or of base64. Raises Problem."""
    if isinstance(media, str):
        try:
            media = base64.b64decode(media, validate=True)
        except (binascii.Error, ValueError):
            media = None
    if not isinstance(media, bytes) or not media:
        raise call.problems.invalid("media", [""], "must be a file or base64")
    return media


def _begin(call: Call, given: dict[str, Any], total: int) -> Upload:
    category, media_type = str(given.get("media_category")), str(given.get("media_type"))
    if category not in LARGEST:
        says = f"is not one of [{','.join(sorted(LARGEST))}]"
        raise call.problems.invalid("media_category", [category], says)
    if not TYPES[category].match(media_type):
        raise call.problems.invalid("media_type", [media_type], f"does not suit {category}")
    if total > LARGEST[category]:
        says = f"must be at most {LARGEST[category]}"
        raise call.problems.invalid("total_bytes", [str(total)], says)
    shared = str(given.get("shared", "false")).lower()
    if shared not in {"true", "false"}:
        raise call.problems.invalid("shared", [shared], "must be true or false")
    number = call.hold.new_id()
    call.hold.record(
        MediaBegun(number, call.account_id, media_type, category, total, shared == "true")
    )
    return call.hold.world.uploads[number]


def _append(call: Call, upload: Upload, segment: int, content: bytes) -> None:
    digest = call.hold.blobs.put(content)
    call.hold.record(MediaAppended(upload.id, segment, digest, len(content)))


def _finish(call: Call, upload: Upload) -> Reply:
    parts = [upload.segments[number][0] for number in sorted(upload.segments)]
    whole = b"".join(call.hold.blobs.get(digest) for digest in parts)
    digest = parts[0] if len(parts) == 1 else call.hold.blobs.put(whole)
    call.hold.record(MediaFinished(upload.id, digest, PROCESSING.get(upload.category, 0)))
    call.charge("media_create")
    return Reply({"data": {**_shown(upload, call), "size": len(whole)}})


def _own(call: Call, media_id: str) -> Upload:
    upload = call.hold.world.uploads.get(media_id)
    if upload is None or upload.owner_id != call.account_id:
        raise call.problems.not_found("id", media_id, "media")
    return upload


def _shown(upload: Upload, call: Call | None = None) -> Body:
    shown: Body = {
        "id": upload.id,
        "media_key": upload.key,
        "expires_after_secs": int(LIFETIME.total_seconds()),
    }
    if call is not None and upload.ready_at is not None and upload.category in PROCESSING:
        left = (upload.ready_at - call.hold.now).total_seconds()
        shown["processing_info"] = (
            {"state": "in_progress", "check_after_secs": int(-(-left // 1))}
            if left > 0
            else {"state": "succeeded", "progress_percent": 100}
        )
    return shown
