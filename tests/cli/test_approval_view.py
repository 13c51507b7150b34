"""The approval view: everything about one send, exactly, and nothing that could deceive a
terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from xdm_mcp.cli.approval_view import ApprovalView, as_json, draw
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import (
    Assurance,
    Attachment,
    Draft,
    Entry,
    Hold,
    SendState,
    Target,
    approval_digest,
)
from xdm_mcp.models.verdicts import PeerFacts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REASONS = (("first_contact", "The recipient never wrote to you."), ("links", "It has a link."))


def view_of(
    text: str, target: Target | None = None, image: Attachment | None = None
) -> ApprovalView:
    """Return the view of a held send of `text`, by default to one person."""
    draft = Draft(
        account_id="1000",
        backend="x-api-v2",
        origin="https://api.x.com",
        target=target or Target(user_ids=("2000",)),
        text=text,
        cost=15_000,
        attachment=image,
        handle="amara",
    )
    expires_at = NOW + timedelta(minutes=15)
    hold = Hold(
        approval_id="4f1c" * 8,
        digest=approval_digest(draft, "nonce", expires_at, REASONS),
        reasons=REASONS,
        least=Assurance.PERSON,
        expires_at=expires_at,
        nonce="nonce",
    )
    entry = Entry(
        id=1,
        draft_key=draft.key,
        request=draft.request,
        account_id=draft.account_id,
        backend=draft.backend,
        origin=draft.origin,
        target=draft.target,
        handle=draft.handle,
        text=text,
        content=draft.content,
        match="m",
        attachment=image,
        cost=draft.cost,
        state=SendState.HELD,
        created_at=NOW,
        fence=0,
        hold=hold,
    )
    window = Window(Limit("1000/messages", 500, timedelta(days=1)), 1, 499, None, None)
    return ApprovalView(
        entry=entry,
        hold=hold,
        handles={"1000": "me"},
        peers=(PeerFacts("user:2000", "2000"),),
        windows=(window,),
        now=NOW,
    )


def drawn(view: ApprovalView, *, width: int = 80, terminal: bool = False) -> str:
    """Return the view as it is drawn, on a terminal of `width` or in a pipe."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=terminal, color_system=None, soft_wrap=True
    )
    draw(console, view)
    return out.getvalue()


def test_everything_a_person_decides_about_is_there() -> None:
    """Account, wire, recipient in words and numbers, text, reasons, cost, quota, expiry and
    digest are all shown."""
    view = view_of("Hello, Amara.")
    shown = drawn(view)
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
        view.hold.digest,
        f"xdm-mcp approvals approve {view.hold.approval_id}",
    ):
        assert part in shown


def test_nothing_is_cut_off_even_the_longest_text_on_a_narrow_terminal() -> None:
    """All of 10,000 characters are drawn, in pieces behind the rule."""
    text = "".join(chr(0x4E00 + number) for number in range(10_000))
    shown = drawn(view_of(text), width=40, terminal=True)
    pieces = [line[14:] for line in shown.splitlines() if line[12:13] in {"│", "┆"}]
    assert "".join(pieces) == text


def test_hidden_characters_are_seen_and_do_nothing() -> None:
    """ANSI, carriage returns, bidirectional and zero-width characters are shown by their
    numbers."""
    shown = drawn(
        view_of("pay\x1b[8m Bob\r\u202eecila\u2069\u200b\x00 now"), width=200, terminal=True
    )
    assert "⟦U+001B⟧[8m Bob⟦U+000D⟧⟦U+202E⟧ecila⟦U+2069⟧⟦U+200B⟧⟦U+0000⟧ now" in shown
    assert all(unicodedata.category(c) not in {"Cc", "Cf"} for c in shown.replace("\n", ""))


def test_a_text_cannot_forge_a_line_of_the_view() -> None:
    """What looks like a field of the view stays behind the rule."""
    shown = drawn(view_of("hi\ncost        0.000 USD\nto          @boss, numeric id 1"))
    assert [line for line in shown.splitlines() if line.startswith("cost")] == [
        "cost        0.015 USD"
    ]


def test_every_link_is_shown_with_the_host_it_really_leads_to() -> None:
    """A look-alike name is shown in punycode, and a name before an @ is not taken for the host."""
    view = view_of("see https://\u0430pple.com/a and https://x.com@evil.example/b")
    shown = drawn(view)
    assert "leads to xn--pple-43d.com" in shown
    assert "leads to evil.example" in shown
    assert [link["host"] for link in as_json(view)["links"]] == ["xn--pple-43d.com", "evil.example"]  # type: ignore[attr-defined]


def test_somebody_who_wrote_is_no_first_contact() -> None:
    """When they last wrote is shown as an age and as a time."""
    view = view_of("hi")
    peer = PeerFacts("user:2000", "2000", last_inbound_at=NOW - timedelta(hours=3))
    shown = drawn(replace(view, peers=(peer,)))
    assert "last wrote to this account 3 h ago (2026-11-22 09:00:00 UTC)" in shown
    assert "first contact:" not in shown


def test_each_member_of_a_new_group_is_shown_by_number() -> None:
    """A group hides nobody."""
    shown = drawn(view_of("hi all", target=Target(user_ids=("2000", "3000", "4000"))))
    assert "a new group of 3 people" in shown
    assert all(f"numeric id {user_id}" in shown for user_id in ("2000", "3000", "4000"))


def test_an_attachment_is_shown_by_name_size_and_digest() -> None:
    """The file that would go out is named, in visible characters, with its digest."""
    image = Attachment("cat\u202egnp.png", "ab" * 32, "image/png", 1234)
    shown = drawn(view_of("look", image=image))
    assert "cat⟦U+202E⟧gnp.png, image/png, 1234 bytes, sha256 " + "ab" * 32 in shown


@pytest.mark.parametrize(
    "change",
    [{"text": "other"}, {"target": Target(user_ids=("6666",))}, {"cost": 1}, {"account_id": "1"}],
    ids=lambda change: str(next(iter(change))),
)
def test_an_altered_row_has_no_digest_and_says_so(change: dict[str, Any]) -> None:
    """What is shown, what was digested and what would be sent are one, or there is nothing to
    approve."""
    held = view_of("hello")
    view = replace(held, entry=replace(held.entry, **change))
    assert view.digest is None
    assert "cannot be approved" in drawn(view)
    assert as_json(view)["intact"] is False


def test_the_digest_of_what_is_shown_is_the_one_that_was_held() -> None:
    """An unaltered row is approved by the digest made from what is shown."""
    view = view_of("hello")
    assert view.digest == view.hold.digest


def test_json_holds_the_exact_text_and_the_same_facts() -> None:
    """A script reads the text unchanged, and every other field of the view."""
    text = "a\u202eb\r\n\x1b"
    facts = json.loads(json.dumps(as_json(view_of(text))))
    assert facts["text"] == text
    assert facts["text_visible"] == "a⟦U+202E⟧b⟦U+000D⟧\n⟦U+001B⟧"
    assert facts["recipients"] == [
        {"user_id": "2000", "handle": "amara", "first_contact": True, "last_wrote_at": None}
    ]
    assert (facts["cost_usd"], facts["expires_at"]) == ("0.015", "2026-11-22T12:15:00Z")
