"""Only images that the owner put into the folder, by name, can go out."""

from __future__ import annotations

import os
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from tests.rigs import rig
from xdm_mcp.errors import BadInput
from xdm_mcp.outbox.attachments import load

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


def test_an_image_of_the_folder_is_loaded_with_its_digest(tmp_path: Path) -> None:
    """Name, type, size and digest are those of the very bytes."""
    (tmp_path / "map.png").write_bytes(PNG)

    attachment, picture = load(tmp_path, "map.png", 1000)

    assert (attachment.name, attachment.media_type, attachment.size) == ("map.png", "image/png", 32)
    assert attachment.sha256 == sha256(PNG).hexdigest()
    assert picture.content == PNG


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_the_content_and_not_the_name_says_what_it_is(
    tmp_path: Path, start: bytes, kind: str
) -> None:
    """A picture with a misleading name is taken for what it is."""
    (tmp_path / "a.txt").write_bytes(start)

    assert load(tmp_path, "a.txt", 1000)[0].media_type == kind


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "a/b.png", "..", ".", "", "a\\b.png", "a\0.png"]
)
def test_a_path_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing but a bare name is looked for."""
    with pytest.raises(BadInput, match="never a path"):
        load(tmp_path, name, 1000)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A symbolic link to a picture elsewhere is no picture of the folder."""
    (tmp_path / "real.png").write_bytes(PNG)
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")

    with pytest.raises(BadInput, match="no such file"):
        load(tmp_path, "link.png", 1000)


def test_a_pipe_is_refused_without_waiting_on_it(tmp_path: Path) -> None:
    """What is no ordinary file does not hang the server."""
    os.mkfifo(tmp_path / "pipe.png")

    with pytest.raises(BadInput, match="ordinary file"):
        load(tmp_path, "pipe.png", 1000)


def test_a_missing_file_is_refused_without_its_path(tmp_path: Path) -> None:
    """The sentence does not tell where the folder is."""
    with pytest.raises(BadInput) as refusal:
        load(tmp_path, "gone.png", 1000)

    assert str(tmp_path) not in str(refusal.value)


def test_what_is_too_large_or_no_image_is_refused(tmp_path: Path) -> None:
    """The bound is exact, and a text file is no attachment."""
    (tmp_path / "map.png").write_bytes(PNG)
    (tmp_path / "notes.png").write_bytes(b"#!/bin/sh")

    assert load(tmp_path, "map.png", 32)[0].size == 32
    with pytest.raises(BadInput, match="larger than 31"):
        load(tmp_path, "map.png", 31)
    with pytest.raises(BadInput, match="not a PNG"):
        load(tmp_path, "notes.png", 1000)


async def test_a_picture_is_booked_with_its_upload(tmp_path: Path) -> None:
    """The owner's books hold at least what was billed, and a preview says the same."""
    (tmp_path / "attachments").mkdir()
    (tmp_path / "attachments" / "lamp.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(32))
    async with rig(tmp_path) as here:
        words, picture = [
            await here.send("Look.", dry_run=True, attachment=name) for name in (None, "lamp.png")
        ]
        assert (words.cost_usd, picture.cost_usd) == ("0.015", "0.020")
        assert (await here.send_approved("Look.", attachment="lamp.png")).status == "sent"
        [entry] = await here.app.ledger.recent()
        items = (await here.control("GET", "bill"))["items"]
        billed = sum(Decimal(items[name]["usd"]) for name in ("media_create", "dm_create"))
        assert entry.cost == billed * 1_000_000
