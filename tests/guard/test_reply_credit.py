"""What a message of theirs makes welcome, and what free of charge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.guard.making import HOUR, NOW, SECOND, draft, facts, peer, stranger
from xdm_mcp.guard.reply_credit import ReplyCredit
from xdm_mcp.models.verdicts import Verdict

DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("ago", "own", "expected"),
    [
        (timedelta(), 0, True),
        (DAY - SECOND, 0, True),
        (DAY, 0, False),
        (HOUR, 4, True),
        (HOUR, 5, False),
        (HOUR, 6, False),
    ],
)
def test_five_replies_within_a_day_are_solicited(ago: timedelta, own: int, expected: bool) -> None:
    """The day is half open, and the sixth message is not solicited."""
    assert (
        ReplyCredit().solicits(peer(last_inbound_at=NOW - ago, own_since_inbound=own), NOW)
        is expected
    )


def test_nothing_to_a_stranger_is_solicited() -> None:
    """Who never wrote asked for nothing."""
    assert not ReplyCredit().solicits(stranger(), NOW)


def test_the_owner_may_shorten_both_bounds() -> None:
    """One automated message for each of theirs, say."""
    strict = ReplyCredit(hours=1, replies=1)

    assert strict.solicits(peer(last_inbound_at=NOW - HOUR + SECOND), NOW)
    assert not strict.solicits(peer(last_inbound_at=NOW - HOUR), NOW)
    assert not strict.solicits(peer(own_since_inbound=1), NOW)


def test_nothing_is_solicited_where_the_rule_is_off() -> None:
    """So `confirmation` asks for every send."""
    assert not ReplyCredit(enabled=False).solicits(peer(), NOW)


def test_a_solicited_reply_is_remarked_with_what_is_left() -> None:
    """An ALLOW that changes nothing."""
    finding = ReplyCredit().judge(draft(), facts(peer(own_since_inbound=2)), NOW)

    assert finding is not None
    assert finding.verdict is Verdict.ALLOW
    assert finding.says == ("This is a reply: it answers their message, with 3 of 5 replies left.")


def test_a_credited_reply_is_remarked_as_free_of_the_day() -> None:
    """Credit of the backend and the solicited signal are two things."""
    credited = peer(credits_left=1, own_since_inbound=5)
    finding = ReplyCredit().judge(draft(), facts(credited), NOW)

    assert finding is not None
    assert finding.says == "This is a reply: it does not charge the day's window."


def test_other_sends_are_not_remarked() -> None:
    """Strangers, groups of several people and new groups answer nobody."""
    rule = ReplyCredit()

    assert rule.judge(draft(), facts(stranger()), NOW) is None
    assert rule.judge(draft(), facts(peer("2"), peer("3")), NOW) is None
    assert rule.judge(draft(), facts(peer(), new_group=True), NOW) is None
