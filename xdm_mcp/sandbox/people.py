"""The people of the world, and who follows and blocks whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from xdm_mcp.models.people import HANDLE, USER_ID
from xdm_mcp.sandbox.snowflake import ORIGINS


@dataclass(frozen=True, slots=True)
class Person:
    """One account of the world.

    An `open_inbox` takes messages from everybody. A person with `answers` replies to the owner's
    messages in a conversation of two, with each answer in turn and then from the first again,
    `answers_after` a message. `origin` (1 to 1023, 0 for people who never answer) keeps the ids of
    those answers apart.
    """

    id: str
    handle: str
    name: str
    bio: str = ""
    protected: bool = False
    suspended: bool = False
    open_inbox: bool = False
    answers: tuple[str, ...] = ()
    answers_after: timedelta = timedelta()
    origin: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for what X would not have."""
        if not HANDLE.match(self.handle) or not USER_ID.match(self.id):
            raise ValueError(f"@{self.handle} ({self.id}) is not a possible handle and id")
        if self.answers and not 0 < self.origin < ORIGINS:
            raise ValueError(f"@{self.handle} answers and so needs an origin of 1 to {ORIGINS - 1}")


@dataclass(slots=True)
class People:
    """Everybody, and the relations between them. Pairs read (who does it, to whom)."""

    by_id: dict[str, Person] = field(default_factory=dict)
    follows: dict[tuple[str, str], None] = field(default_factory=dict)
    blocks: set[tuple[str, str]] = field(default_factory=set)
    _by_handle: dict[str, Person] = field(default_factory=dict)

    def add(self, person: Person) -> None:
        """Add `person`. Raises ValueError where the id or the handle is taken."""
        if person.id in self.by_id or person.handle.lower() in self._by_handle:
            raise ValueError(f"@{person.handle} ({person.id}) is already taken")
        self.by_id[person.id] = person
        self._by_handle[person.handle.lower()] = person

    def with_handle(self, handle: str) -> Person | None:
        """Return who is called `handle`, in any case, or None."""
        return self._by_handle.get(handle.lower())

    def find(self, who: str) -> Person | None:
        """Return who has the id `who` (bare digits) or the handle, or None; digits are a handle
        only with their @."""
        if USER_ID.match(who):
            return self.by_id.get(who)
        return self.with_handle(who.removeprefix("@"))

    def free_id(self) -> str:
        """Return an id that nobody has."""
        return str(max(map(int, self.by_id)) + 1)

    def followers(self, person_id: str) -> list[Person]:
        """Return who follows a person, the newest follower first."""
        ids = [who for who, whom in self.follows if whom == person_id]
        return [self.by_id[who] for who in reversed(ids)]

    def following(self, person_id: str) -> list[Person]:
        """Return whom a person follows, the newest first."""
        ids = [whom for who, whom in self.follows if who == person_id]
        return [self.by_id[whom] for whom in reversed(ids)]

    def blocked(self, one: str, other: str) -> bool:
        """Whether either of the two blocks the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks
