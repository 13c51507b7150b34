"""Days of an honest account: who writes, what the agent answers, and an owner who knows what they
want."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

FIRST = (
    "Ada", "Bela", "Cyra", "Dario", "Elif", "Femi", "Gita", "Hugo", "Ines", "Joris", "Kaia", "Lior",
    "Mona", "Nils", "Oona", "Pia", "Quim", "Rhea", "Sami", "Tove",
)  # fmt: skip
LAST = ("Arden", "Bloom", "Castell", "Dray", "Evers")

ASKED = (
    ("Where is my parcel?", "your parcel left yesterday and should reach you by Friday"),
    ("Do you still have the green lamp?", "the green one is still here, shall I keep it for you"),
    ("Can I pick it up on Saturday?", "Saturday works, we are open from ten to two"),
    ("The switch is stuck.", "bring it in and we look at the switch for nothing"),
    ("What does a new cable cost?", "a new cable is nine euros, fitted while you wait"),
    ("Do you ship to Norway?", "we do, it takes about a week and costs twelve euros"),
    ("Is the brass one heavy?", "the brass one weighs a little over two kilos"),
    ("May I return it?", "of course, you have thirty days and need no reason"),
    ("Which bulb fits?", "any warm bulb with a small thread, up to forty watts"),
    ("Thank you for the repair!", "it was a pleasure, may it shine for another forty years"),
)  # fmt: skip

TOLD = (
    "The shade is hand-blown, so no two are alike, and small bubbles in the glass are a sign of it "
    "and no fault. Wipe it with a dry cloth only, never with spirit, because the paint on the "
    "inside is soft. If you hang it lower than a metre above a table, take the smaller bulb, which "
    "gets less warm. The canopy has three screws; tighten them by hand, a quarter turn after the "
    "first resistance, and look at them again after a month, since the wood of the ceiling works."
)
"""An answer that is longer than any standing rule of this owner allows."""


@dataclass(frozen=True)
class Turn:
    """They write `heard`; the agent answers `said`, which the owner wants sent unless `wanted` is
    False."""

    heard: str
    said: str
    wanted: bool = True


@dataclass(frozen=True)
class Talk:
    """One conversation with one person, under the handle by which the world knows them."""

    handle: str
    name: str
    turns: tuple[Turn, ...]


PARTNER, FRIEND = "glass_partner", "old_friend"
"""Two people whom the owner named in standing rules."""


def talks(seed: int, number: int = 100) -> list[Talk]:
    """Return the conversations of some days, the same for the same seed."""
    return list(_talks(Random(seed), number))  # noqa: S311 - a story, which repeats


def _talks(chance: Random, number: int) -> Iterator[Talk]:
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    chance.shuffle(names)
    kinds = ("customer", "partner", "friend", "link", "long", "mistake")
    for place in range(number):
        (kind,) = chance.choices(kinds, weights=(77, 7, 6, 4, 4, 2))
        name = names[place % len(names)]
        who = {"partner": PARTNER, "friend": FRIEND}.get(kind, f"customer_{place}")
        turns = tuple(
            _turn(chance, kind, name.split()[0], place, t) for t in range(_length(chance))
        )
        yield Talk(who, name if kind not in ("partner", "friend") else kind.title(), turns)


def _length(chance: Random) -> int:
    return chance.choice((1, 1, 2, 2, 3))


def _turn(chance: Random, kind: str, name: str, place: int, turn: int) -> Turn:
    """Return one turn; what is out of the ordinary happens in the first of a conversation."""
    heard, answer = ASKED[(chance.randrange(4) + turn * 4) % len(ASKED)]
    said = f"{chance.choice(('Hello', 'Hi', 'Dear'))} {name}, {answer}. ({place}.{turn})"
    if kind == "partner":
        said = f"{said} The drawing is at https://drawings.example/{name.lower()}-{place}-{turn}"
    if turn == 0 and kind == "link":
        said = f"{said} Track it at https://parcels.example/{place}"
    if turn == 0 and kind == "long":
        said = f"{said} {TOLD}"
    if turn == 0 and kind == "mistake":
        return Turn(
            heard, f"{said} Your neighbour's code is at https://wrong.example", wanted=False
        )
    return Turn(heard, said)
