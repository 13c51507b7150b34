"""Hours in which a person is asked first."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest
from pydantic import ValidationError

from tests.guard.making import draft, facts
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.quiet_hours import QuietHours
from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Finding, Verdict

NIGHT: dict[str, Any] = {"from": "22:00", "until": "08:00"}


def judge(hour: int, minute: int, wanted: Draft | None = None, **settings: Any) -> Finding | None:
    """Return what the rule says at a UTC time in November."""
    now = datetime(2026, 11, 22, hour, minute, tzinfo=UTC)
    finding = QuietHours.model_validate(settings).judge(wanted or draft(), facts(), now)
    assert finding is None or finding.verdict is Verdict.HOLD
    return finding


def test_there_are_no_quiet_hours_until_the_owner_sets_them() -> None:
    """Midnight is an hour like any other."""
    assert judge(0, 0) is None
    assert QuietHours().describe() == "There are no quiet hours."


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [(21, 59, False), (22, 0, True), (0, 0, True), (7, 59, True), (8, 0, False), (12, 0, False)],
)
def test_a_night_crosses_midnight(hour: int, minute: int, quiet: bool) -> None:
    """It begins at `from` and is over at `until`."""
    assert (judge(hour, minute, **NIGHT) is not None) is quiet


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"), [(12, 59, False), (13, 0, True), (14, 59, True), (15, 0, False)]
)
def test_a_siesta_lies_within_a_day(hour: int, minute: int, quiet: bool) -> None:
    """`from` before `until`."""
    siesta: dict[str, Any] = {"from": "13:00", "until": "15:00"}
    assert (judge(hour, minute, **siesta) is not None) is quiet


def test_the_hours_are_those_of_the_owners_zone() -> None:
    """22:00 in Berlin is 21:00 UTC in winter."""
    finding = judge(21, 0, timezone="Europe/Berlin", **NIGHT)

    assert finding is not None
    assert finding.says == "It is the owner's quiet time (22:00 to 08:00, Europe/Berlin)."
    assert judge(20, 59, timezone="Europe/Berlin", **NIGHT) is None


def test_daylight_saving_is_followed() -> None:
    """In July the same night begins an hour earlier in UTC."""
    rule = QuietHours.model_validate({"timezone": "Europe/Berlin", **NIGHT})
    summer = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)

    assert rule.judge(draft(), facts(), summer) is not None


@pytest.mark.parametrize("who", ["2000", "@Ann", "ann"])
def test_a_recipients_night_counts_too(who: str) -> None:
    """By id or handle; it is noon UTC and night in Auckland."""
    zones = {who: "Pacific/Auckland"}
    finding = judge(12, 0, draft(handle="Ann"), recipients=zones, **NIGHT)

    assert finding is not None
    assert finding.says.endswith("(22:00 to 08:00, Pacific/Auckland).")
    assert judge(12, 0, draft("Hi", "7"), recipients=zones, **NIGHT) is None


def test_any_member_of_a_new_group_may_be_asleep() -> None:
    """One is enough."""
    zones = {"3": "Pacific/Auckland"}
    assert judge(12, 0, draft("Hi", "2", "3"), recipients=zones, **NIGHT) is not None


def test_the_owner_sets_what_answers_it() -> None:
    """Here a form of the agent's own program."""
    finding = judge(23, 0, least="client", **NIGHT)

    assert finding is not None
    assert finding.least is Assurance.CLIENT


def test_a_local_time_of_toml_is_read_as_well() -> None:
    """`from = 22:00:00` without quotes."""
    night: dict[str, Any] = {"from": time(22), "until": time(8)}
    assert judge(23, 0, **night) is not None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"from": "22:00"}, "needs `from` and `until`"),
        ({"until": "22:00"}, "needs `from` and `until`"),
        ({"from": "22:00", "until": "22:00"}, "two different times"),
        ({"from": "25:00", "until": "08:00"}, "must be a local time"),
        ({"from": "22:00Z", "until": "08:00"}, "must be a local time"),
        ({"from": 22, "until": 8}, "must be a local time"),
        ({"timezone": "Berlin"}, "must be an IANA time zone"),
        ({"timezone": "../etc/passwd"}, "must be an IANA time zone"),
        ({"timezone": "America"}, "must be an IANA time zone"),
        ({"recipients": {"ann": "Nowhere"}}, "must be an IANA time zone"),
        ({"recipients": {"an-n": "UTC"}}, "must name people"),
    ],
)
def test_hours_that_cannot_be_are_refused(settings: dict[str, Any], says: str) -> None:
    """One end alone, the same time twice, unknown zones and people."""
    with pytest.raises(ValidationError, match=says):
        QuietHours.model_validate(settings)


@pytest.mark.parametrize(("last", "asked"), [(time(20, 59), False), (time(21), True)])
def test_what_waits_for_its_turn_is_asked_about_if_that_comes_in_quiet_hours(
    last: time, asked: bool
) -> None:
    """Nobody is woken because the send was wanted before: its turn is an hour after the last."""
    policy = Policy.load(
        {
            "confirmation": {"mode": "never"},
            "quiet_hours": NIGHT,
            "pacing": {"min_seconds": 3600, "max_seconds": 3600},
        }
    )
    now = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
    before = facts(last_send_at=datetime.combine(now, last, UTC))

    decision = policy.decide(draft(), before, now)

    assert (decision.verdict is Verdict.HOLD) is asked
    assert [rule for rule, _ in decision.reasons if rule == "quiet_hours"] == [
        "quiet_hours"
    ] * asked
