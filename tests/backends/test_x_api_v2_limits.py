"""What X's headers say of its windows is taken only where it makes sense."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.wires import ME, NOW
from xdm_mcp.backends.x_api_v2_limits import CAPABILITIES, read_windows, retry_at, send_windows

RESET = NOW + timedelta(minutes=10)
STAMP = str(int(RESET.timestamp()))


def headers(prefix: str = "x-rate-limit", **values: str) -> dict[str, str]:
    """Return the three headers of one window, with changes."""
    told = {"limit": "99", "remaining": "98", "reset": STAMP} | values
    return {f"{prefix}-{name}": value for name, value in told.items() if value}


def test_all_three_windows_of_a_send_are_told() -> None:
    """A quarter of an hour, the user's day and the app's day, each under its scope."""
    day = str(int((NOW + timedelta(hours=23)).timestamp()))
    told = {
        **headers(),
        **headers("x-user-limit-24hour", limit="1440", remaining="1", reset=day),
        **headers("x-app-limit-24hour", limit="1440", remaining="0", reset=day),
    }
    windows = send_windows(told, NOW, ME)
    assert [(w.scope, w.limit, w.remaining) for w in windows] == [
        (f"{ME}/requests", 99, 98),
        (f"{ME}/messages", 1440, 1),
        ("app/messages", 1440, 0),
    ]
    assert windows[0].resets_at == RESET


DM_READS = CAPABILITIES.reads["dm_events"].scope


def test_a_read_has_the_window_of_its_endpoint() -> None:
    """Each read is counted by itself, and the account's place stays open where it is not known."""
    (window,) = read_windows(headers(), DM_READS, NOW)
    assert window.scope == "{account}/reads/dm_events"


@pytest.mark.parametrize("prefix", ["x-user-limit-24hour", "x-app-limit-24hour"])
def test_of_several_windows_of_a_read_the_one_with_least_left_speaks(prefix: str) -> None:
    """A day's window lowers what the quarter still has, and never raises it."""
    (day,) = read_windows({**headers(), **headers(prefix, remaining="3")}, DM_READS, NOW)
    (quarter,) = read_windows(
        {**headers(remaining="2"), **headers(prefix, remaining="3")}, DM_READS, NOW
    )
    assert (day.remaining, quarter.remaining) == (3, 2)


def test_the_limit_itself_may_be_missing() -> None:
    """What remains until when is what counts."""
    (window,) = send_windows(headers(limit=""), NOW)
    assert (window.limit, window.remaining) == (98, 98)


@pytest.mark.parametrize(
    "odd",
    [
        {"remaining": ""},
        {"remaining": "-1"},
        {"remaining": "many"},
        {"remaining": "1e3"},
        {"remaining": "100"},
        {"remaining": "\u0663"},
        {"remaining": "9" * 5_000},
        {"reset": ""},
        {"reset": "0"},
        {"reset": str(int(NOW.timestamp()))},
        {"reset": str(int((NOW + timedelta(hours=2)).timestamp()))},
        {"reset": "99999999999999"},
        {"reset": "9999999999"},
    ],
)
def test_nonsense_says_nothing(odd: dict[str, str]) -> None:
    """Missing, negative, impossible and far-off values are ignored, not believed."""
    assert send_windows(headers(**odd), NOW) == ()


COUNTS = st.text(max_size=12) | st.integers(0, 99).map(str)
RESETS = st.text(max_size=12) | st.integers(-4_000, 4_000).map(
    lambda seconds: str(int((NOW + timedelta(seconds=seconds)).timestamp()))
)


@given(
    st.fixed_dictionaries(
        {}, optional={name: RESETS if name.endswith("reset") else COUNTS for name in headers()}
    )
)
@settings(deadline=None)
def test_no_header_makes_it_fail(told: dict[str, str]) -> None:
    """Whatever the headers hold, a window lies ahead and has no more left than its limit."""
    for window in send_windows(told, NOW):
        assert 0 <= window.remaining <= window.limit
        assert window.resets_at > NOW


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ({}, timedelta(minutes=15)),
        (headers(remaining="0"), timedelta(minutes=10)),
        (headers(remaining="3"), timedelta(minutes=15)),
        ({"retry-after": "60"}, timedelta(seconds=60)),
        ({**headers(remaining="0"), "retry-after": "60"}, timedelta(minutes=10)),
        ({"retry-after": "a while"}, timedelta(minutes=15)),
        ({"retry-after": "999999999"}, timedelta(minutes=15)),
    ],
)
def test_when_to_try_again(told: dict[str, str], wait: timedelta) -> None:
    """At the reset of what is exhausted or as asked, the later of them, else in 15 minutes."""
    assert retry_at(told, send_windows(told, NOW), NOW) == NOW + wait


def test_the_figures_have_sources() -> None:
    """Every price and limit names the document that it is from."""
    sources = [CAPABILITIES.prices.source, *(limit.source for limit in CAPABILITIES.limits)]
    sources += [limit.source for limit in CAPABILITIES.reads.values()]
    assert all("docs.x.com" in source and "2026" in source for source in sources)


def test_each_read_is_limited_under_its_own_name() -> None:
    """The scope of a read ends in the name by which it is looked up."""
    for name, limit in CAPABILITIES.reads.items():
        assert limit.scope == f"{{account}}/reads/{name}"
