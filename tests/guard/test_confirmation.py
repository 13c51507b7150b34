"""Which sends a person confirms."""

from __future__ import annotations

import pytest

from tests.guard.making import ACCOUNT, HOUR, NOW, draft, facts, peer, stranger
from xdm_mcp.guard.confirmation import Confirmation
from xdm_mcp.guard.reply_credit import ReplyCredit
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.verdicts import Facts, Verdict

SOLICITED = Confirmation(mode="solicited")


def verdict(rule: Confirmation, known: Facts) -> Verdict:
    """Return what the rule decides about an ordinary draft."""
    finding = rule.judge(draft(), known, NOW)
    assert finding is not None
    return finding.verdict


def test_by_default_a_person_confirms_every_send() -> None:
    """Solicited or not."""
    assert verdict(Confirmation(), facts()) is Verdict.HOLD


def test_under_solicited_a_reply_passes() -> None:
    """And the standing rule that lets it pass is named."""
    finding = SOLICITED.judge(draft(), facts(), NOW)

    assert finding is not None
    assert finding.verdict is Verdict.ALLOW
    assert finding.says == "The owner's standing rule lets solicited replies pass."


@pytest.mark.parametrize(
    "known",
    [
        facts(stranger()),
        facts(peer(last_inbound_at=NOW - 24 * HOUR)),
        facts(peer(own_since_inbound=5)),
        facts(peer("2"), stranger("3")),
        facts(peer(), new_group=True),
        Facts(ACCOUNT),
    ],
    ids=["stranger", "too old", "answered enough", "one of two", "new group", "nobody known"],
)
def test_under_solicited_everything_else_waits(known: Facts) -> None:
    """Whatever answers no recent message of theirs."""
    assert verdict(SOLICITED, known) is Verdict.HOLD


@pytest.mark.parametrize(("today", "expected"), [(19, Verdict.ALLOW), (20, Verdict.HOLD)])
def test_under_solicited_twenty_replies_a_day_pass(today: int, expected: Verdict) -> None:
    """The twenty-first waits for a person."""
    assert verdict(SOLICITED, facts(automatic_today=today)) is expected


def test_what_is_solicited_is_what_the_owner_says_under_reply_credit() -> None:
    """One meaning in two rules; switched off, nothing is solicited."""
    strict = SOLICITED.reading(ReplyCredit(replies=1))
    off = SOLICITED.reading(ReplyCredit(enabled=False))

    assert verdict(strict, facts(peer(own_since_inbound=0))) is Verdict.ALLOW
    assert verdict(strict, facts(peer(own_since_inbound=1))) is Verdict.HOLD
    assert verdict(off, facts()) is Verdict.HOLD
    assert verdict(SOLICITED, facts()) is Verdict.ALLOW


def test_under_never_it_asks_nobody() -> None:
    """The other rules still ask for what they guard."""
    assert verdict(Confirmation(mode="never"), facts(stranger())) is Verdict.ALLOW


def test_the_owner_sets_what_answers_it() -> None:
    """Here a passkey."""
    finding = Confirmation(least="passkey").judge(draft(), facts(), NOW)

    assert finding is not None
    assert finding.least is Assurance.PASSKEY


def test_the_owner_asks_less_of_a_plain_reply_only_by_saying_so() -> None:
    """`least_for_replies` is for solicited replies without links; without it `least` holds."""
    replies = Confirmation(least="passkey", least_for_replies="client")
    asked = {
        words: rule.judge(draft(text), facts(who), NOW)
        for words, rule, text, who in [
            ("reply", replies, "Good morning", peer()),
            ("link", replies, "See www.example.com", peer()),
            ("unsolicited", replies, "Good morning", peer(last_inbound_at=NOW - 25 * HOUR)),
            ("unsaid", Confirmation(least="passkey"), "Good morning", peer()),
        ]
    }

    assert {words: finding.least.name for words, finding in asked.items() if finding} == {
        "reply": "CLIENT",
        "link": "PASSKEY",
        "unsolicited": "PASSKEY",
        "unsaid": "PASSKEY",
    }


def test_replies_beyond_the_day_are_asked_about_like_any_plain_reply() -> None:
    """With what the owner asks of those."""
    rule = Confirmation(mode="solicited", least_for_replies="client")

    finding = rule.judge(draft(), facts(automatic_today=20), NOW)

    assert finding is not None
    assert (finding.verdict, finding.least) == (Verdict.HOLD, Assurance.CLIENT)


@pytest.mark.parametrize(("held", "crowded"), [(0, False), (4, False), (5, True), (6, True)])
def test_five_sends_may_wait_at_a_time(held: int, crowded: bool) -> None:
    """A sixth is refused, and the sentence says who can make room."""
    finding = Confirmation().crowded(facts(held=held))

    assert (finding is not None) is crowded
    if finding is not None:
        assert (finding.verdict, finding.retry_at) == (Verdict.DENY, None)
        assert finding.says == (
            f"{held} sends already wait for a person and 5 may;"
            " the owner decides about those first, with `xdm-mcp approvals`."
        )
