"""What a ledger must say, by somebody who counts on fingers: lists, no numbers, no indexes.

It is told what happened, and knows what no ledger can know: which messages X really delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.contract.ledger.desk import EPOCH
from xdm_mcp.models.quota import Limit

MARGIN = timedelta(seconds=40)
DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
TOLERANCE = MINUTE
LATE = timedelta(seconds=5)
CREDITS = 5

OUT = frozenset({"reserved", "in_flight", "sent", "unknown"})
WAITS = frozenset({"held", "approved"})
LIVE = WAITS | {"reserved", "in_flight", "unknown"}
PROVABLE = OUT | {"failed"}


@dataclass
class Charge:
    """One mark against a scope, and why it may not count: `refused`, `never left` or `credit`."""

    scope: str
    at: datetime
    excuses: set[str] = field(default_factory=set)

    def counts(self, limit: Limit) -> bool:
        """Whether it counts against a limit."""
        forgiven = {"never left"}
        if limit.counts == "messages":
            forgiven.add("refused")
        if limit.reply_exempt:
            forgiven.add("credit")
        return not self.excuses & forgiven


@dataclass
class Life:
    """One send. The truth, by X's clock, is in `left_at` and `delivered`: requests, and messages by
    their ids. `misjudged` says that X, or a person, called it failed though it was delivered."""

    id: int
    key: str
    text: str
    to: str
    state: str
    slot: datetime
    ends: datetime | None
    cost: int
    process: object = None
    first_contact: bool = False
    charges: list[Charge] = field(default_factory=list)
    paid_on: datetime | None = None
    not_sent: bool = False
    high_water: int = 0
    left: datetime | None = None
    settled: datetime | None = None
    message: str | None = None
    read_at: datetime | None = None
    retry_at: datetime | None = None
    under: list[Limit] = field(default_factory=list)
    left_at: list[datetime] = field(default_factory=list)
    delivered: dict[str, datetime] = field(default_factory=dict)
    misjudged: bool = False
    word: datetime | None = None
    """Until when a person's yes holds."""
    fence: int = 0
    """Which attempt is the present one."""
    owned: bool = True
    """Whether the present attempt's owner has still to say how it ended."""
    found: bool = False
    """Whether a message with its words is all that proves it."""
    robbed: bool = False
    """Whether the message that seemed to prove it was another send's."""

    def end(self, state: str, now: datetime) -> None:
        """Settle it."""
        self.state, self.settled, self.ends, self.read_at = state, now, None, None
        self.process, self.robbed = None, False

    def give_back(self, why: str) -> None:
        """Let its charges not count."""
        for charge in self.charges:
            charge.excuses.add(why)

    def expired(self, now: datetime) -> bool:
        """Whether the yes of a person that it needs is over."""
        return self.word is not None and self.word <= now

    def answers(self, last: int, heard: datetime) -> bool:
        """Whether X may have it later than a message of theirs."""
        if self.slot >= heard:
            return True
        return self.slot >= heard - MARGIN and (self.message is None or int(self.message) > last)

    @property
    def words(self) -> tuple[str, str]:
        """What goes to whom, as far as X lets it be told."""
        return matched(self.text), self.to

    @property
    def costs(self) -> int:
        """What it has cost."""
        return self.cost if self.paid_on is not None and not self.not_sent else 0


@dataclass
class Typed:
    """A message of ours that was not sent from here."""

    to: str
    text: str
    at: datetime
    charges: list[Charge]


@dataclass
class Oracle:
    """Every send, every charge, every message."""

    limits: Sequence[Limit]
    me: str
    lives: list[Life] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    inbound: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    external: dict[str, Typed] = field(default_factory=dict)
    blocked_until: datetime | None = None
    halted: bool = False

    # -- what follows from time

    def sweep(self, now: datetime) -> None:
        """End what lapsed."""
        for life in self.lives:
            if life.ends is None or life.ends > now:
                continue
            if life.state in WAITS:
                life.end("expired", now)
            elif life.state == "reserved":
                self.miss(life, now)
            elif life.state == "in_flight":
                life.state, life.ends, life.read_at = "unknown", None, now
                life.process = None
                life.owned = False

    def miss(self, life: Life, now: datetime) -> None:
        """Let a send miss its turn: it waits again if a person said yes, else it is over."""
        if life.word is None or life.word <= now:
            return self.withdraw(life, now)
        life.give_back("never left")
        life.charges, life.paid_on, life.process, life.fence = [], None, None, -1
        life.state, life.ends = "approved", life.word
        return None

    def withdraw(self, life: Life, now: datetime) -> None:
        """End a send of which nothing left."""
        life.give_back("never left")
        life.not_sent = True
        life.end("failed", now)

    # -- what follows from counting

    def used(self, limit: Limit, now: datetime) -> int:
        """Count what is inside a window."""
        since = now - limit.per - MARGIN
        return sum(
            charge.scope == limit.scope and charge.at > since and charge.counts(limit)
            for charge in self.charges
        )

    def charged(self, life_to: str, at: datetime) -> list[Limit]:
        """Return the limits that a send to somebody charges that X may have as late as `at`."""
        return [
            limit
            for limit in self.limits
            if (not limit.first_contacts_only or life_to not in self.inbound)
            and not (limit.reply_exempt and self.credited(life_to, at))
        ]

    def credited(self, to: str, at: datetime) -> bool:
        """Whether their last message still pays for a reply that X may have as late as `at`."""
        if to not in self.inbound:
            return False
        last, heard = self.inbound[to]
        out = sum(
            life.to == to and life.state in OUT and life.answers(last, heard) for life in self.lives
        )
        out += sum(typed.to == to and typed.at >= heard for typed in self.external.values())
        return at < heard + DAY and out < CREDITS

    def full(self, to: str, now: datetime, at: datetime) -> bool:
        """Whether a window forbids now a send that X may have as late as `at`."""
        return self.paused(now) or any(
            self.used(limit, now) >= limit.limit for limit in self.charged(to, at)
        )

    def paused(self, now: datetime) -> bool:
        """Whether X asked for a pause that is not over."""
        return self.blocked_until is not None and now < self.blocked_until

    def repeats(self, text: str, to: str, own: int | None, now: datetime) -> bool:
        """Whether the same was sent before, or what cannot be told from it is on its way, was
        rejected by a person or was typed by one."""
        others = [life for life in self.lives if life.to == to and life.id != own]
        same = any(
            life.text == text and life.state in OUT | WAITS and life.slot > now - DAY
            for life in others
        )
        typed = any(
            each.to == to and matched(each.text) == matched(text) and each.at > now - DAY
            for each in self.external.values()
        )
        return (
            same
            or typed
            or any(
                matched(life.text) == matched(text)
                and (
                    life.state in {"reserved", "in_flight", "unknown"}
                    or (life.state == "rejected" and life.slot > now - DAY)
                )
                for life in others
            )
        )

    def under(self, key: str) -> Life | None:
        """Return the send that has a key."""
        return next((life for life in self.lives if life.key == key), None)

    def spent(self, day: datetime | None = None) -> int:
        """Return the money, of one day and what is to leave later, or in all."""
        return sum(
            life.costs
            for life in self.lives
            if day is None or (life.paid_on and life.paid_on.date() >= day.date())
        )

    # -- what was done

    def take(self, life: Life, slot: datetime, now: datetime, process: object) -> None:
        """Charge a send and give it its slot."""
        life.under = self.charged(life.to, slot + MARGIN)
        stranger = life.to not in self.inbound
        concerned = {each.scope for each in self.limits if stranger or not each.first_contacts_only}
        excuses = {
            limit.scope
            for limit in self.limits
            if limit.reply_exempt and self.credited(life.to, slot + MARGIN)
        }
        for scope in sorted(concerned):
            life.charges.append(self._charge(scope, slot))
            if scope in excuses:
                life.charges[-1].excuses.add("credit")
        life.state, life.slot, life.ends, life.owned = "reserved", slot, slot + MINUTE, True
        life.paid_on, life.process, life.retry_at = slot, process, None
        life.high_water = self.newest.get(life.to, 0)
        life.first_contact = life.to not in self.inbound

    def refused(self, life: Life, now: datetime) -> None:
        """End a send that X refused."""
        life.give_back("refused")
        life.end("failed", now)

    def prove(self, life: Life, message: str, now: datetime, *, found: bool = False) -> None:
        """Settle a send by its message, whatever was believed."""
        if life.state not in PROVABLE or life.message == message:
            return
        typed = self.external.pop(message, None)
        for charge in typed.charges if typed else []:
            charge.excuses.add("never left")
        for other in self.lives:
            if other.message == message:
                other.state, other.message, other.settled = "unknown", None, None
                other.read_at, other.robbed = now, True
        if life.message is not None and not self.has_twin(life):
            self.elsewhere(life.message, life.to, life.text, time_of(life.message), now)
        for charge in life.charges if life.state == "failed" else []:
            charge.excuses -= {"refused", "never left"}
        life.end("sent", now)
        life.message, life.not_sent, life.found = message, False, found

    def read(self, message: str, to: str, text: str, at: datetime, now: datetime) -> None:
        """Learn of an own message."""
        known = {life.message for life in self.lives} | set(self.external)
        if message in known:
            return
        found = self.candidates(message, to, text, at)
        if found:
            self.prove(found[0], message, now, found=True)
            return
        self.elsewhere(message, to, text, at, now)

    def not_it(self, life: Life, now: datetime) -> None:
        """End a send of which nothing left: the message that was found is somebody else's."""
        assert life.message is not None
        if not self.has_twin(life):
            self.elsewhere(life.message, life.to, life.text, time_of(life.message), now)
        life.message, life.found = None, False
        self.withdraw(life, now)

    def has_twin(self, life: Life) -> bool:
        """Whether an open send with the same words may own the message that was taken for this
        one's, as its next reading then says."""
        return any(
            other is not life
            and other.words == life.words
            and other.message is None
            and other.state in {"in_flight", "unknown"}
            for other in self.lives
        )

    def elsewhere(self, message: str, to: str, text: str, at: datetime, now: datetime) -> None:
        """Charge an own message that is no send of ours."""
        stamp = min(at, now)
        young = stamp > now - DAY - MARGIN
        charges = [self._charge(f"{self.me}/messages", stamp)] if young else []
        self.external[message] = Typed(to, text, stamp, charges)

    def candidates(self, message: str, to: str, text: str, at: datetime) -> list[Life]:
        """Return the sends that a message may be, the likeliest first."""
        found = [
            life
            for life in self.lives
            if life.to == to
            and matched(life.text) == matched(text)
            and life.message is None
            and life.state in PROVABLE
            and int(message) > life.high_water
            and -TOLERANCE <= at - (life.left or life.slot) <= MARGIN + TOLERANCE
            and not (life.state == "failed" and (life.not_sent or _long_over(life, at)))
        ]
        return sorted(found, key=lambda life: (life.state == "failed", life.slot))

    def hear(self, message: str, peer: str, at: datetime, now: datetime) -> None:
        """Learn of a message of theirs."""
        if int(message) > self.inbound.get(peer, (0, now))[0]:
            self.inbound[peer] = (int(message), min(at, now))

    def see(self, message: str, peer: str) -> None:
        """Note the newest message of a thread."""
        self.newest[peer] = max(self.newest.get(peer, 0), int(message))

    def _charge(self, scope: str, at: datetime) -> Charge:
        stamps = [charge.at for charge in self.charges if charge.scope == scope]
        self.charges.append(Charge(scope, max([at, *stamps[-1:]])))
        return self.charges[-1]


def answers(life: Life, now: datetime) -> bool:
    """Whether a send answers for a repeat of itself."""
    if life.state in LIVE:
        return True
    if life.not_sent:
        return False
    return life.key.startswith("k:") or (
        now - life.slot < DAY and life.state in {"sent", "rejected"}
    )


def matched(text: str) -> str:
    """Return what X leaves of a text for sure: its own links stand in for all of them."""
    return " ".join("link" if word.startswith("https:") else word for word in text.split())


def crowded(lives: Iterable[Life], limit: Limit) -> bool:
    """Whether more left, or was delivered, in any interval of a limit's length than it allows."""
    judged = [life for life in lives if limit in life.under and not life.misjudged]
    if limit.counts == "attempts":
        stamps = [at for life in judged for at in life.left_at if not life.not_sent]
    else:
        stamps = [at for life in judged for at in life.delivered.values()]
    ordered = sorted(stamps)
    return any(
        later - earlier < limit.per
        for earlier, later in zip(ordered, ordered[limit.limit :], strict=False)
    )


def time_of(message: str) -> datetime:
    """Return when X took a message, by its id."""
    return datetime.fromtimestamp(((int(message) >> 22) + EPOCH) / 1000, UTC)


def _long_over(life: Life, at: datetime) -> bool:
    return life.settled is not None and at > life.settled + TOLERANCE
