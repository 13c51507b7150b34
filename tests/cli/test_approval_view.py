"""Drawing a held send: everything about it, exactly, and nothing that could deceive a terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from tests.approvals.making import NOW, held_entry, seen, view
from tests.approvals.tricks import harmless, tricks
from xdm_mcp.approvals.view import HeldView
from xdm_mcp.cli.approval_view import as_json, draw
from xdm_mcp.models.messages import Message
from xdm_mcp.models.sends import Attachment, Target


def drawn(shown: HeldView, *, width: int = 80, terminal: bool = False) -> str:
    """Return the view as it is drawn, on a terminal of `width` or in a pipe."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=terminal, color_system=None, soft_wrap=True
    )
    draw(console, shown)
    return out.getvalue()


def test_everything_a_person_decides_about_is_there() -> None:
    """Account, wire, recipient in words and numbers, text, reasons, cost, quota, expiry and
    digest are all shown."""
    held = held_entry("Hello, Amara.")
    assert held.hold is not None
    shown = drawn(seen(held))
    for part in (
        "@me, numeric id 1000",
        "x-api-v2 at https://api.x.com",
        "@amara, numeric id 2000",
        "first contact",
        "13 characters",
        "│ Hello, Amara.",
        "first_contact: The recipient never wrote to you.",
        "links: It has a link.",
        "0.015 USD",
        "messages/24h: 499 of 500",
        "in 15 min (2026-11-22 12:15:00 UTC)",
        held.hold.digest,
        f"xdm-mcp approvals approve {held.hold.approval_id}",
    ):
        assert part in shown


def test_nothing_is_cut_off_even_the_longest_text_on_a_narrow_terminal() -> None:
    """All of 10,000 characters are drawn, in pieces behind the rule."""
    text = "".join(chr(0x4E00 + number) for number in range(10_000))
    shown = drawn(view(text), width=40, terminal=True)
    pieces = [line[14:] for line in shown.splitlines() if line[12:13] in {"│", "┆"}]
    assert "".join(pieces) == text


def test_hidden_characters_are_seen_and_do_nothing() -> None:
    """ANSI, carriage returns, bidirectional and zero-width characters are shown by their
    numbers."""
    shown = drawn(view("pay\x1b[8m Bob\r\u202eecila\u2069\u200b\x00 now"), width=200, terminal=True)
    assert "⟦U+001B⟧[8m Bob⟦U+000D⟧⟦U+202E⟧ecila⟦U+2069⟧⟦U+200B⟧⟦U+0000⟧ now" in shown
    assert all(unicodedata.category(c) not in {"Cc", "Cf"} for c in shown.replace("\n", ""))


def test_a_text_cannot_forge_a_line_of_the_view() -> None:
    """What looks like a field of the view stays behind the rule."""
    shown = drawn(view("hi\ncost        0.000 USD\nto          @boss, numeric id 1"))
    assert [line for line in shown.splitlines() if line.startswith("cost")] == [
        "cost        0.015 USD"
    ]


def test_every_link_is_shown_with_the_host_it_really_leads_to() -> None:
    """A look-alike name is shown in punycode, and a name before an @ is not taken for the host."""
    held = view("see https://\u0430pple.com/a and https://x.com@evil.example/b")
    shown = drawn(held)
    assert "leads to xn--pple-43d.com" in shown
    assert "leads to evil.example" in shown
    assert [link["host"] for link in as_json(held)["links"]] == ["xn--pple-43d.com", "evil.example"]  # type: ignore[attr-defined]


def test_somebody_who_wrote_is_no_first_contact() -> None:
    """When they last wrote is shown as an age and as a time."""
    shown = drawn(seen(held_entry("hi"), last_inbound_at=NOW - timedelta(hours=3)))
    assert "last wrote to this account 3 h ago (2026-11-22 09:00:00 UTC)" in shown
    assert "first contact:" not in shown


def test_each_member_of_a_new_group_is_shown_by_number() -> None:
    """A group hides nobody."""
    shown = drawn(view("hi all", target=Target(user_ids=("2000", "3000", "4000"))))
    assert "a new group of 3 people" in shown
    assert all(f"numeric id {user_id}" in shown for user_id in ("2000", "3000", "4000"))


def test_an_attachment_is_shown_by_name_size_and_digest() -> None:
    """The file that would go out is named, in visible characters, with its digest."""
    image = Attachment("cat\u202egnp.png", "ab" * 32, "image/png", 1234)
    shown = drawn(view("look", image=image))
    assert "cat⟦U+202E⟧gnp.png, image/png, 1234 bytes, sha256 " + "ab" * 32 in shown


@pytest.mark.parametrize(
    "change",
    [{"text": "other"}, {"target": Target(user_ids=("6666",))}, {"cost": 1}, {"account_id": "1"}],
    ids=lambda change: str(next(iter(change))),
)
def test_an_altered_row_has_no_digest_and_says_so(change: dict[str, Any]) -> None:
    """What is shown, what was digested and what would be sent are one, or there is nothing to
    approve."""
    altered = seen(held_entry("hello"), **change)
    assert "cannot be approved" in drawn(altered)
    assert (as_json(altered)["intact"], as_json(altered)["digest"]) == (False, None)


def test_the_last_words_of_the_conversation_are_shown_behind_the_rule() -> None:
    """What they said before is there, cleaned, and cannot pass for a part of the view."""
    words = Message("5", "1000-2000", "2000", NOW - timedelta(hours=3), "Hi!\x1b[2J\ncost  0.0")
    shown = drawn(seen(held_entry("hi"), said=[words]), terminal=True)
    assert "they, 3 h ago:" in shown
    assert "│ Hi![2J" in shown
    assert "│ cost⟦U+0020 x2⟧0.0" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("width", [40, 200])
def test_no_trick_of_a_text_reaches_the_terminal(width: int) -> None:
    """Whatever the text, handle, file name and last words hold: no raw control character is drawn,
    and recipient and digest are there whole."""
    for name, text in tricks():
        image = Attachment(text[:60] or "x", "ab" * 32, "image/png", 1)
        words = [Message("5", "1000-2000", "2000", NOW, text)]
        held = held_entry(text, image=image, handle=text[:15] or None)
        assert held.hold is not None
        shown = drawn(seen(held, said=words), width=width)
        assert harmless(shown), name
        assert "numeric id 2000" in shown, name
        assert held.hold.digest in shown, name


def test_json_holds_the_exact_text_and_the_same_facts() -> None:
    """A script reads the text unchanged, and every other field of the view."""
    text = "a\u202eb\r\n\x1b"
    facts = json.loads(json.dumps(as_json(view(text))))
    assert facts["text"] == text
    assert facts["text_visible"] == "a⟦U+202E⟧b⟦U+000D⟧\n⟦U+001B⟧"
    assert facts["recipients"] == [
        {"user_id": "2000", "handle": "amara", "first_contact": True, "last_wrote_at": None}
    ]
    assert (facts["cost_usd"], facts["expires_at"]) == ("0.015", "2026-11-22T12:15:00Z")
