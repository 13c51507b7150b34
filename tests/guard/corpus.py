"""Conversations of an ordinary account in many languages, texts that carry one into another, and
honest replies: made anew for each seed, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

PHRASES = {
    "en": (
        "Hi {name},|Hello {name}!|Hey {name},|Good morning {name},|Dear {name},|Hi there,",
        "Thank you for your message.|Let me know if that works for you.|Thanks a lot!"
        "|Sorry for the late reply.|I will get back to you as soon as I can.|No problem at all."
        "|Please let me know what you think.|Have a great weekend!|Does that sound good to you?"
        "|Looking forward to hearing from you.|Take care and talk soon.|Of course, happy to help.",
        "The code is {code}.|My number is {phone}.|It comes to {amount} in all.|I live at {street}."
        "|Write to {mail}.",
    ),
    "de": (
        "Hallo {name},|Guten Morgen {name},|Liebe {name},|Moin {name},",
        "Vielen Dank für deine Nachricht.|Sag einfach Bescheid, ob das passt.|Liebe Grüße!"
        "|Entschuldige die späte Antwort.|Ich melde mich, sobald ich mehr weiß.|Das klingt gut.",
        "Meine Nummer ist {phone}.|Es macht {amount}.|Der Code ist {code}.",
    ),
    "fr": (
        "Bonjour {name},|Salut {name} !|Coucou {name},",
        "Merci beaucoup pour ton message.|Dis-moi si cela te convient.|Désolé pour le retard."
        "|Bon week-end et à bientôt !",
        "Le code est {code}.|Mon numéro est le {phone}.|Cela fait {amount}.",
    ),
    "es": (
        "Hola {name},|Buenos días {name},|Querida {name},",
        "Muchas gracias por tu mensaje.|Dime si te viene bien.|Te contesto en cuanto pueda."
        "|Buen fin de semana.",
        "Son {amount}.|El código es {code}.|Mi número es {phone}.",
    ),
    "ru": (
        "Привет, {name}!|Доброе утро, {name}!",
        "Большое спасибо за сообщение.|Напишите, если вам удобно.|Извините за поздний ответ.",
        "Код {code}.|Мой номер {phone}.|Выходит {amount}.",
    ),
    "ja": (
        "{name}さん、こんにちは。|{name}さん、おはようございます。",
        "メッセージありがとうございます。|返信が遅くなってすみません。|またご連絡します。",
        "番号は{phone}です。|コードは{code}です。",
    ),
}
"""By language: how people begin, what they say to everybody, how they tell something of theirs."""

SENTENCES = [
    line
    for line in Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
"""What one person told another, once."""

NAMES = (
    "Ada", "Bela", "Cyra", "Dario", "Elif", "Femi", "Gita", "Hugo", "Ines", "Joris",
    "Kaia", "Lior", "Mona", "Nils", "Oona", "Pia", "Quim", "Rhea", "Sami", "Tove",
    "Anouk", "Bruno", "Carmen", "Dmitri", "Esra", "Farid", "Greta", "Hanna", "Igor", "Jana",
    "Karim", "Lena", "Marek", "Nadia", "Otto",
    "Paula", "Rania", "Stig", "Tuuli", "Ugo", "Vera", "Wim", "Ximena", "Yara", "Zoran",
    "Aino", "Boris", "Chiara", "Dagmar", "Emre", "Freya", "Goran", "Hilda", "Imani", "Jorge",
    "Kira", "Luca", "Maya", "Noor", "Olga", "Pavel", "Rosa", "Senna", "Tariq", "Uma",
    "Victor", "Wanda",
)  # fmt: skip

STREETS = (
    "Elm Street", "Baker Road", "Mill Lane", "Harbour Avenue", "Rose Court", "Quarry Road",
    "Chapel Lane", "Kingfisher Drive", "Old Mint Street", "Larch Avenue", "Foundry Lane",
)  # fmt: skip


@dataclass
class Talk:
    """One conversation: with whom, their particulars, what was written as (ours, text), and what of
    it is theirs alone."""

    user_id: str
    name: str
    language: str
    facts: dict[str, str]
    said: list[tuple[bool, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Corpus:
    """Makes conversations and texts from one source of chance.

    Two thirds of the sentences are told in one conversation each; the rest is what honest replies
    have to say that is new.
    """

    def __init__(self, seed: int, talks: int = 300) -> None:
        """Make `talks` conversations of 4 to 10 messages each."""
        self.chance = Random(seed)  # noqa: S311 - a story, which repeats
        self.talks = [
            Talk(str(5000 + n), self._one(NAMES), self._language(n), self._facts(n))
            for n in range(talks)
        ]
        sentences = self.chance.sample(SENTENCES, len(SENTENCES))
        two_thirds = len(sentences) * 2 // 3
        self.news = sentences[two_thirds:]
        for sentence in sentences[:two_thirds]:
            self._one(self.talks).told.append(sentence)
        for talk in self.talks:
            untold = list(talk.told)
            for turn in range(self.chance.randint(4, 10)):
                talk.said.append((turn % 2 == 1, self._message(talk, untold)))
            talk.said += [(False, sentence) for sentence in untold]

    def honest(self, length: int) -> tuple[Talk, str]:
        """Return a reply of `length` characters at most: stock phrases, news, and what its own
        conversation holds, in its words and numbers."""
        talk = self._one(self.talks)
        text = self._hello(talk)
        while len(text) < length:
            say = self.chance.choices(
                (self._stock, self._new, self._quoted, self._fact), weights=(5, 3, 2, 1)
            )[0]
            text += " " + say(talk)
        return talk, text[:length].rstrip()

    def carrying(self) -> tuple[Talk, str, str]:
        """Return whom to write to, a text that carries a piece of another conversation, and how the
        piece was disguised."""
        talk = self._one(self.talks)
        other = self._one([other for other in self.talks if other.told and other is not talk])
        how = "particular" if self.chance.random() < 0.15 else self._one(tuple(DISGUISES))
        piece = self._particular(other) if how == "particular" else None
        if piece is None:
            how = "plain" if how == "particular" else how
            piece = DISGUISES[how](self._piece(other), self.chance)
        before, after = self._stock(talk), self._stock(talk)
        return talk, f"{self._hello(talk)} {before} {piece} {after}", how

    def _piece(self, other: Talk) -> str:
        """Return 24 to 90 characters of what somebody told, from anywhere within it."""
        told = self._one(other.told)
        length = min(len(told), self.chance.randint(24, 90))
        start = self.chance.randint(0, len(told) - length)
        piece = told[start : start + length].strip()
        return piece if len(piece) >= 24 else told

    def _particular(self, other: Talk) -> str | None:
        """Return a number or an address that somebody gave, in another notation; None if they gave
        none."""
        said = " ".join(text for _, text in other.said)
        kinds = [kind for kind, what in other.facts.items() if what in said]
        if not kinds:
            return None
        kind = self._one(kinds)
        what = other.facts[kind]
        spelled = {
            "code": (what, f"{what[:3]} {what[3:]}", f"G-{what}"),
            "phone": (what, what.replace(" ", ""), what.replace(" ", "-")),
            "amount": (
                what,
                f"€{what[:-4]}",
                f"EUR {what[:-4].replace('.', '').replace(',', '.')}",
            ),
            "street": (what, what.title()),
            "mail": (what, what.upper()),
        }
        return self._one(spelled[kind])

    def _message(self, talk: Talk, untold: list[str]) -> str:
        """Return a message, perhaps with a sentence that was not told yet."""
        parts = [self._hello(talk)] if self.chance.random() < 0.5 else []
        if untold and self.chance.random() < 0.5:
            parts.append(untold.pop())
        if self.chance.random() < 0.3:
            parts.append(self._fact(talk))
        return " ".join([*parts, self._stock(talk)])

    def _quoted(self, talk: Talk) -> str:
        """Return words of the very conversation, as a reply repeats them."""
        _, text = self._one(talk.said)
        return f"“{text[: self.chance.randint(20, 80)]}”"

    def _new(self, talk: Talk) -> str:
        return self._one(self.news)

    def _hello(self, talk: Talk) -> str:
        return self._fill(talk, 0)

    def _stock(self, talk: Talk) -> str:
        return self._fill(talk, 1)

    def _fact(self, talk: Talk) -> str:
        return self._fill(talk, 2)

    def _fill(self, talk: Talk, kind: int) -> str:
        among = PHRASES[talk.language][kind].split("|")
        return self._one(among).format(name=talk.name, **talk.facts)

    def _language(self, number: int) -> str:
        return "en" if number % 2 else self._one(tuple(PHRASES))

    def _facts(self, number: int) -> dict[str, str]:
        digit = self.chance.randint
        return {
            "code": f"{digit(100, 999)}{digit(100, 998)}",
            "phone": f"+49 17{digit(0, 9)} {digit(1000000, 9999999)}",
            "amount": f"{digit(1, 9)}.{digit(100, 999)},{digit(11, 99)} EUR",
            "street": f"{digit(1, 400)} {self._one(STREETS)}",
            "mail": f"{self._one(NAMES).lower()}.{number}@mail.example",
        }

    def _one(self, among: Sequence[T]) -> T:
        return self.chance.choice(among)


def _spaced(piece: str, chance: Random) -> str:
    return " ".join(piece.replace(" ", ""))


def _split(piece: str, chance: Random) -> str:
    cut, at = [], 0
    while at < len(piece):
        step = chance.randint(3, 9)
        cut.append(piece[at : at + step])
        at += step
    return chance.choice((" | ", "\n", " - ", " … ", "_", " / ")).join(cut)


def _recased(piece: str, chance: Random) -> str:
    return chance.choice((str.upper, str.lower, str.swapcase, str.title))(piece)


def _alike(piece: str, chance: Random) -> str:
    quoted = f"«{piece}»".replace("'", "\u2019").replace('"', "\u201d")
    alike = {
        "a": "\u0430",
        "e": "\u0435",
        "o": "\u043e",
        "p": "\u0440",
        "c": "\u0441",
        "i": "\u0456",
    }
    return "".join(alike.get(c, c) if chance.random() < 0.5 else c for c in quoted)


def _dotted(piece: str, chance: Random) -> str:
    return "".join(c + (chance.choice(".,;*~") if chance.random() < 0.3 else "") for c in piece)


DISGUISES: dict[str, Callable[[str, Random], str]] = {
    "plain": lambda piece, chance: piece,
    "spaced": _spaced,
    "split": _split,
    "recased": _recased,
    "look-alikes": _alike,
    "dotted": _dotted,
    "split and recased": lambda piece, chance: _split(_recased(piece, chance), chance),
}
"""What somebody may do to a piece so that it is no longer found by its bytes."""
