"""Messages that end a conversation instead of waiting for an answer: thanks, an ok, an emoji.

By rule and only as the whole message: `thanks, but when?` waits for an answer. In doubt a message
waits for one.
"""

from __future__ import annotations

import unicodedata

QUESTION = frozenset("?\uff1f\u061f\u037e\u2047\u2048\u2049\ua60f\u2e2e\u00bf\u203d\u055e\u1367")
"""Marks of a question; a message with one of them waits for an answer."""

UNSEEN = frozenset({"Cf", "Me"})
"""Characters that change no word."""

MARKS = frozenset({"Mn", "Mc"})
"""Characters that belong to the letter before them."""

SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0x064B, 0x0653))))
"""Marks that choose how an emoji looks, and Arabic vowel signs, which few people write."""

SMILEYS = frozenset({":)", ":-)", ";)", ";-)", "<3", "(:", ":))"})
"""Emoji of punctuation."""

APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u02bc\u2018\u2019\uff07"))

THANKS = (
    # English
    "thanks", "thank you", "thx", "ty", "tysm", "cheers", "much appreciated", "appreciated",
    # German
    "danke", "dankeschön", "danke schön", "danke dir", "danke ihnen", "vielen dank", "besten dank",
    # French
    "merci", "merci beaucoup", "merci bien", "merci à vous", "merci à toi",
    # Spanish, Portuguese, Italian
    "gracias", "muchas gracias", "mil gracias", "obrigado", "obrigada", "muito obrigado",
    "muito obrigada", "valeu", "grazie", "grazie mille", "molte grazie",
    # Dutch, Swedish, Danish, Norwegian, Finnish
    "bedankt", "dank je", "dank je wel", "dank u", "dankjewel", "tack", "tack så mycket",
    "tusen tack", "tak", "mange tak", "takk", "tusen takk", "kiitos", "kiitti",
    # Polish, Czech, Turkish, Indonesian, Vietnamese
    "dzięki", "dziękuję", "díky", "děkuji", "děkuju", "teşekkürler", "teşekkür ederim",
    "sağ ol", "sağol", "makasih", "terima kasih", "cảm ơn", "cám ơn",
    # Russian, Ukrainian, Greek
    "спасибо", "спасибо большое", "большое спасибо", "дякую", "щиро дякую", "ευχαριστώ",
    # Arabic, Hebrew, Persian, Hindi
    "شكرا", "شكرا جزيلا", "תודה", "תודה רבה", "ممنون", "مرسی", "धन्यवाद", "शुक्रिया",
    # Japanese, Korean, Chinese
    "ありがとう", "ありがとうございます", "ありがとうございました", "どうも",
    "감사합니다", "고마워", "고맙습니다", "谢谢", "谢谢你", "多谢", "謝謝", "多謝",
)  # fmt: skip
"""Ways to say thanks."""

FINE = (
    "ok", "okay", "okey", "oki", "k", "kk", "okie", "alright", "all right", "great", "perfect",
    "cool", "nice", "fine", "sounds good", "got it", "gotcha", "will do", "understood", "noted",
    "awesome", "super", "top", "alles klar", "passt", "prima", "gut", "d'accord", "parfait",
    "ça marche", "entendu", "vale", "de acuerdo", "perfecto", "genial", "beleza", "perfeito",
    "combinado", "va bene", "perfetto", "d'accordo", "prima dank", "goed", "is goed", "bra",
    "perfekt", "dobrze", "dobra", "super dzięki", "tamam", "oke", "baik", "siap", "хорошо", "ок",
    "окей", "понял", "поняла", "отлично", "добре", "εντάξει", "تمام", "حسنا", "בסדר", "ठीक है",
    "了解", "了解です", "了解しました", "承知しました", "わかりました", "알겠습니다", "好的", "好",
    "收到", "明白", "明白了",
)  # fmt: skip
"""Ways to say that something is fine."""

BYE = (
    "bye", "goodbye", "see you", "see you soon", "have a nice day", "have a good day",
    "have a great day", "good night", "take care", "np", "no problem", "no worries",
    "you're welcome", "youre welcome", "yw", "tschüss", "schönen tag", "schönen tag noch",
    "schönen abend", "gern geschehen", "bonne journée", "bonne soirée", "de rien", "à bientôt",
    "de nada", "hasta luego", "buen día", "tchau", "ciao", "prego", "buona giornata", "пожалуйста",
    "не за что",
)  # fmt: skip
"""Ways to part."""

WITH = (
    "so much", "very much", "a lot", "again", "all", "you", "for the info", "for your help", "too",
    "schon", "schon mal", "nochmal", "sehr", "beaucoup", "infiniment", "mucho", "mesmo", "ancora",
    "lol", "haha", "man", "mate", "guys", "everyone", "dear", "friend", "bro", "then", "yes", "yep",
    "yeah", "oh", "ah", "and", "und", "et", "y", "e", "und dir", "ebenso",
)  # fmt: skip
"""What may stand beside these ways without making it more than a courtesy."""


def courtesy(text: str) -> bool:
    """Whether a whole message is nothing but thanks, consent, a farewell or emoji."""
    if QUESTION & set(text):
        return False
    words = _plain(text).split()
    if not words:
        return text.strip() in SMILEYS or any(unicodedata.category(c) == "So" for c in text)
    return len(words) <= MOST_WORDS and _made_of(words, 0, said=False)


def _made_of(words: list[str], at: int, *, said: bool) -> bool:
    """Whether the words from `at` on are courtesies, at least one of them said by then."""
    if at == len(words):
        return said
    for size in range(min(LONGEST, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + size])
        if phrase in PHRASES and _made_of(words, at + size, said=True):
            return True
        if phrase in BESIDE and _made_of(words, at + size, said=said):
            return True
    return False


def _plain(text: str) -> str:
    """Return the words of `text` in lower case with single spaces, without anything else."""
    folded = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    return " ".join("".join(map(_letter, folded)).split())


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category in UNSEEN or character in SELECTORS:
        return ""
    return character if character.isalnum() or category in MARKS else " "


def _plains(*groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_plain(phrase) for group in groups for phrase in group)


PHRASES = _plains(THANKS, FINE, BYE)
BESIDE = _plains(WITH)
LONGEST = max(len(phrase.split()) for phrase in PHRASES | BESIDE)
MOST_WORDS = 8
"""A message of more words is read by a person in any case."""
