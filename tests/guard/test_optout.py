"""Whether somebody asks to be left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.guard.languages import ENGLISH, LANGUAGES
from xdm_mcp.guard.optout import opted_out


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
    own = ["Ciao, bello!", "🙂"]

    assert opted_out("¡CIAO bello!", own)
    assert not opted_out("ciao bello, come stai", own)
    assert not opted_out("👍", own)


@given(text=st.text(max_size=60))
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    """Blanks around it change nothing."""
    assert opted_out(text) == opted_out(f"  {text}\n")


@given(
    phrase=st.sampled_from([p for language in LANGUAGES.values() for p in language.whole]),
    noise=st.text(st.sampled_from(" .,!?🙂🛑\u200b\ufe0f\n"), max_size=8),
)
def test_noise_around_a_usual_word_changes_nothing(phrase: str, noise: str) -> None:
    """Before it and after it."""
    assert opted_out(f"{noise}{phrase.upper()}{noise}")


WANTED = "en de fr es pt it nl sv no da fi pl cs ru uk tr el ar he fa hi bn ur id ms vi th zh ja ko"
"""The languages that are listened for."""


def test_thirty_languages_are_listened_for() -> None:
    """Each with words that mean it alone and phrases that mean it anywhere."""
    assert list(LANGUAGES) == WANTED.split()
    assert all(language.whole and language.contained for language in LANGUAGES.values())


@pytest.mark.parametrize(
    ("code", "phrase"), [(c, p) for c, one in LANGUAGES.items() for p in one.whole]
)
def test_each_word_of_each_language_means_stop_alone(code: str, phrase: str) -> None:
    """Also in capitals, with an exclamation mark and a sign."""
    assert opted_out(phrase)
    assert opted_out(f"🛑 {phrase.upper()}!!")


@pytest.mark.parametrize(
    ("code", "phrase"), [(c, p) for c, one in LANGUAGES.items() for p in one.contained]
)
def test_each_phrase_of_each_language_means_stop_among_other_words(code: str, phrase: str) -> None:
    """Between two sentences of a message."""
    assert opted_out(f"Hello! {phrase.capitalize()}. 12 34")


@pytest.mark.parametrize(
    "text",
    [
        "Bitte hören Sie auf, mir zu schreiben!",
        "LAISSEZ MOI TRANQUILLE",
        "No me escribas mas por favor",
        "NAO ME MANDE MAIS MENSAGENS",
        "Хватит писать!!!",
        "Больше НЕ ПИШИТЕ, спасибо",
        "ABONELIGI IPTAL ET",
        "ΣΤΑΜΑΤΗΣΤΕ",
        "الغاء الإشتراك",
        "تـــوقف",
        "קשר? הסירו אותי מהרשימה",
        "دیگه به من پیام نده لطفا",
        "बंद करो 🙏",
        "বন্ধ করুন।",
        "dung lai",
        "กรุณาหยุดส่งข้อความค่ะ",
        "请不要再给我发广告",
        "もう連絡しないでください",
        "연락하지 마세요 제발",
    ],
)
def test_people_leave_out_accents_blanks_and_vowels_and_are_understood(text: str) -> None:
    """As phones and haste spell it."""
    assert opted_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "Wir haben Schluss gemacht",
        "Der Bus stoppt hier nicht",
        "Arrête, tu me fais rire",
        "un arrêt de bus",
        "Basta così, grazie, il resto va bene",
        "seis",
        "Dur.",
        "alto y claro",
        "Para mañana está bien",
        "pare que vai chover? parece que sim",
        "¿Puede dar de baja el pedido 12?",
        "Стоп-кадр получился отличный",
        "не пишите адрес на коробке",
        "Dur bakalım, ben de geliyorum",
        "dost",
        "cukup besar untuk dua orang",
        "够了吗？",
        "取消订单可以吗",
        "停车场在哪里",
        "やめてよかったね",
        "그만큼 좋아요",
        "หยุดวันไหนบ้าง",
        "रुको मत, आगे बढ़ो",
        "توقف الحافلة قريبة",
        "tom nay dung may gio",
        "Stop? Nein, weiter!",
        "La meg være ærlig: den er fin",
        "Lad mig være ærlig, den er flot",
        "Хватит",
        "Chega!",
        "ça suffit",
        "די",
        "रुकिए",
        "رکیں",
        "Durun",
        "Keluar",
        "больше не надо",
        "まだ送らないでください、住所が違います",
        "아직 보내지 말아주세요, 주소가 바뀌었어요",
        "لا ترسل لي اللون الأزرق",
        "אל תשלח לי את הכחול",
    ],
)
def test_near_misses_of_other_languages_mean_nothing_of_the_kind(text: str) -> None:
    """What only sounds alike, or says it of something else."""
    assert not opted_out(text)
