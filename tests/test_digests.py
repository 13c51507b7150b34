"""What is the same, the same after X had it, and nearly the same."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xdm_mcp.digests import canonical, content_digest, digest, match_digest, similar_digest

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _typed(value: Any) -> Any:
    """Return `value` so that True and 1 differ, as they do in JSON."""
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return type(value), value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [None, True, "é"]}, '{"a":[null,true,"é"],"b":1}'),
        ({"\U0001f600": 1, "\uffee": 2}, '{"\uffee":2,"\U0001f600":1}'),
        ('\n"\\\x00\u2028', '"\\n\\"\\\\\\u0000\u2028"'),
        (-(10**30), "-1" + "0" * 30),
        ([], "[]"),
    ],
)
def test_a_value_has_one_canonical_text(value: object, expected: str) -> None:
    """Keys are in code point order, nothing is blank, and characters stand for themselves."""
    assert canonical(value) == expected.encode()


@given(VALUES)
def test_a_canonical_text_can_be_read_back(value: Any) -> None:
    """Nothing of a value is lost, so two values never share a text."""
    assert _typed(json.loads(canonical(value))) == _typed(value)


@given(st.dictionaries(st.text(), SCALARS, min_size=2, max_size=6))
def test_the_order_of_keys_does_not_count(value: dict[str, Any]) -> None:
    """A dict is the same however it was built."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [1.0, [float("nan")], {"a": 0.5}, (1,), {1: 2}, b"x", {"a"}])
def test_a_value_without_a_canonical_form_is_refused(value: object) -> None:
    """Floats, tuples, bytes, sets and keys that are no text have no single JSON text."""
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", ["a", "\udfff"], {"\ud800": 1}])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    """Such text has no UTF-8, so nothing could be sent that it stands for."""
    with pytest.raises(ValueError, match="surrogate"):
        canonical(value)


def test_a_digest_is_what_it_was_when_ledgers_were_written() -> None:
    """Stored digests stay comparable: a change of these breaks every ledger."""
    assert digest("approval/1", {"a": 1}) == (
        "d8c03687e17c6542990b44cb0ea4095453853db8f16b890219d49453ee7d074a"
    )
    assert content_digest("Hello", None) == (
        "6a17d46aa3823849c759063cc51245c0cd69a4e25567831a40fdb548614f8b94"
    )
    assert match_digest("Hello example.com") == (
        "b5728335caabc797ea04101854b3989e19a1d4348523dd36cc4856679715b442"
    )
    assert similar_digest("Hello!") == (
        "e853f92e2ee184a8b18f984e674103a703b29a11897866e33cffd1b231c48a06"
    )


@given(st.text(), st.text(), SCALARS, SCALARS)
def test_digests_under_different_tags_or_of_different_values_differ(
    tag: str, other: str, value: Any, another: Any
) -> None:
    """The tag and the value both count, and the border between them is fixed."""
    assume("\0" not in tag + other)
    same = (tag, _typed(value)) == (other, _typed(another))
    assert (digest(tag, value) == digest(other, another)) is same


def test_a_tag_with_a_nul_is_refused() -> None:
    """A tag cannot reach into the value."""
    with pytest.raises(ValueError, match="NUL"):
        digest("a\0b", 1)


@given(st.text(), st.text(), st.none() | st.text(), st.none() | st.text())
def test_the_content_digest_keeps_everything_apart(
    text: str, other: str, file: str | None, another: str | None
) -> None:
    """Any difference of the text or of the attachment makes another content."""
    same = (text, file) == (other, another)
    assert (content_digest(text, file) == content_digest(other, another)) is same


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("write &lt; for <", "write &amp;lt; for &lt;"),
        ("AT&amp;amp;T", "AT&amp;amp;amp;T"),
        ("see https://example.com/a?b=1&copy=2.", "see https://t.co/AbC12dEf34."),
        ("(example.com)", "(https://t.co/AbC12dEf34)"),
        ("one.com two.net/x", "https://t.co/AbC12dEf34 https://t.co/ZzZ12dEf34"),
        ("\u8a73\u7d30example.com\u4e2d\u6587", "\u8a73\u7d30https://t.co/AbC12dEf34\u4e2d\u6587"),
        ("http://example.com/Film_(1998)", "https://t.co/AbC12dEf34"),
        ("cafe\u0301", "caf\u00e9"),
        ("  hello\n", "hello"),
    ],
)
def test_a_message_read_back_from_x_matches_what_was_sent(sent: str, returned: str) -> None:
    """Escapes, short links, composition and blanks at the ends do not hide our own message."""
    assert match_digest(sent) == match_digest(returned)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Hello", "hello"),
        ("Hello", "Hello!"),
        ("a b", "ab"),
        ("example.com", "example.com example.com"),
        ("see example.com", "see example"),
        ("1", "\u00b9"),
    ],
)
def test_different_messages_do_not_match(text: str, other: str) -> None:
    """Only what X itself changes is overlooked."""
    assert match_digest(text) != match_digest(other)


@given(st.text())
def test_a_match_survives_what_x_does_to_a_text(text: str) -> None:
    """Escaped, composed and with blanks around it, a text still matches itself."""
    returned = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert match_digest(f" {unicodedata.normalize('NFC', returned)}\n") == match_digest(text)


def test_a_broken_text_of_a_stranger_can_be_matched() -> None:
    """Half a surrogate pair in what was read back is no error, and matches nothing of ours."""
    assert match_digest("a\ud800") != match_digest("a")


def test_two_messages_that_differ_in_their_link_match_but_are_not_the_same_content() -> None:
    """X hides the difference, the key of a send must not."""
    assert match_digest("see one.com") == match_digest("see two.net")
    assert content_digest("see one.com", None) != content_digest("see two.net", None)


@pytest.mark.parametrize(
    "copy",
    [
        "HELLO   there, my FRIEND",
        "Hello there my friend!!! \U0001f600\u2764\ufe0f",
        "hello there my friend 1234",
        "Hello there, my friend: https://example.com/x?y=1",
        "@ann_lee Hello there my friend",
        "He\u200bllo there my fri\u00adend",
        "\uff28\uff45\uff4c\uff4c\uff4f there my friend",
        "\U0001d407ello there my friend",
        "Hello\nthere\nmy\nfriend 1\ufe0f\u20e3",
    ],
)
def test_a_near_copy_is_similar(copy: str) -> None:
    """Only words count: not case, style, links, handles, digits, emoji or what is hidden."""
    assert similar_digest(copy) == similar_digest("Hello there my friend")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Hello there", "Hello where"),
        ("\u0915\u093f", "\u0915\u0940"),  # two vowels beside one Hindi letter
        ("\u0915\u0941", "\u0915\u0942"),  # two vowels below it
        ("\U0001f600", "\U0001f622"),
        ("12", "13"),
        ("one.com", "two.com"),
        ("", " "),
    ],
)
def test_texts_that_say_something_else_are_not_similar(text: str, other: str) -> None:
    """Letters and vowel signs count; a text without letters is similar only to itself."""
    assert similar_digest(text) != similar_digest(other)


@given(st.text().filter(lambda text: not any(map(str.isalpha, text))))
def test_a_text_without_letters_is_similar_only_to_itself(text: str) -> None:
    """What folds to nothing falls back to its content."""
    assume(not any(map(str.isalpha, unicodedata.normalize("NFKC", text))))
    assert similar_digest(text) == content_digest(text, None)


@given(st.text())
def test_every_text_is_similar_to_itself_in_capitals_and_compatible_forms(text: str) -> None:
    """Folding does not depend on how a text was normalised before."""
    assume("." not in text and "://" not in text and "@" not in unicodedata.normalize("NFKC", text))
    assume(any(char.isascii() and char.isalpha() for char in text))
    assert similar_digest(unicodedata.normalize("NFKC", text)) == similar_digest(text)
    assert similar_digest(unicodedata.normalize("NFD", text)) == similar_digest(text)
