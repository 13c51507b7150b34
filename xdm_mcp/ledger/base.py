"""The contract of the ledger, in prose; every engine keeps all of it.

The ledger is the one place where two processes, two machines, a retry, a replayed protocol round
and a crash meet. What it promises:

1. **One decision, one transaction.** Each method is one short transaction, serialised against every
   other on the same ledger. The functions that a caller hands in (`judge`, `hold`, `trip`, the
   breaker) are pure and run inside it.
2. **Write-ahead.** When a method returns, what it wrote survives a power cut. If it raises, nothing
   changed.
3. **At most once.** `(account, draft key)` is unique. An entry enters `in_flight` at most once in
   its life, by compare-and-swap on its state and fence; nothing that was ever in flight is sent
   again.
4. **Exact windows.** A charge takes the next number of its scope; a window of N is free exactly
   when the N-th newest charge that counts is older than its length (+ the margin). Cost does not
   grow with history. Stamps never fall within a scope, so a clock that steps back freezes windows
   and never widens them. A limit with `first_contacts_only` has a scope of its own.
5. **Reserve, then settle.** Windows and money are charged at `reserve` or `claim`. A definite
   refusal gives back what each limit says, an attempt of which no byte left gives back everything,
   `unknown` gives back nothing. A reply credit is used up by each send, open or sent, since the
   message that granted it.
6. **Audit.** Every decision is one record of a chain of hashes, appended by the transaction that
   makes it: verdicts with the rules that spoke, approvals, claims, outcomes, acts of persons,
   halts. An append costs the same however long the chain is, and concurrent writers never fork it.
7. **Privacy.** Text of a settled entry is gone; digests and outcomes stay. Files are 0600, and a
   folder that the ledger makes is 0700.

All times are aware UTC, kept to the millisecond: `judge` and `hold` get a moment that survives
being stored. Every method may raise `LedgerUnavailable`, and then nothing was changed; or, where
the disk or the server failed at the very end, it may have been, and the caller does nothing for it.
Opening is lazy: a ledger that was only constructed has touched no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.ledger.asking import AskingLedger
from xdm_mcp.ledger.attempts import Trip
from xdm_mcp.ledger.books import Booking
from xdm_mcp.ledger.factors import FactorLedger
from xdm_mcp.ledger.judging import Judge, JudgingLedger
from xdm_mcp.ledger.kept import KeptLedger
from xdm_mcp.ledger.knowing import KnowingLedger
from xdm_mcp.ledger.marks import REMEMBERED
from xdm_mcp.ledger.polling import PollingLedger
from xdm_mcp.ledger.standing_rules import RulesLedger
from xdm_mcp.ledger.taints import TaintLedger
from xdm_mcp.models.audit import AuditRecord, AuditVerdict
from xdm_mcp.models.messages import Message
from xdm_mcp.models.people import KnownUser, User
from xdm_mcp.models.quota import Budget, Limit, ServerWindow, Spend, Window
from xdm_mcp.models.sends import Assurance, Draft, Entry, Halt, Hold, Outcome
from xdm_mcp.models.verdicts import Decision, PeerFacts

MakeHold = Callable[[Decision, datetime], Hold]
"""Makes the question for a person from the decision that holds a draft. Pure; randomness was
drawn before."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What `reserve` or `claim` did.

    `entry` is None only when the draft was denied or `mismatch` is True. `repeat` means that an
    earlier entry answers this draft and nothing new happened; `mismatch` that its key belongs to a
    send with other content. `decision` is None for a repeat or a mismatch.
    """

    entry: Entry | None
    decision: Decision | None = None
    repeat: bool = False
    mismatch: bool = False


class Ledger(
    AskingLedger,
    FactorLedger,
    JudgingLedger,
    KeptLedger,
    KnowingLedger,
    PollingLedger,
    RulesLedger,
    TaintLedger,
    Protocol,
):
    """See the module: the seven promises hold for every method."""

    @property
    def place(self) -> str:
        """Where the ledger lives, for people: a path or a URL without secrets."""
        ...

    async def close(self) -> None:
        """Let go of files and threads; later calls open again."""
        ...

    # -- the life of a send

    async def reserve(
        self,
        draft: Draft,
        limits: Sequence[Limit],
        judge: Judge,
        hold: MakeHold,
        now: datetime,
        *,
        leave: bool = False,
    ) -> Reservation:
        """Decide about a draft and write the decision down.

        An entry under the draft's key answers first: other content is a `mismatch`; an entry that
        is not settled is a `repeat` however old, and so is a sent or rejected one, and under an
        explicit key a failed or expired one. A `not_sent` entry under any key, a failed or expired
        one under a derived key, and whatever was settled under a derived key and had its slot 24 h
        ago make way for a new attempt. Otherwise `judge` decides: DENY stores nothing; HOLD stores
        a held entry with `hold`'s question; ALLOW charges windows and money and stores a reserved
        entry that may leave at its `not_before`.

        With `leave`, by which the caller says that it puts the request on the wire at once, an
        allowed send that need not wait is stored as `in_flight`: `reserve` and `dispatch` in one.
        Where `dispatch` would not let it go, or it must wait, it is stored as reserved all the
        same.
        """
        ...

    async def ask_once(self, approval_id: str, now: datetime) -> bool:
        """Note that a client is asked about a held send now, and return whether it may be.

        True once in the life of a hold, whichever process asks; False ever after, and where it is
        no longer held or expired. Raises NotFound for an unknown id.
        """
        ...

    async def approve(
        self, approval_id: str, digest: str, assurance: Assurance, by: str, now: datetime
    ) -> Entry:
        """Mark a held entry approved. The digest must be the one that was shown.

        Raises NotFound for an unknown id, BadInput for a wrong digest, an expired or no longer held
        entry, or too little assurance.
        """
        ...

    async def reject(self, approval_id: str, by: str, now: datetime) -> Entry:
        """End a held or approved entry for good. Raises NotFound or BadInput as `approve` does."""
        ...

    async def claim(
        self,
        entry_id: int,
        limits: Sequence[Limit],
        judge: Judge,
        now: datetime,
        *,
        leave: bool = False,
    ) -> Reservation:
        """Turn an approved entry into a reserved one, or with `leave`, as in `reserve`, into one
        in flight, once among all processes.

        `judge` decides again: DENY leaves the entry approved with `retry_at`, or fails it (code
        `denied`, `not_sent`) where time heals nothing; ALLOW with a slot that is not before the end
        of the approval takes nothing and leaves the entry approved, to be looked at again within a
        minute; HOLD, which means that the policy now asks for more than was given, puts it back to
        held, and so does an approval that is weaker than its hold asks for. A loser of the race
        gets the entry as it stands, as a `repeat`. Raises NotFound for an unknown id.
        """
        ...

    async def dispatch(
        self, entry: Entry, now: datetime, *, heed_opt_outs: bool = True
    ) -> Entry | None:
        """Note that the request leaves now (`reserved` to `in_flight`).

        None means that it must not: somebody else owns it, or a halt that concerns it or a wait of
        the account came, or the recipient (of a new group any member) asked us to stop and the
        owner heeds that, or its approval or the standing rule that let it pass has ended, or it is
        more than 5 seconds late for its slot. In these last cases the entry has failed (codes
        `halted`, `paused`, `opted_out`, `expired`, `rule_ended`, `late`; `not_sent`), and
        everything was given back; one that a person approved and that is only late is approved
        again.
        """
        ...

    async def settle(
        self,
        entry: Entry,
        outcome: Outcome,
        now: datetime,
        trip: Trip,
        *,
        marked_for: timedelta = REMEMBERED,
    ) -> Entry:
        """Write down how an attempt ended, with all its effects, and return the entry as it then
        stands.

        A receipt is evidence and wins over any fence, over `unknown` and even over `failed`, whose
        charges then count again. Any other outcome of an owner that lost its lease changes nothing
        of the entry; an owner whose send words proved, until another send took their message, has
        not lost it, and a definite outcome ends that send. What the outcome says of the account
        holds in any case: a remembered closed recipient, server windows, a wait until `retry_at`,
        its halt. `trip` looks at the attempts after a change. An unknown entry is read back first
        after 5 seconds. Marks of a text that was sent are kept for `marked_for`, as if it had been
        read back. Raises NotFound for an entry that never was.
        """
        ...

    async def resolve(self, entry_id: int, outcome: Outcome, by: str, now: datetime) -> Entry:
        """A person's word on an `unknown` entry: SENT or FAILED. Raises BadInput where it is not
        unknown."""
        ...

    async def postpone_read(
        self, entry: Entry, next_read_at: datetime | None, now: datetime
    ) -> Entry:
        """Count one read-back of an `unknown` entry and plan the next; None leaves it to a person.

        Where another process was faster, or the entry is no longer unknown, nothing changes.
        """
        ...

    # -- finding entries

    async def entry(self, entry_id: int) -> Entry | None:
        """Return the entry, or None."""
        ...

    async def by_approval(self, approval_id: str) -> Entry | None:
        """Return the entry of an approval id, or None."""
        ...

    async def waiting(self, account_id: str | None = None) -> tuple[Entry, ...]:
        """Return held and approved entries, oldest first, of one account or of all.

        One that has expired since the last sweep is still among them.
        """
        ...

    async def asked(self, limit: int = 20) -> tuple[Entry, ...]:
        """Return the newest entries about which a person was asked, in any state, newest first."""
        ...

    async def recent(self, limit: int = 20) -> tuple[Entry, ...]:
        """Return the newest entries in any state, newest first."""
        ...

    async def unknown(self) -> tuple[Entry, ...]:
        """Return every entry of unknown outcome, newest first, whatever was asked for since."""
        ...

    async def due(self, now: datetime) -> tuple[Entry, ...]:
        """Sweep, then return what wants work now: approved entries whose `retry_at` has come, and
        unknown ones to be read back.

        The sweep expires held and approved entries, fails reserved ones whose owner vanished
        (`not_sent`: nothing left; what a person approved is approved again until it expires) and
        turns vanished in-flight ones into `unknown` with a read-back due at once, which trips the
        breaker that the ledger was opened with. Every decision sweeps first, and knows the halt.
        """
        ...

    # -- what was read

    async def record(
        self,
        account_id: str,
        messages: Sequence[Message],
        opted_out: Callable[[str], bool],
        now: datetime,
        *,
        keep: timedelta | None = None,
        marked_for: timedelta = REMEMBERED,
    ) -> int:
        """Learn from messages read: who wrote last, who opted out, what was sent elsewhere. Return
        how many of them taught something.

        In any order, any number of times: what is known then is the same. Inbound ones set the
        peer's last word and reply credit, and `opted_out` judges their text; own ones first prove
        open entries (and refusals that were none), else charge `<account>/messages` as sends that
        we did not make, if they are younger than 24 h. Joins and leaves teach nothing. No text is
        stored, but for `keep`: then messages younger than that are kept (`KeptLedger`), by the same
        transaction. Marks of it are, for `marked_for` since it was last read.
        """
        ...

    async def remember_users(self, users: Sequence[User], now: datetime) -> None:
        """Keep what a backend told of people, by id and by handle (case-insensitive).

        What it left out stays as it was known; a handle belongs to whoever had it last.
        """
        ...

    async def known_user(self, who: str) -> KnownUser | None:
        """Return the remembered user of a numeric id (bare digits) or of a @handle, or None.

        Asked for by a handle, `checked_at` is when it was last told whose that is.
        """
        ...

    async def known_users(self, whos: Sequence[str]) -> tuple[KnownUser | None, ...]:
        """Return what `known_user` does of each, at once."""
        ...

    async def credits(self, account_id: str, now: datetime) -> tuple[PeerFacts, ...]:
        """Return the peers whose last message still grants reply credit, newest first."""
        ...

    async def clear_opt_out(self, account_id: str, user_id: str, by: str, now: datetime) -> bool:
        """Forget an opt-out; only the owner (`by`) asks for this. False where there was none.

        Reading the same words again does not bring it back; a newer message may.
        """
        ...

    # -- quota and money

    async def windows(self, limits: Sequence[Limit], now: datetime) -> tuple[Window, ...]:
        """Return how each limit stands, what headers said and waits after a 429 included."""
        ...

    async def observe(self, windows: Sequence[ServerWindow], now: datetime) -> None:
        """Keep what headers said; it lowers what remains until its reset, and never raises it."""
        ...

    async def book_read(
        self, account_id: str, cost: int, budget: Budget, limits: Sequence[Limit], now: datetime
    ) -> Booking:
        """Charge a read before it is made. Raises OverBudget or RateLimited, and then nothing is
        charged."""
        ...

    async def settle_read(self, booking: Booking, cost: int) -> None:
        """Replace the booked price of a read by what it really cost; only the first time counts."""
        ...

    async def spend(self, account_id: str, now: datetime) -> Spend:
        """Return the money booked today (UTC) and in all."""
        ...

    async def halt(self, account_id: str, halt: Halt) -> None:
        """Stop sends of an account; the same code twice is one halt, the longer and the wider."""
        ...

    async def halts(self, account_id: str, now: datetime) -> tuple[Halt, ...]:
        """Return the halts in force, oldest first."""
        ...

    async def clear_halt(self, account_id: str, code: str | None, by: str, now: datetime) -> int:
        """Clear one halt or all; return how many. Only a person (`by`) asks for this."""
        ...

    async def newest_stamp(self, account_id: str) -> datetime | None:
        """Return the newest moment that any process wrote down as its present: a request of the
        account that left, or the last decision. None before either."""
        ...

    # -- the audit chain

    async def record_act(
        self, account_id: str, event: str, what: Mapping[str, object], by: str, now: datetime
    ) -> None:
        """Append an act of a person to the audit chain; `event` is one short word of ours.

        `what` is plain JSON without floats: digests, numeric ids, short words, never the text of a
        message, a handle or a secret. Raises TypeError or ValueError for anything else. An act that
        changes the ledger is appended by the very transaction that changes it (`audit.append`).
        """
        ...

    async def audit(self, after: int = 0, limit: int = 100) -> tuple[AuditRecord, ...]:
        """Return at most `limit` records that come after the number `after`, oldest first.

        A negative `after` counts from the end: -20 is before the newest twenty.
        """
        ...

    async def verify_audit(self) -> AuditVerdict:
        """Check the whole chain, one consistent state of it, and say where it breaks."""
        ...
