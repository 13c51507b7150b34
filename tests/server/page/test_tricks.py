"""What the page's HTML shows is what would be sent, whatever a text tries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from tests.approvals.making import AMARA, NOW, held_entry, seen
from tests.approvals.tricks import harmless, tricks
from xdm_mcp.approvals.pin import LONGEST
from xdm_mcp.models.messages import Message
from xdm_mcp.models.sends import Attachment
from xdm_mcp.server.page.desk_routes import draw_desk
from xdm_mcp.server.page.sessions import Session
from xdm_mcp.server.page.showing import Factors, Shown

TRICKS = tricks()

SESSION = Session("key", NOW, b"secret")

OURS = frozenset({"mark", "li", "span", "b", "ul", "dt", "dd", "p", "time", "div"})
"""Tags of which our own templates draw more or fewer, by what there is to say."""


@dataclass
class Seen(HTMLParser):
    """What a browser makes of the page: its tags with their attributes, the text of the draft, and
    the values of hidden fields."""

    tags: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    words: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    _draft: bool = False
    _words: bool = False

    def __post_init__(self) -> None:
        """Read nothing yet."""
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self.tags.append((tag, tuple(sorted(given))))
        self._draft = self._draft or given.get("class") == "line draft"
        self._words = self._words or (self._draft and given.get("class") == "words")
        if given.get("type") == "hidden":
            self.fields.setdefault(given["name"] or "", []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the text of the draft."""
        if tag == "p" and self._words:
            self._draft = self._words = False

    def handle_data(self, data: str) -> None:
        """Keep the draft's words."""
        if self._words:
            self.words += data


def page_with(text: str) -> tuple[str, str, str]:
    """Return the page's HTML that shows a held send with this text everywhere where strangers have
    a word, the words that it should show, and its digest."""
    picture = Attachment(text or "x", "0" * 64, "image/png", 1)
    held = held_entry(text, image=picture, handle=text)
    heard = [Message("1", f"1000-{AMARA}", AMARA, NOW, text)]
    view = seen(held, said=heard)
    shown = Shown((view,), (), (), Factors(pin=True, passkeys=True), None, "no quota")
    html = bytes(draw_desk(shown, SESSION).body).decode()
    return (
        html,
        "".join(piece.shown for piece in view.pieces),
        held.hold.digest if held.hold else "",
    )


def read(html: str) -> Seen:
    """Return what a browser makes of HTML."""
    parser = Seen()
    parser.feed(html)
    parser.close()
    return parser


PLAIN = {tag for tag in read(page_with("Hello, this is plain.")[0]).tags if tag[0] not in OURS}


@pytest.mark.parametrize("text", [text for _, text in TRICKS], ids=[name for name, _ in TRICKS])
def test_no_text_does_anything_to_the_page(text: str) -> None:
    """No raw control reaches the HTML, no tag or attribute is made, the words are those of the
    view, the numeric recipient is there, and the forms carry the digest of the entry."""
    html, words, digest = page_with(text)
    page = read(html)
    assert harmless(html)
    assert {tag for tag in page.tags if tag[0] not in OURS} == PLAIN
    assert {
        attribute for tag in page.tags for attribute in tag[1] if attribute.startswith("on")
    } == set()
    assert page.words == words
    assert f"id {AMARA}" in html
    assert page.fields["digest"] == [digest] * 2


def test_a_secret_of_any_length_can_be_typed_in_every_field_for_one() -> None:
    """No field of the page cuts what a person typed, which would be a wrong try."""
    folder = files("xdm_mcp.server.page") / "templates"
    pages = {one.name: one.read_text("utf-8") for one in folder.iterdir()}
    bounds = {
        name: re.findall(r'<input [^>]*type="password"[^>]*maxlength="(\d+)"', page)
        for name, page in pages.items()
        if 'type="password"' in page
    }
    assert "card.html" in bounds
    assert {bound for each in bounds.values() for bound in each} == {str(LONGEST)}
    assert all(len(each) == pages[name].count('type="password"') for name, each in bounds.items())
