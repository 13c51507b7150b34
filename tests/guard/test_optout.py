"""Whether somebody asks to be left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.guard.optout import ENGLISH, LANGUAGES, opted_out


@pytest.mark.parametrize("phrase", ENGLISH.whole)
def test_each_of_the_usual_words_alone_means_stop(phrase: str) -> None:
    """As the whole message."""
    assert opted_out(phrase)


@pytest.mark.parametrize("phrase", ENGLISH.contained)
def test_each_unambiguous_phrase_means_stop_wherever_it_stands(phrase: str) -> None:
    """Between other words too."""
    assert opted_out(phrase)
    assert opted_out(f"Hello. Could you please {phrase} from now on? Thanks")


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "Stop!!",
        "  stop.\n",
        "stop 🛑🙏🏽",
        "🛑️ stop",
        "S\u200btop",
        "\uff53\uff54\uff4f\uff50",
        "Opt-out",
        "opt   out",
        "please stop messaging me",
        "Don\u2019t message me",
        "dont message me",
        "don\u00b4t message me",
        "DO NOT CONTACT ME!",
        "remove me from your list",
        "(unsubscribe)",
    ],
)
def test_case_punctuation_spacing_and_emoji_do_not_matter(text: str) -> None:
    """However somebody types it."""
    assert opted_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🙂",
        "Can you stop by tomorrow?",
        "the bus stop",
        "stops",
        "nonstop",
        "The end of the story",
        "cancel my order, please",
        "I never asked you to stop",
        "they told him to leave me alonely",
        "quit smoking?",
        "remove meat",
    ],
)
def test_ordinary_talk_means_nothing_of_the_kind(text: str) -> None:
    """A usual word counts alone only, and a phrase as whole words only."""
    assert not opted_out(text)


def test_the_owners_own_phrases_count_as_whole_messages() -> None:
    """In any spelling; one without words means nothing."""
    own = ["Basta ya!", "🙂"]

    assert opted_out("¡BASTA, ya!", own)
    assert not opted_out("basta ya de lluvia", own)
    assert not opted_out("👍", own)


@given(text=st.text(max_size=60))
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    """Blanks around it change nothing."""
    assert opted_out(text) == opted_out(f"  {text}\n")


@given(
    phrase=st.sampled_from([p for language in LANGUAGES for p in language.whole]),
    noise=st.text(st.sampled_from(" .,!?🙂🛑\u200b\ufe0f\n"), max_size=8),
)
def test_noise_around_a_usual_word_changes_nothing(phrase: str, noise: str) -> None:
    """Before it and after it."""
    assert opted_out(f"{noise}{phrase.upper()}{noise}")
