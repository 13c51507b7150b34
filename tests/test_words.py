"""The words of a text, as searching sees them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.words import LONGEST, SNIPPET, Phrase, found_words, matches, parse, snippet, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Crème BRÛLÉE, Straße!", "creme brulee strasse"),
        ("İstanbul ΣΑΣ ﬁne ½", "istanbul σασ fine 1 2"),  # noqa: RUF001 - Greek
        ("我要退货 iPhone手机", "我 要 退 货 iphone 手 机"),
        ("주문을", "주 문 을"),
        ("カガ ひらがな", "カ ガ ひ ら が な"),
        ("กิน", "ก ิ น"),
        ("ກິນ ខ្មែរ မြန်", "ກ ິ ນ ខ ្ ម ែ រ မ ြ န ်"),
        ("हिन्दी में", "हिन्दी में"),
        ("سَلام שָׁלוֹם", "سلام שלום"),
        ("in\u200bvoice so\u00adft \u202eevil", "invoice soft evil"),
        ("🎉👍🏽 ❤️", "🎉 👍 ❤"),
        ("e-mail_x $5.50 x\0y", "e mail x 5 50 x y"),
        ("", ""),
    ],
)
def test_words_of_many_scripts(text: str, found: str) -> None:
    """Case, accents and what nobody sees do not count; unspaced scripts become characters."""
    assert words(text) == found.split()


@pytest.mark.parametrize(
    ("query", "phrases"),
    [
        ("red shoe", [Phrase(("red",)), Phrase(("shoe",))]),
        ('"red shoe" size', [Phrase(("red", "shoe")), Phrase(("size",))]),
        ("“red shoe” red", [Phrase(("red", "shoe")), Phrase(("red",))]),
        ("par* e-ma*", [Phrase(("par",), True), Phrase(("e", "ma"), True)]),
        ('"red', [Phrase(("red",))]),
        ("手机", [Phrase(("手", "机"))]),
        ("AND NOT -a", [Phrase(("and",)), Phrase(("not",)), Phrase(("a",))]),
        ("* \" ' !?", []),
        ("same Same SAME", [Phrase(("same",))]),
    ],
)
def test_a_query_is_words_phrases_and_beginnings(query: str, phrases: list[Phrase]) -> None:
    """Nothing else has a meaning."""
    assert list(parse(query)) == phrases


@given(st.text(max_size=60))
def test_words_are_stable(text: str) -> None:
    """Words of words are the same words, none is empty, long or can end a string of an engine."""
    found = words(text)

    assert words(" ".join(found)) == found
    assert words(unicodedata.normalize("NFD", text)) == found
    for word in found:
        assert 0 < len(word) <= LONGEST * 18
        assert not set(word) & set(" '\"\\*:&|()<>\0\x1a")
        assert not any(char.isspace() for char in word)


@given(st.text(max_size=40), st.integers(0, 40), st.integers(1, 8))
def test_a_piece_of_a_text_in_quotes_finds_it(text: str, begin: int, length: int) -> None:
    """Whichever words stand side by side in it."""
    found = words(text)
    piece = found[begin : begin + length]
    if piece:
        assert matches(text, parse(f'"{" ".join(piece)}"'))
        assert matches(text, parse(" ".join(piece)))
        assert matches(text, parse(f"{piece[-1]}*"))


@given(st.text(max_size=30), st.text(max_size=10))
def test_no_query_is_too_strange(text: str, query: str) -> None:
    """Every query has an answer."""
    assert isinstance(matches(text, parse(query)), bool)


@given(st.text(st.characters(max_codepoint=127), max_size=300))
def test_ascii_is_cut_as_everything_else(text: str) -> None:
    """The short way comes to the same."""
    assert words(text) == [word.text for word in found_words(text)]


def test_places_lead_to_the_words_in_the_text() -> None:
    """Where each begins."""
    text = "Der Café 京都"

    assert [(w.text, text[w.at]) for w in found_words(text)] == [
        ("der", "D"), ("cafe", "C"), ("京", "京"), ("都", "都"),
    ]  # fmt: skip


def test_a_snippet_shows_the_hit() -> None:
    """A short text whole, of a long one the piece around the first hit."""
    long = f"{'a ' * 500}Needle {'b ' * 500}"
    piece, cut = snippet(long, parse("needle"))

    assert snippet("Short needle.", parse("needle")) == ("Short needle.", False)
    assert (cut, "Needle" in piece, len(piece)) == (True, True, SNIPPET + 2)
    assert snippet(long, parse("a"))[0].startswith("a a")
    assert snippet(long, parse("b"))[0].startswith("…")
