"""The rules of random lives: what may happen to sends, and what must hold whatever happens."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.contract.ledger.desk import ME, allow_at
from tests.contract.ledger.desk import ask as wants
from tests.faults.doing import Doing, judge
from tests.faults.drawing import ENDINGS, PEERS, STAGES, STEPS, TEXTS, quotas
from tests.faults.oracle import DAY, MARGIN, PROVABLE, WAITS, crowded
from xdm_mcp.errors import BadInput
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Assurance, Outcome, SendState


class Lives(Doing, RuleBasedStateMachine):
    """Two processes over one ledger, X, people who write, a person who approves, and time."""

    @initialize(limits=quotas())
    def begin(self, limits: tuple[Limit, ...]) -> None:
        """Draw the quotas."""
        self.set_up(limits)

    # -- sends

    @rule(
        text=st.sampled_from(TEXTS),
        to=st.sampled_from(PEERS),
        key=st.sampled_from([None, None, "a", "b"]),
        holds=st.booleans(),
        pause=st.sampled_from([0, 0, 4, 30]),
        process=st.integers(0, 1),
    )
    def ask(
        self, text: str, to: str, key: str | None, holds: bool, pause: int, process: int
    ) -> None:
        """An agent wants to send something, perhaps again."""
        self.want(text, to, self.ledgers[process], key=key, holds=holds, pause=pause)

    @rule(
        to=st.sampled_from(PEERS),
        texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=9, unique=True),
        last=st.sampled_from([*STAGES, *ENDINGS]),
        pause=st.sampled_from([0, 1, 100, 940]),
        late=st.sampled_from([0, 0, 0, 5, 6, 61]),
        process=st.integers(0, 1),
    )
    def burst(
        self, to: str, texts: list[str], last: str, pause: int, late: int, process: int
    ) -> None:
        """A process sends several things one after another; the last may be late, or stop half
        way."""
        for text in texts:
            self.wait(timedelta(seconds=pause))
            known = len(self.attempts)
            self.want(text, to, self.ledgers[process])
            if len(self.attempts) == known:
                continue
            attempt, ending = self.attempts[-1], last if text == texts[-1] else "sent"
            self.wait(timedelta(seconds=late if text == texts[-1] else 0))
            if ending != "reserved":
                self.leave(attempt, attempt.ledger)
            if ending not in {"reserved", "left", "refused", "not sent", "limited", "trouble"}:
                self.reach(attempt)
            if ending not in STAGES:
                self.end(attempt, ending)

    @rule(
        peer=st.sampled_from(PEERS),
        silence=st.sampled_from([0, 60, 86_399, 86_400]),
        texts=st.permutations(TEXTS).map(lambda texts: texts[-7:]),
        last=st.sampled_from([*STAGES, *ENDINGS]),
    )
    def converse(self, peer: str, silence: int, texts: list[str], last: str) -> None:
        """Somebody writes to us, and after a silence gets many answers; then the thread is read."""
        self.write(peer, typed=False, seen=True)
        self.wait(timedelta(seconds=silence))
        self.burst(peer, texts, last, 0, 0, 0)
        self.learn(peer, self.thread[peer])

    @precondition(lambda self: any(life.state == "failed" for life in self.oracle.lives))
    @rule(data=st.data(), last=st.sampled_from(STAGES), process=st.integers(0, 1))
    def again(self, data: st.DataObject, last: str, process: int) -> None:
        """An agent tries once more what failed, and the thread is read before the answer is."""
        failed = [life for life in self.oracle.lives if life.state == "failed"]
        life = data.draw(st.sampled_from(failed))
        self.burst(life.to, [life.text], last, 1, 0, process)
        self.learn(life.to, self.thread[life.to])

    @precondition(lambda self: self.oracle.lives)
    @rule(data=st.data(), reject=st.booleans())
    def decide(self, data: st.DataObject, reject: bool) -> None:
        """A person approves or rejects something, perhaps too late."""
        waiting = [life for life in self.oracle.lives if life.state in WAITS]
        life = data.draw(st.sampled_from(waiting or self.oracle.lives))
        states = {"held", "approved"} if reject else {"held"}
        fits = life.state in states and life.ends is not None and self.now < life.ends
        entry = self.run(self.desk.ledger.entry(life.id))
        if entry is None or entry.hold is None:
            return
        hold, ledger = entry.hold, self.desk.ledger
        step = (
            ledger.reject(hold.approval_id, "owner", self.now)
            if reject
            else ledger.approve(hold.approval_id, hold.digest, Assurance.PASSKEY, "owner", self.now)
        )
        try:
            self.run(step)
        except BadInput:
            assert not fits
        else:
            assert fits
            if reject:
                life.end("rejected", self.now)
            life.state = "rejected" if reject else "approved"
            life.word = None if reject else life.ends

    @precondition(lambda self: self.oracle.lives)
    @rule(data=st.data(), stricter=st.booleans(), process=st.integers(0, 1))
    def claim(self, data: st.DataObject, stricter: bool, process: int) -> None:
        """A process wants to take up a send that may be approved."""
        waiting = [life for life in self.oracle.lives if life.state == "approved"]
        life = data.draw(st.sampled_from(waiting or self.oracle.lives))
        ledger, now = self.ledgers[process], self.now
        decided = judge(wants(Assurance.PASSKEY) if stricter else allow_at(now))
        self.oracle.sweep(now)
        done = self.run(ledger.claim(life.id, self.oracle.limits, decided, now))
        assert done.entry is not None
        assert done.repeat is (life.state != "approved")
        if done.repeat:
            return
        if self.oracle.halted or self.oracle.repeats(life.text, life.to, life.id, now):
            life.not_sent = True
            life.end("failed", now)
        elif self.oracle.full(life.to, now, now if stricter else now + MARGIN):
            life.retry_at = done.entry.retry_at
            assert life.retry_at is not None
            assert life.retry_at > now
        elif stricter:
            life.state, life.retry_at, life.word = "held", None, None
        else:
            self.take(life, done.entry, ledger, now)

    # -- attempts

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), own=st.booleans(), process=st.integers(0, 1))
    def dispatch(self, data: st.DataObject, own: bool, process: int) -> None:
        """A process lets a request leave, perhaps much too late, perhaps that of another one."""
        fresh = [each for each in self.attempts if each.life.state == "reserved"]
        attempt = data.draw(st.sampled_from(fresh or self.attempts))
        self.leave(attempt, attempt.ledger if own else self.ledgers[process])

    @precondition(lambda self: any(self.may_arrive(each) for each in self.attempts))
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """X delivers what was sent to it within its time."""
        self.reach(data.draw(st.sampled_from([a for a in self.attempts if self.may_arrive(a)])))

    @precondition(lambda self: any(self.may_settle(each) for each in self.attempts))
    @rule(data=st.data(), ending=st.sampled_from(ENDINGS))
    def settle(self, data: st.DataObject, ending: str) -> None:
        """A process tells how its attempt ended, perhaps long after others gave it up."""
        able = [each for each in self.attempts if self.may_settle(each)]
        self.end(data.draw(st.sampled_from(able)), ending)

    @precondition(lambda self: self.attempts)
    @rule(process=st.integers(0, 1), dead=st.booleans())
    def crash(self, process: int, dead: bool) -> None:
        """A process dies, or is stopped and wakes up later, and another takes its place."""
        gone = self.ledgers[process]
        self.ledgers[process] = SqlLedger(self.database)
        if dead:
            self.attempts = [each for each in self.attempts if each.ledger is not gone]

    # -- what comes back

    @precondition(lambda self: any(life.ends or life.read_at for life in self.oracle.lives))
    @rule(process=st.integers(0, 1))
    def due(self, process: int) -> None:
        """A process looks for work; what lapsed ends."""
        self.oracle.sweep(self.now)
        found = self.run(self.ledgers[process].due(self.now))
        assert {entry.id for entry in found} == {
            life.id
            for life in self.oracle.lives
            if (life.state == "approved" and (life.retry_at or self.now) <= self.now)
            or (life.state == "unknown" and life.read_at and life.read_at <= self.now)
        }

    @precondition(lambda self: any(self.thread.values()))
    @rule(peer=st.sampled_from(PEERS), hidden=st.integers(0, 2))
    def read(self, peer: str, hidden: int) -> None:
        """A conversation is read, perhaps without its newest messages."""
        self.learn(peer, self.thread[peer][: len(self.thread[peer]) - hidden])

    @precondition(lambda self: any(life.state == "unknown" for life in self.oracle.lives))
    @rule(data=st.data(), last=st.booleans(), person=st.booleans())
    def doubt(self, data: st.DataObject, last: bool, person: bool) -> None:
        """A read-back found nothing; the next is planned, or a person looks and knows."""
        unknown = [life for life in self.oracle.lives if life.state == "unknown"]
        life, now, ledger = data.draw(st.sampled_from(unknown)), self.now, self.desk.ledger
        entry = self.run(ledger.entry(life.id))
        assert entry is not None
        if not person:
            life.read_at = None if last else now + timedelta(minutes=2)
            self.run(ledger.postpone_read(entry, life.read_at, now))
            return
        state = SendState.SENT if life.delivered else SendState.FAILED
        self.run(ledger.resolve(life.id, Outcome(state, "resolved", "So."), "owner", now))
        if life.delivered:
            life.end("sent", now)
        else:
            self.oracle.refused(life, now)

    @rule(peer=st.sampled_from(PEERS), typed=st.booleans(), seen=st.booleans())
    def write(self, peer: str, typed: bool, seen: bool) -> None:
        """Somebody writes to us, or we to them in X's own app; perhaps it is read at once."""
        self.post(ME if typed else peer, peer, f"Written elsewhere, {self.serial}.")
        if seen:
            self.learn(peer, self.thread[peer])

    @precondition(lambda self: self.oracle.lives)
    @rule(
        data=st.data(),
        wait=st.sampled_from([0, 2, 100, 101, 90_000]),
        seen=st.booleans(),
        says=st.booleans(),
    )
    def type_the_same(self, data: st.DataObject, wait: int, seen: bool, says: bool) -> None:
        """The owner writes in X's own app what an agent wanted to send, and perhaps says so."""
        open_ = [life for life in self.oracle.lives if life.state in PROVABLE]
        life = data.draw(st.sampled_from(open_ or self.oracle.lives))
        self.wait(timedelta(seconds=wait))
        self.post(ME, life.to, life.text)
        self.typed.add(life.words)
        if says and life.state == "unknown" and not life.delivered:
            failed = Outcome(SendState.FAILED, "resolved", "So.")
            self.run(self.desk.ledger.resolve(life.id, failed, "owner", self.now))
            self.oracle.refused(life, self.now)
        if seen:
            self.learn(life.to, self.thread[life.to])

    @rule(
        to=st.sampled_from(PEERS),
        text=st.sampled_from(TEXTS),
        ending=st.sampled_from(["sent", "not sent", *ENDINGS]),
        process=st.integers(0, 1),
    )
    def overtake(self, to: str, text: str, ending: str, process: int) -> None:
        """The owner writes the very words of a request on its way, and that is read before its
        answer."""
        self.burst(to, [text], "left", 0, 0, process)
        flying = [each for each in self.attempts if self.is_flying(each)]
        if not flying:
            return
        attempt = flying[-1]
        life = attempt.life
        self.post(ME, life.to, life.text)
        self.typed.add(life.words)
        self.learn(life.to, self.thread[life.to])
        if ending == "sent":
            self.reach(attempt)
        self.end(attempt, ending)

    @rule(by=STEPS)
    def time(self, by: timedelta) -> None:
        """Time passes; or our clock alone steps back."""
        self.wait(by)

    @precondition(lambda self: self.oracle.halted)
    @rule()
    def clear(self) -> None:
        """A person clears the halt."""
        self.run(self.desk.ledger.clear_halt(ME, None, "owner", self.desk.now))
        self.oracle.halted = False

    # -- what must always hold

    @invariant()
    def the_ledger_says_what_the_oracle_says(self) -> None:
        """States, proofs, windows and money are those of a count on fingers."""
        oracle, ledger = self.oracle, self.desk.ledger
        rows = self.run(ledger.recent(1_000))
        assert {row.id: row.state for row in rows} == {life.id: life.state for life in oracle.lives}
        proofs = {row.id: row.receipt and row.receipt.message_id for row in rows}
        assert proofs == {life.id: life.message for life in oracle.lives}
        for window in self.run(ledger.windows(oracle.limits, self.now)):
            assert oracle.paused(self.now) or window.used == oracle.used(window.limit, self.now)
        spend = self.run(ledger.spend(ME, self.now))
        assert (spend.today, spend.total) == (oracle.spent(self.now), oracle.spent())

    @invariant()
    def nothing_goes_out_twice(self) -> None:
        """One attempt for each entry, and the same words to the same person once in a day."""
        out = [life for life in self.oracle.lives if life.delivered]
        assert all(len(life.left_at) <= 1 for life in self.oracle.lives)
        for number, one in enumerate(out):
            for other in out[number + 1 :]:
                same = (one.text, one.to) == (other.text, other.to)
                assert not same or one.misjudged or abs(one.slot - other.slot) >= DAY

    @invariant()
    def nothing_is_called_what_it_is_not(self) -> None:
        """Sent is delivered; delivered is never called failed, unless X or a person said so.

        Of one text sent twice to one person, because X called the first wrongly refused, the
        message of the one may prove the other: nobody can tell.
        """
        for life in self.oracle.lives:
            twins = [twin for twin in self.oracle.lives if twin.words == life.words]
            there = life.words in self.typed or any(twin.delivered for twin in twins)
            assert life.state != "sent" or there
            if life.delivered and not life.misjudged:
                assert life.state in {"in_flight", "unknown", "sent"}

    @invariant()
    def no_interval_holds_more_than_its_limit(self) -> None:
        """By X's own clock, over every interval there was."""
        for limit in self.oracle.limits:
            assert not crowded(self.oracle.lives, limit)

    @invariant()
    def each_message_of_ours_that_was_read_counts(self) -> None:
        """Whoever wrote it, and whatever it was taken for, it is in the day's count, by X's clock;
        ours may have stepped back."""
        day = Limit(f"{ME}/messages", 10**6, DAY, counts="messages")
        exempt = any(limit.reply_exempt for limit in self.oracle.limits)
        if exempt or all(limit.scope != day.scope for limit in self.oracle.limits):
            return
        [window] = self.run(self.desk.ledger.windows([day], self.now))
        young = sum(at > self.x_now - DAY for at in self.seen.values())
        assert window.used >= young or self.oracle.paused(self.now)

    def teardown(self) -> None:
        """Close the ledger."""
        self.tear_down()
