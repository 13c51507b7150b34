"""Which whole messages wait for no answer, and that in doubt a message waits for one."""

from __future__ import annotations

import pytest

from xdm_mcp.inbox.courtesies import courtesy

# ruff: noqa: RUF001 - other languages have other marks

COURTESIES = [
    "thanks", "Thanks!!", "THANK YOU", "Thank you so much!", "thx", "ty 🙏", "Thanks again.",
    "ok", "OK!", "Okay, thanks", "Great, thank you!", "Perfect.", "Got it, thanks.", "👍", "👍🏽",
    "❤️❤️", ":)", "🙏🙏 thanks", "No problem, bye!", "Thanks a lot, have a nice day!",
    "Danke!", "Vielen Dank", "alles klar, danke", "Danke schön", "Merci beaucoup !",
    "d’accord, merci", "Gracias", "¡Muchas gracias!", "Obrigado!", "Muito obrigada",
    "Grazie mille", "Dank je wel", "Tack så mycket", "Mange tak", "Takk", "Kiitos", "Dziękuję",
    "Díky", "Teşekkürler", "Terima kasih", "Cảm ơn", "Спасибо!", "Большое спасибо", "Дякую",
    "Ευχαριστώ", "شكراً", "شكرا جزيلا", "תודה רבה", "धन्यवाद", "ありがとうございます！",
    "了解です", "감사합니다", "谢谢", "好的，谢谢", "謝謝！", "Noted!! 🚲",
]  # fmt: skip

WAITING = [
    "", " ", "thanks, but when?", "Thanks. Where is my parcel", "ok?", "OK？", "merci ؟", "?", "…",
    "yes", "no", "Yes please", "sure, send it", "thanks for nothing", "thank you for your order",
    "not ok", "This is not great", "thanks 12 Rue des Lilas", "hello", "hi!", "help 🙏",
    "ok ok ok ok ok ok ok ok ok", "danke, aber es ist kaputt", "谢谢，什么时候到",
    "the goods are ok", "can you call me", "1", "stop", ":(", "¿vale?", "gracias por nada",
]  # fmt: skip


@pytest.mark.parametrize("text", COURTESIES)
def test_a_bare_courtesy_waits_for_nothing(text: str) -> None:
    """In several languages, with any case, punctuation and emoji."""
    assert courtesy(text)


@pytest.mark.parametrize("text", WAITING)
def test_anything_else_waits_for_an_answer(text: str) -> None:
    """Questions, news, names and numbers, however politely wrapped."""
    assert not courtesy(text)


def test_a_long_message_is_judged_at_once() -> None:
    """What a stranger writes costs no time."""
    assert not courtesy("ok thanks " * 50_000)
