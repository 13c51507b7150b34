"""Words of one conversation that would go out in another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.guard.making import GROUP, HOUR, NOW, draft, facts, leak
from xdm_mcp.guard.leak import PARAGRAPH, Leak
from xdm_mcp.guard.policy import Policy
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.verdicts import Finding, Verdict
from xdm_mcp.models.verdicts import Leak as Piece


def judge(*pieces: Piece) -> Finding | None:
    """Return what the rule says of a draft that carries `pieces`."""
    return Leak().judge(draft(), facts(leaks=pieces), NOW)


def test_a_text_of_its_own_passes() -> None:
    """Without a remark."""
    assert judge() is None


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("words", "words"),
        ("code", "a code or number"),
        ("key", "a key or password"),
        ("address", "an address or telephone number"),
        ("amount", "an amount of money"),
    ],
)
def test_one_piece_is_held_and_the_sentence_says_whose_it_is(kind: str, says: str) -> None:
    """By numeric id and age; never what it is."""
    finding = judge(leak(kind, "3000"))

    assert finding is not None
    assert (finding.verdict, finding.least) == (Verdict.HOLD, Assurance.PERSON)
    wanted = f"It carries {says} of the conversation with user 3000, written 2 hours ago."
    assert finding.says == wanted


def test_two_places_are_named_and_the_rest_counted() -> None:
    """Each once, however much is carried of it."""
    others = [leak(other=str(n)) for n in (3000, 3000, 4000, 5000, 6000)]
    finding = judge(*others, leak(conversation_id=GROUP))

    assert finding is not None
    assert finding.says.count("user 3000") == 1
    assert finding.says.endswith("user 4000, written 2 hours ago and 3 more conversations.")


def test_one_place_more_is_one_conversation() -> None:
    """In the singular."""
    finding = judge(*(leak(other=str(n)) for n in (3000, 4000, 5000)))

    assert finding is not None
    assert finding.says.endswith(" and 1 more conversation.")


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (3 * HOUR, "3 hours ago"),
        (49 * HOUR, "2 days ago"),
        (-HOUR, "just now"),
    ],
)
def test_the_sentence_says_how_long_ago_it_was_written(age: timedelta, says: str) -> None:
    """In the largest unit that fits; a clock that lies makes it no older than now."""
    finding = judge(leak(wrote_at=NOW - age))

    assert finding is not None
    assert finding.says.endswith(f", written {says}.")


def test_a_group_is_named_by_its_number() -> None:
    """There is no one person to name."""
    finding = judge(leak(conversation_id=GROUP))

    assert finding is not None
    assert f"with the group {GROUP}" in finding.says


def test_a_stock_sentence_of_the_agents_own_is_said_to_everybody_and_a_paragraph_is_not() -> None:
    """What went out without a person counts from about 90 characters of one conversation on."""
    assert judge(leak("said", marks=PARAGRAPH - 1)) is None
    assert judge(leak("said", marks=PARAGRAPH // 2), leak("said", "4000", marks=9)) is None
    assert judge(leak("said", marks=PARAGRAPH)) is not None
    assert judge(leak("said", marks=1), leak("code")) is not None


def test_the_owner_says_how_sure_an_approval_must_be_and_for_how_long_messages_count() -> None:
    """Where the rule is off nothing is remembered at all."""
    rule = Leak(least="passkey", remember_days=7)
    finding = rule.judge(draft(), facts(leaks=(leak(),)), NOW)

    assert finding is not None
    assert finding.least is Assurance.PASSKEY
    assert rule.remembered == timedelta(days=7)
    assert Leak(enabled=False).remembered == timedelta()
    assert "7 days" in rule.describe()


def test_no_mode_of_confirmation_lets_it_pass() -> None:
    """Only an approval does."""
    policy = Policy.load({"confirmation": {"mode": "never"}})
    known = facts(leaks=(leak(),))

    assert policy.decide(draft(), known, NOW).verdict is Verdict.HOLD
    assert policy.decide(draft(), known, NOW, Assurance.CLIENT).verdict is Verdict.HOLD
    assert policy.decide(draft(), known, NOW, Assurance.PERSON).verdict is Verdict.ALLOW
