"""Images that may go out: files that the owner put into one folder, named and never pathed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from xdm_mcp.backends.base import Picture
from xdm_mcp.errors import BadInput
from xdm_mcp.models.sends import Attachment

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""How each accepted image begins, so that a renamed file cannot pass for one (the formats' own
specifications)."""


def load(folder: Path, name: str, max_bytes: int) -> tuple[Attachment, Picture]:
    """Return the image called `name` in `folder`, at most `max_bytes` long.

    Raises BadInput for a path, a missing or too large file, a link, or what is no PNG, JPEG or GIF.
    """
    if name in {"", ".", ".."} or Path(name).name != name or "\\" in name or "\0" in name:
        raise BadInput(
            "An attachment is the name of a file in the owner's attachments folder, never a path."
        )
    content = _read(folder / name, max_bytes)
    kind = next((kind for start, kind in SIGNATURES.items() if content.startswith(start)), None)
    if kind is None and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise BadInput(
            "That attachment is not a PNG, JPEG, GIF or WebP image; choose another file."
        )
    attachment = Attachment(name, hashlib.sha256(content).hexdigest(), kind, len(content))
    return attachment, Picture(name, kind, content)


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise BadInput(
            "There is no such file in the owner's attachments folder; the owner puts it there."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadInput("That attachment is not an ordinary file; choose another one.")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise BadInput(f"That attachment is larger than {max_bytes} bytes; choose a smaller image.")
    return content
