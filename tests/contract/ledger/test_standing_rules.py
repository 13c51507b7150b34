"""Standing rules in the ledger: made once, counted where sends are reserved, ended at once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.ledger import crowd
from tests.contract.ledger.conftest import SHARED, fresh
from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    MARGIN,
    ME,
    MESSAGES,
    NOT_SENT,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    allow_at,
    draft,
    own,
    sent,
    snowflake,
)
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.ledger.judging import Judge
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.sends import Assurance, Entry, SendState, Target
from xdm_mcp.models.standing_rules import RULES_AT_MOST, RuleUse, StandingRule, Terms
from xdm_mcp.models.verdicts import Decision, Verdict

WEEK = timedelta(days=7)


def terms(user_id: str | None = ANNA, **more: Any) -> Terms:
    """Return the terms of an ordinary rule, in force for a week."""
    return Terms(**({"user_id": user_id, "until": START + WEEK} | more))


async def made(desk: Desk, said: Terms | None = None) -> StandingRule:
    """Have the owner make a rule."""
    said = said or terms()
    return await desk.ledger.add_standing_rule(ME, said, Assurance.PERSON, "owner", desk.now)


async def withdrawn(desk: Desk, rule: StandingRule) -> StandingRule:
    """Have the owner withdraw a rule."""
    return await desk.ledger.withdraw_standing_rule(ME, rule.id, "owner", desk.now)


def by(rule: StandingRule) -> Judge:
    """Return a judge that lets everything pass by a standing rule."""
    return lambda facts, now: Decision(Verdict.ALLOW, (), standing_rule=rule.id)


async def passed(desk: Desk, rule: StandingRule, text: str = "On its way.") -> Entry:
    """Return the entry of a send that a rule let pass."""
    entry = (await desk.reserve(draft(text), by(rule))).entry
    assert entry is not None
    return entry


async def used(desk: Desk) -> list[int]:
    """Return what each rule in force let pass in 24 hours."""
    return [use.used for use in await desk.ledger.standing_rules(ME, desk.now)]


async def test_a_rule_comes_back_as_it_was_made(desk: Desk) -> None:
    """With who made it, how surely and when."""
    said = terms(
        per_day=7, max_length=140, solicited=False, links=True, quiet_hours=True, first_contact=True
    )

    rule = await made(desk, said)

    assert rule.id.isdigit()
    assert (rule.account_id, rule.terms, rule.assurance) == (ME, said, Assurance.PERSON)
    assert (rule.made_by, rule.made_at, rule.withdrawn_at) == ("owner", desk.now, None)
    assert await desk.ledger.standing_rules(ME, desk.now) == (RuleUse(rule, 0),)


async def test_a_rule_belongs_to_one_account(desk: Desk) -> None:
    """Another account neither sees nor withdraws it."""
    rule = await made(desk)

    assert await desk.ledger.standing_rules("200", desk.now) == ()
    with pytest.raises(NotFound):
        await desk.ledger.withdraw_standing_rule("200", rule.id, "owner", desk.now)
    assert await used(desk) == [0]


@pytest.mark.parametrize("assurance", [Assurance.STANDING_RULE, Assurance.CLIENT])
async def test_less_than_a_person_makes_no_rule(desk: Desk, assurance: Assurance) -> None:
    """Neither a client's dialog nor another rule."""
    with pytest.raises(BadInput, match="person"):
        await desk.ledger.add_standing_rule(ME, terms(), assurance, "client", desk.now)

    assert await used(desk) == []


@pytest.mark.parametrize("said", [terms(None, links=True), terms(until=START)])
async def test_terms_that_cannot_be_make_no_rule(desk: Desk, said: Terms) -> None:
    """One sentence says why, as `Terms.fault` has it."""
    with pytest.raises(BadInput) as refused:
        await made(desk, said)

    assert str(refused.value) == said.fault(desk.now)
    assert await used(desk) == []


async def test_few_rules_hold_at_a_time(desk: Desk) -> None:
    """As many as can be looked over; one withdrawn makes room."""
    rules = [await made(desk) for _ in range(RULES_AT_MOST)]

    with pytest.raises(BadInput, match="withdraw one"):
        await made(desk)

    await withdrawn(desk, rules[0])
    assert (await made(desk)).id


async def test_a_rule_ends_at_its_time(desk: Desk) -> None:
    """Its last instant is the one before `until`."""
    await made(desk, terms(until=START + WEEK))

    desk.later(days=7, milliseconds=-1)
    assert await used(desk) == [0]
    desk.later(milliseconds=1)
    assert await used(desk) == []


async def test_a_withdrawn_rule_holds_no_longer_and_says_who_ended_it(desk: Desk) -> None:
    """Once; a second time there is nothing to withdraw."""
    rule = await made(desk)
    desk.later(minutes=1)

    gone = await withdrawn(desk, rule)

    assert (gone.withdrawn_by, gone.withdrawn_at) == ("owner", desk.now)
    assert await used(desk) == []
    with pytest.raises(NotFound):
        await withdrawn(desk, rule)


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1; DROP TABLE entry", "9" * 40, "٣"])
async def test_what_is_no_rule_cannot_be_withdrawn(desk: Desk, wrong: str) -> None:
    """Whatever somebody writes."""
    await made(desk)

    with pytest.raises(NotFound):
        await desk.ledger.withdraw_standing_rule(ME, wrong, "owner", desk.now)


async def test_the_guard_is_told_of_the_rules_that_may_concern_a_recipient(desk: Desk) -> None:
    """Their own, and those for anybody; never those for somebody else, and none for groups."""
    own, anybody = await made(desk), await made(desk, terms(None))
    await made(desk, terms(BEN))
    gone = await made(desk)
    await withdrawn(desk, gone)

    facts = await desk.facts(draft())
    assert [use.rule.id for use in facts.standing_rules] == [own.id, anybody.id]
    for target in (Target(conversation_id="5"), Target((ANNA, BEN))):
        assert (await desk.facts(draft(target=target))).standing_rules == ()


async def test_a_send_remembers_the_rule_that_let_it_pass(desk: Desk) -> None:
    """To its end; a send without a rule names none."""
    rule = await made(desk)
    flying = await desk.ledger.dispatch(await passed(desk, rule), desk.now)
    assert flying is not None

    await desk.settle(flying, NOT_SENT)

    entry = await desk.ledger.entry(flying.id)
    assert entry is not None
    assert (entry.state, entry.standing_rule) == (SendState.FAILED, rule.id)
    assert (await desk.reserved(draft("Another"))).standing_rule is None


async def test_a_claim_that_passes_by_a_rule_counts_for_it_too(desk: Desk) -> None:
    """Where the policy came to ask for more than was given, and a rule covers it meanwhile."""
    rule = await made(desk)

    claimed = (await desk.claim(await desk.approved(draft()), by(rule))).entry

    assert claimed is not None
    assert (claimed.state, claimed.standing_rule) == (SendState.RESERVED, rule.id)
    assert await used(desk) == [1]


async def test_a_rule_counts_what_it_let_pass_in_any_24_hours(desk: Desk) -> None:
    """From the moment that the send was for, to the millisecond, and for the margin of all windows
    longer."""
    rule = await made(desk)
    for text in ("One", "Two"):
        flying = await desk.ledger.dispatch(await passed(desk, rule, text), desk.now)
        assert flying is not None
        await desk.settle(flying, sent(snowflake(desk.now)))
        desk.later(hours=1)
    assert await used(desk) == [2]

    desk.now += MARGIN
    desk.later(hours=22, milliseconds=-1)
    assert await used(desk) == [2]
    desk.later(milliseconds=1)
    assert await used(desk) == [1]


async def left(desk: Desk, rule: StandingRule, text: str) -> Entry:
    """Return a send that a rule let pass and that X accepted at once."""
    flying = await desk.ledger.dispatch(await passed(desk, rule, text), desk.now)
    assert flying is not None
    return await desk.settle(flying, sent(snowflake(desk.now, serial=flying.id)))


@pytest.mark.parametrize("first", ["by the rule", "by a person", "refused"])
async def test_a_clock_that_goes_back_and_forth_widens_no_day_of_a_rule(
    desk: Desk, first: str
) -> None:
    """What leaves while the clock is an hour behind counts as if it had left with the newest before
    it, whoever let that pass; while it is behind, what is later counts as well."""
    rule = await made(desk)
    if first == "by the rule":
        await left(desk, rule, "One")
    else:
        await desk.send(draft("One"), REFUSED if first == "refused" else None)
    before = 1 if first == "by the rule" else 0

    desk.later(hours=-1)
    assert await used(desk) == [before]
    second = await left(desk, rule, "Two")
    assert await used(desk) == [before + 1]

    assert second.dispatched_at == START - timedelta(hours=1)
    desk.now = START + timedelta(hours=24, milliseconds=-1) + MARGIN
    assert await used(desk) == [before + 1]
    desk.later(milliseconds=1)
    assert await used(desk) == [0]


async def test_a_send_that_never_left_moves_no_count_of_a_rule(desk: Desk) -> None:
    """Its slot was an hour ahead, and nothing came of it."""
    rule = await made(desk)
    ahead = (await desk.reserve(draft("One"), allow_at(START + timedelta(hours=1)))).entry
    assert ahead is not None
    await desk.settle(ahead, NOT_SENT)

    await left(desk, rule, "Two")

    desk.now = START + timedelta(hours=24) + MARGIN
    assert await used(desk) == [0]


@pytest.mark.parametrize(("late", "leaves"), [(5.0, True), (5.001, False)])
async def test_a_clock_that_went_back_leaves_a_send_no_longer_to_leave(
    desk: Desk, late: float, leaves: bool
) -> None:
    """The moment by which its rule counts it is not its slot."""
    rule = await made(desk)
    await left(desk, rule, "One")
    desk.later(hours=-1)
    entry = await passed(desk, rule, "Two")
    assert entry.not_before == desk.now
    desk.later(seconds=late)

    assert (await desk.ledger.dispatch(entry, desk.now) is not None) is leaves


async def test_words_prove_a_send_of_a_rule_though_the_clock_went_back(desk: Desk) -> None:
    """The owner typed them in its place, at its slot."""
    rule = await made(desk)
    await left(desk, rule, "One")
    desk.later(hours=-1)
    entry = await passed(desk, rule, "Two")

    await desk.record(own(desk.later(seconds=2), "Two"))

    stands = await desk.ledger.entry(entry.id)
    assert stands is not None
    assert stands.state is SendState.SENT


@pytest.mark.parametrize(
    ("ends", "counted"), [("sent", 1), ("unknown", 1), ("refused", 0), ("not sent", 0)]
)
async def test_only_what_went_out_or_may_have_counts(desk: Desk, ends: str, counted: int) -> None:
    """What X refused, and what never left, is given back."""
    outcomes = {
        "sent": sent(snowflake(desk.now)),
        "unknown": UNKNOWN,
        "refused": REFUSED,
        "not sent": NOT_SENT,
    }
    rule = await made(desk)
    flying = await desk.ledger.dispatch(await passed(desk, rule), desk.now)
    assert flying is not None

    await desk.settle(flying, outcomes[ends])

    assert await used(desk) == [counted]
    desk.now += MARGIN
    desk.later(hours=24, milliseconds=-1)
    assert await used(desk) == [counted]
    desk.later(milliseconds=1)
    assert await used(desk) == [0]


@pytest.mark.parametrize("end", ["withdrawn", "over"])
async def test_a_send_that_has_not_left_dies_with_its_rule(desk: Desk, end: str) -> None:
    """Reserved, then the owner thinks better of it: nothing leaves, everything is given back."""
    rule = await made(desk, terms(until=START + timedelta(seconds=3)))
    entry = await passed(desk, rule)
    desk.later(seconds=1 if end == "withdrawn" else 3)
    if end == "withdrawn":
        await withdrawn(desk, rule)

    assert await desk.ledger.dispatch(entry, desk.now) is None

    dead = await desk.ledger.entry(entry.id)
    assert dead is not None
    assert (dead.state, dead.code, dead.text) == (SendState.FAILED, "rule_ended", None)
    assert await desk.used(MESSAGES) == 0
    assert not (await desk.reserve(draft("On its way."))).repeat


async def test_a_send_that_left_is_not_called_back(desk: Desk) -> None:
    """What is in flight ends as it ends."""
    rule = await made(desk)
    flying = await desk.ledger.dispatch(await passed(desk, rule), desk.now)
    assert flying is not None

    await withdrawn(desk, rule)

    assert (await desk.settle(flying, UNKNOWN)).state is SendState.UNKNOWN


async def test_making_and_withdrawing_are_in_the_audit(desk: Desk) -> None:
    """What was allowed, by whom, how surely; and the send that it let pass names it."""
    rule = await made(desk)
    await passed(desk, rule)
    await withdrawn(desk, rule)

    records = await desk.ledger.audit()
    assert [record.event for record in records] == [
        "standing_rule_made",
        "reserved",
        "standing_rule_withdrawn",
    ]
    first, second, third = (json.loads(record.what) for record in records)
    assert (first["by"], first["rule"], first["user"]) == ("owner", rule.id, ANNA)
    assert (first["assurance"], first["per_day"], first["links"]) == ("person", 5, False)
    assert second["standing_rule"] == rule.id
    assert third == {"by": "owner", "rule": rule.id}
    assert (await desk.ledger.verify_audit()).broken_at is None


async def test_a_refused_rule_leaves_no_trace(desk: Desk) -> None:
    """Neither a row nor a record."""
    with pytest.raises(BadInput):
        await made(desk, terms(per_day=0))

    assert await desk.ledger.audit() == ()


@pytest.mark.parametrize("engine", SHARED)
async def test_eight_processes_together_exceed_neither_a_rule_nor_the_queue(
    engine: str, tmp_path: Path
) -> None:
    """As many pass as the rule allows in a day, as many wait as may wait, and the rest is refused:
    both are counted by the transaction that decides."""
    url = fresh(engine, tmp_path)
    rule_id = await crowd.prepare(url)

    ends = crowd.together(url)

    asked = crowd.PROCESSES * crowd.ATTEMPTS
    assert ends["anna reserved"] == crowd.PER_DAY
    assert ends["anna held"] + ends["ben held"] == 5
    assert ends["ben reserved"] == 0
    assert sum(ends.values()) == 2 * asked
    ledger = open_ledger(url)
    [use] = await ledger.standing_rules(ME, START)
    await ledger.close()
    assert (use.rule.id, use.used) == (rule_id, crowd.PER_DAY)
