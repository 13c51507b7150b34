"""Marks of a text, and the particulars in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.marks import RUN, SHORTEST, MarkKind, marked, marks_of, plain, shared, uncovered
from xdm_mcp.particulars import particulars

KEY, OTHER = b"k" * 32, b"o" * 32
ME, THEM = "100", "200"

letters = st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=0x24F), max_size=60)
telling = st.permutations("abcdefghijklmnopqrstuvwxyz123456789äéß").map("".join)


def words(text: str) -> set[int]:
    """Return the digests of a text's words."""
    return {d for d, mark in marks_of(text, KEY, ME).items() if mark.kind is MarkKind.WORDS}


@given(before=letters, piece=telling, after=letters, here=letters, there=letters)
def test_two_texts_that_share_eighteen_letters_share_a_mark(
    before: str, piece: str, after: str, here: str, there: str
) -> None:
    """Wherever the piece stands in either, and the mark knows that it is no shorter coincidence."""
    one = marks_of(before + piece + after, KEY, ME)
    other = marks_of(here + piece + there, KEY, ME)

    both = one.keys() & other.keys()
    assert any(
        one[d].kind is MarkKind.WORDS and shared(one[d].around, other[d].around) is not None
        for d in both
    )


@given(text=telling)
def test_case_spacing_punctuation_and_accents_are_inert(text: str) -> None:
    """Drawn out, quoted, in capitals: the same marks."""
    assert words(text) == words(" ".join(text.upper().lower()))
    assert words(text) == words(f"«{'-'.join(text)}…»")


def test_look_alike_letters_are_one() -> None:
    """Cyrillic and Greek for Latin, in either case."""
    assert plain("рауmеnt АСCОUNT") == plain("payment account")
    assert plain("ΜΕΝΟΥ") == plain("MENOY")
    assert plain("it\u2019s \u201cfine\u201d") == plain('it\'s "fine"')


def test_marks_tell_nothing_without_the_key_and_owners_never_meet() -> None:
    """Another key and another account give other digests."""
    text = "The spare key lies behind the drainpipe of the yellow house, code 448213."

    assert not words(text) & {*marks_of(text, OTHER, ME)}
    assert not words(text) & {*marks_of(text, KEY, THEM)}
    assert words(text) == words(text)


def test_fewer_than_eighteen_letters_and_laughter_have_no_marks() -> None:
    """There is nothing in them that would be a secret."""
    assert not marks_of("See you at noon!", KEY, ME)
    assert not words("hahahahahahahahahahahahahaha ha ha")


def test_a_shorter_coincidence_is_told_from_a_piece() -> None:
    """Fourteen letters in a row share a run at most, and nothing around it."""
    one = marks_of("alpha bravo unless the horse comes early zulu", KEY, ME)
    other = marks_of("delta unless the horse golf hotel india", KEY, ME)

    assert all(shared(one[d].around, other[d].around) is None for d in one.keys() & other.keys())


def test_what_is_covered_by_free_runs_is_not_counted() -> None:
    """A run is taken for four letters longer at each end."""
    assert uncovered(20, ()) == SHORTEST
    assert uncovered(20, {20}) == SHORTEST - RUN - 4
    assert uncovered(20, {12, 26}) == 0
    assert uncovered(20, {100}) == SHORTEST


def test_runs_of_a_draft_are_those_that_a_message_keeps() -> None:
    """Wherever winnowing keeps one, asking for the run at that place finds it."""
    text = "We moved the spare key from under the flowerpot to the box behind the drainpipe."
    draft = marked(text, KEY, ME)

    runs = draft.runs(range(-3, 200))
    assert words(text) <= runs.keys()
    assert all(draft.marks[d].place == runs[d] for d in words(text))


@given(text=st.text(max_size=200))
def test_no_text_is_too_strange_to_be_marked(text: str) -> None:
    """Digests fit 48 bits."""
    assert all(-(2**47) <= digest < 2**47 for digest in marks_of(text, KEY, ME))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your code is 123 456.", ("code", "123456")),
        ("G-123456 is your code", ("code", "123456")),
        ("コードは448213です", ("code", "448213")),
        ("PIN 4471", ("code", "4471")),
        ("الرمز ٤٤٧١", ("code", "4471")),
        ("OTP:447193", ("code", "447193")),
        ("code: 447193", ("code", "447193")),
        ("验证码：447193", ("code", "447193")),
        ("#447193", ("code", "447193")),
        ("PIN #4471", ("code", "4471")),
        ("Code:#4471", ("code", "4471")),
        ("PIN/OTP:4471", ("code", "4471")),
        ("您好：您的验证码：447193", ("code", "447193")),
        ("Here it is. Pin:G-447193", ("code", "447193")),
        ("call +49 170 1234567", ("address", "701234567")),
        ("番号は0170-1234567です", ("address", "701234567")),
        ("IBAN DE89 3704 0044 0532 0130 00 thanks", ("address", "de89370400440532013000")),
        ("card 4111 1111 1111 1111", ("key", "4111111111111111")),
        ("password: hunter2", ("key", "hunter2")),
        ("token sk-ab12cd34ef56", ("key", "skab12cd34ef56")),
        ("€4,512.30", ("amount", "eur 451230")),
        ("4.512,30 EUR", ("amount", "eur 451230")),
        ("4512.3 €", ("amount", "eur 451230")),
        ("$4,512", ("amount", "usd 451200")),
        ("mail Bob@Example.com", ("address", "bob@example.com")),
        ("I live at 12 Elm Street.", ("address", "12elmstreet")),
        ("Lindenstraße 12", ("address", "lindenstrasse12")),
    ],
)
def test_what_may_be_secret_is_found_in_any_notation(text: str, found: tuple[str, str]) -> None:
    """And spelled in one."""
    assert found in list(particulars(text))


@pytest.mark.parametrize(
    "text",
    [
        "in 2026",
        "10 % of 5000",
        "at 10:45",
        "on 22.11.2026",
        "2026-11-22",
        "22/11/2026 10:30",
        "from 09:00 to 17:30",
        "10am-11am",
        "iphone14pro",
        "100 €",
        "12 euros",
        "1,000,000",
        "room 12",
        "12:4471",
        "a score of 3:4471",
        "localhost:8080",
        "http://localhost:8088/",
        "http://build-box:8087",
        "mail.example:8443",
        "me@build-box:8087",
        "127.0.0.1:8081",
        "[::1]:8443",
        "2001:db8:dead:4471",
        "mail.example/page#4471",
        "mail.example/#4471",
        "12#4471",
        "#2026",
        "in:2026",
        "room:1200",
        "120 000 people",
        "https://x.com/i/status/1791970200123456789",
    ],
)
def test_years_times_dates_and_round_sums_are_nothing(text: str) -> None:
    """They are said to everybody."""
    assert list(particulars(text)) == []
