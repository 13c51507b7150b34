"""Conversations of an ordinary account in six languages, texts that carry one into another, and
honest replies: made anew for each seed, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Grammar = dict[str, tuple[str, ...]]


def _parts(**lines: str) -> Grammar:
    return {name: tuple(p.strip() for p in line.split("|")) for name, line in lines.items()}


LANGUAGES: dict[str, Grammar] = {
    "en": _parts(
        hello="Hi {name},|Hello {name}!|Hey {name},|Good morning {name},|Dear {name},|Hi there,",
        stock="Thank you for your message.|Let me know if that works for you.|Thanks a lot!"
        "|Sorry for the late reply.|I will get back to you as soon as I can."
        "|Please let me know what you think.|Have a great weekend!|Looking forward to hearing from you."
        "|No problem at all.|Take care and talk soon.|Does that sound good to you?",
        tell="My {kin} {proper} {did} {n} of the {thing} {where} of {proper} {when}"
        "|At {clock} {proper} comes for the {thing}, {where} {n} of {proper}"
        "|{proper} says {n} {why}, so call {proper} at {clock} {when}"
        "|The {thing} of {proper} is {state}, {proper} heard it {when} at {clock}"
        "|{proper} {did} it {when}, {why}, and {proper} paid {n}",
        kin="sister|landlord|accountant|neighbour|doctor|boss|nephew|plumber|lawyer|teacher|baker|cousin",
        did="repaired|sold|lost|painted|borrowed|returned|photographed|insured|hid|ordered|broke|found",
        thing="green lamp|kitchen table|old bicycle|wedding ring|tax form|piano|garden gate|laptop bag"
        "|blue sofa|birth certificate|medicine box|spare key|guitar|winter coat|oak door|passport",
        where="in Lisbon|behind the garage|near the harbour|at the clinic|on the second floor|in Graz"
        "|under the stairs|at my office|in the cellar|by the old mill|in Porto|next to the bakery",
        when="last Tuesday|before Easter|on Friday night|two weeks ago|tomorrow at noon|in early March"
        "|yesterday evening|after the holidays|on Monday|this afternoon",
        why="because the roof leaks|since she moves out|as the bank refused|for her surgery"
        "|so that nobody sees it|because we separated|as we agreed|for the tax office",
        state="almost finished|completely broken|still a secret|too expensive|ready to be collected"
        "|not for sale|under repair|lost for good",
        fact="The code is {code}.|My number is {phone}.|It comes to {amount}.|I live at {street}."
        "|Write to {mail}.",
    ),
    "de": _parts(
        hello="Hallo {name},|Hi {name}!|Guten Morgen {name},|Liebe {name},|Moin {name},|Guten Tag,",
        stock="Vielen Dank für deine Nachricht.|Sag einfach Bescheid, ob das passt.|Liebe Grüße!"
        "|Entschuldige die späte Antwort.|Ich melde mich, sobald ich mehr weiß.|Kein Problem."
        "|Schönes Wochenende!|Ich freue mich auf deine Antwort.|Das klingt gut.|Bis bald!",
        tell="{kin} {proper} hat {thing} von {proper} um {clock} {did}"
        "|{when} kommt {proper} um {clock} und holt {thing} bei {proper} {where}"
        "|{proper} meint, {thing} sei {state}, {proper} fragt {n} Mal {why}"
        "|{where} wartet {proper} {when} auf {proper} mit {n} Euro",
        kin="Meine Schwester|Der Vermieter|Unsere Ärztin|Mein Chef|Die Nachbarin|Der Steuerberater"
        "|Meine Tante|Der Klempner",
        did="repariert|verkauft|gestrichen|versteckt|abgeholt|versichert|verliehen|zurückgegeben",
        thing="die grüne Lampe|der Küchentisch|das alte Fahrrad|der Ehering|das Klavier|das Gartentor"
        "|die Geburtsurkunde|der Ersatzschlüssel|die Gitarre|der Wintermantel",
        where="in Leipzig|hinter der Garage|am Hafen|in der Klinik|im zweiten Stock|unter der Treppe"
        "|im Keller|neben der Bäckerei|bei der alten Mühle",
        when="am Dienstag|vor Ostern|am Freitagabend|vor zwei Wochen|morgen Mittag|Anfang März"
        "|gestern Abend|nach den Ferien",
        why="weil das Dach undicht ist|weil sie auszieht|da die Bank abgelehnt hat|wegen der Operation"
        "|damit es niemand sieht|wie wir vereinbart haben",
        state="fast fertig|völlig kaputt|noch geheim|viel zu teuer|zur Abholung bereit|unverkäuflich",
        fact="Der Code ist {code}.|Meine Nummer ist {phone}.|Es macht {amount}.|Schreib an {mail}.",
    ),
    "fr": _parts(
        hello="Bonjour {name},|Salut {name} !|Coucou {name},|Chère {name},|Bonsoir {name},",
        stock="Merci beaucoup pour ton message.|Dis-moi si cela te convient.|Désolé pour le retard."
        "|Je te réponds dès que possible.|Bon week-end !|Pas de souci.|À très bientôt !",
        tell="{kin} {proper} a {did} {n} fois {thing} de {proper} {when}"
        "|{when} à {clock}, {proper} apporte {thing} chez {proper} {where}"
        "|{proper} dit que {thing} est {state}, {proper} le sait {why}"
        "|{where}, {proper} attend {proper} à {clock} {why}",
        kin="ma sœur|le propriétaire|notre médecin|mon patron|la voisine|le comptable|mon cousin",
        did="réparé|vendu|perdu|repeint|caché|emprunté|rendu|assuré",
        thing="la lampe verte|la table de cuisine|le vieux vélo|l'alliance|le piano|la clé de secours"
        "|l'acte de naissance|la guitare|le manteau d'hiver",
        where="à Lyon|derrière le garage|près du port|à la clinique|au deuxième étage|sous l'escalier"
        "|à la cave|près de la boulangerie",
        when="mardi dernier|avant Pâques|vendredi soir|il y a deux semaines|demain midi|début mars",
        why="parce que le toit fuit|puisqu'elle déménage|car la banque a refusé|pour son opération"
        "|comme convenu|pour que personne ne le voie",
        state="presque fini|complètement cassé|encore secret|bien trop cher|prêt à être retiré",
        fact="Le code est {code}.|Mon numéro est le {phone}.|Cela fait {amount}.|Écris à {mail}.",
    ),
    "es": _parts(
        hello="Hola {name},|¡Hola {name}!|Buenos días {name},|Querida {name},|Buenas tardes,",
        stock="Muchas gracias por tu mensaje.|Dime si te viene bien.|Perdona la demora."
        "|Te contesto en cuanto pueda.|¡Buen fin de semana!|No hay problema.|Un abrazo y hasta pronto.",
        tell="{kin} {proper} ha {did} {n} veces {thing} de {proper} {when}"
        "|{when} a las {clock} {proper} lleva {thing} a casa de {proper} {where}"
        "|{proper} dice que {thing} está {state}, {proper} lo sabe {why}"
        "|{where} {proper} espera a {proper} a las {clock} {why}",
        kin="mi hermana|el casero|nuestra médica|mi jefe|la vecina|el contable|mi primo",
        did="reparado|vendido|perdido|pintado|escondido|prestado|devuelto|asegurado",
        thing="la lámpara verde|la mesa de cocina|la bicicleta vieja|el anillo de boda|el piano"
        "|la llave de repuesto|la partida de nacimiento|la guitarra|el abrigo de invierno",
        where="en Sevilla|detrás del garaje|cerca del puerto|en la clínica|en el segundo piso"
        "|debajo de la escalera|en el sótano|junto a la panadería",
        when="el martes pasado|antes de Pascua|el viernes por la noche|hace dos semanas"
        "|mañana al mediodía|a principios de marzo",
        why="porque el tejado gotea|ya que se muda|porque el banco se negó|por su operación"
        "|como acordamos|para que nadie lo vea",
        state="casi terminado|totalmente roto|todavía en secreto|demasiado caro|listo para recoger",
        fact="El código es {code}.|Mi número es {phone}.|Son {amount}.|Escribe a {mail}.",
    ),
    "ru": _parts(
        hello="Привет, {name}!|Здравствуйте, {name}!|Доброе утро, {name}!|Добрый день!",
        stock="Большое спасибо за сообщение.|Напишите, если вам удобно.|Извините за поздний ответ."
        "|Отвечу, как только смогу.|Хороших выходных!|Никаких проблем.|До скорого!",
        tell="{kin} {proper} {when} {did} {thing} для {proper} {where}"
        "|{when} в {clock} {proper} {did} {thing} у {proper}, {why}"
        "|{proper} говорит, {kin} {proper} {did} {thing} в {clock}"
        "|{where} {proper} ждёт {proper} с {n} рублями {when}",
        kin="моя сестра|хозяин квартиры|наш врач|мой начальник|соседка|бухгалтер|двоюродный брат",
        did="починит|продаст|потеряет|покрасит|спрячет|одолжит|вернёт|застрахует",
        thing="зелёную лампу|кухонный стол|старый велосипед|обручальное кольцо|пианино"
        "|запасной ключ|свидетельство о рождении|гитару|зимнее пальто",
        where="в Казани|за гаражом|возле порта|в клинике|на втором этаже|под лестницей|в подвале"
        "|рядом с пекарней",
        when="во вторник|до Пасхи|в пятницу вечером|через две недели|завтра в полдень|в начале марта",
        why="потому что крыша течёт|раз она переезжает|так как банк отказал|из-за операции"
        "|как мы договорились|чтобы никто не видел",
        state="почти готово|сломано",
        fact="Код {code}.|Мой номер {phone}.|Выходит {amount}.|Пишите на {mail}.",
    ),
    "ja": _parts(
        hello="{name}さん、こんにちは。|{name}さん、おはようございます。|こんにちは！",
        stock="メッセージありがとうございます。|ご都合がよろしければ教えてください。"
        "|返信が遅くなってすみません。|またご連絡します。|よい週末を！|問題ありません。",
        tell="{when}{clock}に{proper}の{kin}が{where}で{proper}の{thing}を{did}。"
        "|{proper}によると{thing}は{where}の{proper}にあって{kin}が{clock}に{did}。{why}",
        kin="妹|大家さん|主治医|上司|隣の人|税理士|いとこ|配管工",
        did="修理しました|売りました|なくしました|塗りました|隠しました|借りました|返しました",
        thing="緑のランプ|台所のテーブル|古い自転車|結婚指輪|ピアノ|合鍵|出生証明書|ギター",
        where="札幌|車庫の裏|港の近く|病院|二階|階段の下|地下室|パン屋の隣",
        when="先週の火曜日|連休の前|金曜の夜|二週間前|明日の昼|三月の初め",
        why="屋根が雨漏りするからです。|引っ越すからです。|銀行に断られたからです。|手術のためです。"
        "|約束したとおりです。",
        state="ほぼ完成|壊れた",
        fact="コードは{code}です。|番号は{phone}です。|{amount}になります。",
    ),
}  # fmt: skip

NAMES = (
    "Ada Bela Cyra Dario Elif Femi Gita Hugo Ines Joris Kaia Lior Mona Nils Oona Pia Quim Rhea Sami"
    " Tove Anouk Bruno Carmen Dmitri Esra Farid Greta Hanna Igor Jana Karim Lena Marek Nadia Otto"
).split()
SYLLABLES = "mar lo va kes trin do ber ga li sun ho pel ti cor ne fa ris ul dek mo sta ri".split()
KANA = "タ ナ カ マ リ ヨ ス ズ キ ワ モ ト サ ヤ ノ ム ラ ホ".split()
"""Of these the names of people and places are made that stand in one conversation only."""

STREETS = ("Elm Street", "Baker Road", "Mill Lane", "Harbour Avenue", "Rose Court")


@dataclass
class Talk:
    """One conversation: with whom, in which language, and what was written, (ours, text)."""

    user_id: str
    name: str
    grammar: Grammar
    facts: dict[str, str]
    said: list[tuple[bool, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Corpus:
    """Makes conversations and texts from one source of chance."""

    def __init__(self, seed: int, talks: int = 120) -> None:
        """Make `talks` conversations of 4 to 10 messages each."""
        self.chance = Random(seed)  # noqa: S311 - a story, which repeats
        languages = list(LANGUAGES.values())
        self.talks = [
            Talk(str(5000 + n), self._one(NAMES), languages[n % len(languages)], self._facts(n))
            for n in range(talks)
        ]
        for talk in self.talks:
            for turn in range(self.chance.randint(4, 10)):
                talk.said.append((turn % 2 == 1, self._message(talk)))

    def honest(self, length: int) -> tuple[Talk, str]:
        """Return a reply of `length` characters at most: stock phrases, news, and what its own
        conversation holds, in its words and numbers."""
        talk = self._one(self.talks)
        text = self._fill(talk, "hello")
        while len(text) < length:
            kind = self.chance.choices(("stock", "tell", "quote", "fact"), weights=(5, 4, 1, 1))[0]
            text += " " + (self._quote(talk) if kind == "quote" else self._sentence(talk, kind))
        return talk, text[:length].rstrip() if len(text) > length else text

    def carrying(self) -> tuple[Talk, str, str]:
        """Return whom to write to, a text that carries a piece of another conversation, and how the
        piece was disguised."""
        talk, other = self.chance.sample(self.talks, 2)
        if self.chance.random() < 0.15:
            piece, how = self._particular(other), "particular"
        else:
            piece = self._piece(other)
            how = self._one(tuple(DISGUISES))
            piece = DISGUISES[how](piece, self.chance)
        before, after = self._sentence(talk, "stock"), self._sentence(talk, "stock")
        return talk, f"{self._fill(talk, 'hello')} {before} {piece} {after}", how

    def _piece(self, other: Talk) -> str:
        """Return 24 to 90 characters of one thing that was told there and in no two other
        places."""
        everything = [" ".join(talk.told) for talk in self.talks]
        while True:
            told = self._one(other.told)
            length = self.chance.randint(24, 90)
            start = self.chance.randint(0, max(0, len(told) - length))
            piece = told[start : start + length].strip()
            if len(piece) >= 24 and sum(piece in text for text in everything) < 3:
                return piece

    def _particular(self, other: Talk) -> str:
        """Return a number or an address of somebody else's in another notation."""
        said = " ".join(text for _, text in other.said)
        kinds = tuple(kind for kind, what in other.facts.items() if what in said)
        if not kinds:
            return self._piece(other)
        kind = self._one(kinds)
        what = other.facts[kind]
        digits = "".join(filter(str.isdigit, what))
        spelled = {
            "code": (what, f"{digits[:3]} {digits[3:]}", f"G-{digits}"),
            "phone": (what, what.replace(" ", ""), what.replace(" ", "-")),
            "amount": (
                what,
                f"€{what.removesuffix(' EUR')}",
                what.replace(".", "").replace(",", "."),
            ),
            "street": (what, what.upper().title()),
            "mail": (what, what.upper()),
        }
        return self._one(spelled[kind])

    def _message(self, talk: Talk) -> str:
        parts = [self._fill(talk, "hello")] if self.chance.random() < 0.5 else []
        for _ in range(self.chance.randint(1, 3)):
            parts.append(self._sentence(talk, "tell"))
            talk.told.append(parts[-1])
        if self.chance.random() < 0.5:
            parts.append(self._sentence(talk, "fact"))
        if self.chance.random() < 0.7:
            parts.append(self._sentence(talk, "stock"))
        return " ".join(parts)

    def _quote(self, talk: Talk) -> str:
        """Return words of the very conversation, as a reply repeats them."""
        _, text = self._one(talk.said)
        return f"“{text[: self.chance.randint(20, 80)]}”"

    def _sentence(self, talk: Talk, kind: str) -> str:
        text = self._fill(talk, kind)
        return text if text[-1] in ".!?。！？" else f"{text[0].upper()}{text[1:]}."

    def _fill(self, talk: Talk, kind: str) -> str:
        text = self._one(talk.grammar[kind])
        while "{" in text:
            name = text[text.index("{") + 1 : text.index("}")]
            text = text.replace(f"{{{name}}}", self._word(talk, name), 1)
        return text

    def _word(self, talk: Talk, name: str) -> str:
        """Return what stands for a name in a sentence: what is the conversation's own, something
        that was never said before, or one of a few usual words."""
        own = {"name": talk.name, **talk.facts}
        if name in own:
            return own[name]
        if name == "clock":
            return f"{self.chance.randint(7, 22)}:{self.chance.randint(0, 59):02}"
        if name == "n":
            return str(self.chance.randint(2, 99))
        if name == "proper":
            signs = KANA if talk.grammar is LANGUAGES["ja"] else SYLLABLES
            parts = (self.chance.choice(signs) for _ in range(self.chance.randint(2, 4)))
            return "".join(parts).capitalize()
        return str(self._one(talk.grammar[name]))

    def _facts(self, number: int) -> dict[str, str]:
        digit = self.chance.randint
        return {
            "code": f"{digit(100000, 999998) // 100 * 100 + digit(1, 99)}",
            "phone": f"+49 17{digit(0, 9)} {digit(1000000, 9999999)}",
            "amount": f"{digit(1, 9)}.{digit(100, 999)},{digit(11, 99)} EUR",
            "street": f"{digit(1, 400)} {self._one(STREETS)}",
            "mail": f"{self._one(NAMES).lower()}.{number}@mail.example",
        }

    def _one(self, among: tuple[str, ...] | list[Talk] | list[str] | list[tuple[bool, str]]) -> Any:
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
