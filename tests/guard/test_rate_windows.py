"""Rolling windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.making import ACCOUNT, HOUR, NOW, draft, facts, peer, window
from xdm_mcp.guard.rate_windows import DAY, QUARTER, RateWindows
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.verdicts import Facts, Finding, Verdict

REQUESTS = "{account}/requests"
MESSAGES = "{account}/messages"


def judge(known: Facts) -> Finding | None:
    """Return what the rule says of an ordinary draft."""
    finding = RateWindows().judge(draft(), known, NOW)
    assert finding is None or finding.verdict is Verdict.DENY
    return finding


def limits(*backend: Limit, **settings: Any) -> dict[str, Limit]:
    """Return the merged limits by name."""
    return {lim.name: lim for lim in RateWindows(**settings).limits(ACCOUNT, backend)}


def test_the_defaults_are_15_requests_in_15_minutes_and_500_messages_a_day() -> None:
    """Both count attempts, so a refusal gives nothing back."""
    assert RateWindows().limits(ACCOUNT, ()) == (
        Limit("1000/requests", 15, timedelta(minutes=15), counts="attempts"),
        Limit("1000/messages", 500, timedelta(hours=24), counts="attempts"),
    )


def test_of_the_same_scope_and_length_the_smaller_limit_wins_either_way() -> None:
    """And it says whose it is."""
    merged = limits(
        Limit(REQUESTS, 10, QUARTER, source="docs"), Limit(MESSAGES, 1_440, DAY, source="docs")
    )

    assert (merged["requests/15m"].limit, merged["requests/15m"].source) == (10, "docs")
    assert (merged["messages/24h"].limit, merged["messages/24h"].source) == (500, "policy")


def test_limits_of_another_scope_or_length_stand_beside_the_owners() -> None:
    """Nothing of the backend is lost; the scope of the app is not the account's."""
    app = Limit("app/messages", 1_440, DAY)
    daily = Limit(REQUESTS, 1_440, DAY)

    assert RateWindows().limits(ACCOUNT, (app, daily))[2:] == (app, daily.of(ACCOUNT))


def test_a_merged_window_gives_back_the_less_of_both_and_keeps_a_granted_exemption() -> None:
    """The owner's window cannot know what a backend grants to replies."""
    merged = limits(Limit(MESSAGES, 1_000, DAY, counts="messages", reply_exempt=True))

    assert merged["messages/24h"] == Limit(
        "1000/messages", 500, DAY, counts="attempts", reply_exempt=True
    )


@given(
    owner=st.integers(1, 1_000),
    backend=st.lists(st.integers(1, 2_000), max_size=4),
)
def test_merging_never_allows_more_than_anybody_does(owner: int, backend: list[int]) -> None:
    """The merged limit is the least of all, in whatever order they come."""
    merged = limits(*(Limit(MESSAGES, n, DAY) for n in backend), per_day=owner)

    assert merged["messages/24h"].limit == min([owner, *backend])


def test_a_window_with_room_says_nothing() -> None:
    """One left is enough."""
    assert judge(facts(windows=(window(remaining=1),))) is None


def test_a_full_window_refuses_until_it_has_room() -> None:
    """The sentence names the window."""
    finding = judge(facts(windows=(window(per=timedelta(minutes=15)),)))

    assert finding is not None
    assert finding.says == "The limit of 5 messages in 15 minutes is reached."
    assert finding.retry_at == NOW + HOUR


def test_the_window_of_the_whole_app_is_told_from_the_accounts() -> None:
    """It may be full though the account sent nothing."""
    finding = judge(facts(windows=(window("app/messages"),)))

    assert finding is not None
    assert finding.says == "The limit of 5 messages of the whole app in 24 hours is reached."


def test_of_several_full_windows_the_last_to_have_room_counts() -> None:
    """One that cannot say when outlasts the others."""
    soon, late = window(free_in=HOUR), window("1000/requests", free_in=2 * HOUR)
    never = window("app/messages", free_in=None)

    both, all_three = judge(facts(windows=(late, soon))), judge(facts(windows=(soon, never, late)))

    assert both is not None
    assert all_three is not None
    assert (both.says, both.retry_at) == (
        "The limit of 5 requests in 24 hours is reached.",
        NOW + 2 * HOUR,
    )
    assert all_three.retry_at is None
    assert judge(facts(windows=(soon, late))) == both


def test_the_window_of_first_contacts_is_judged_elsewhere() -> None:
    """It belongs to the rule `first_contact`."""
    assert judge(facts(windows=(window(first_contacts_only=True),))) is None


@pytest.mark.parametrize(("credits", "refused"), [(0, True), (1, False)])
def test_an_exhausted_day_does_not_block_a_reply_that_does_not_charge_it(
    credits: int, refused: bool
) -> None:
    """Only where the limit exempts replies and their message still grants credit."""
    exempt = window(reply_exempt=True)

    assert (judge(facts(peer(credits_left=credits), windows=(exempt,))) is not None) is refused
    assert judge(facts(peer(credits_left=credits), windows=(window(),))) is not None


def test_credit_of_one_recipient_exempts_no_group() -> None:
    """A send to several is never a credited reply."""
    two = facts(peer("2", credits_left=5), peer("3", credits_left=5))

    assert judge(facts(*two.peers, windows=(window(reply_exempt=True),))) is not None
