"""`xdm-mcp costs`: the four services side by side, from the one table of prices."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Home
from xdm_mcp.backends.prices import PRICES
from xdm_mcp.backends.registry import BACKENDS


def test_the_services_stand_side_by_side(home: Home) -> None:
    """Every service but the sandbox, each with its sum, and what X does not permit is said."""
    code, out, _ = home.run("costs", "--sends", "100", "--reads", "1000", "--lookups", "10")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines()[2:6]}
    assert set(rows) == set(BACKENDS) - {"sandbox"}
    assert rows["x-api-v2"][1:] == ["1.500", "10.000", "0.100", "11.600"]
    assert rows["getxapi"][1:] == ["0.200", "0.080", "0.010", "0.290"]
    notes = [line for line in out.splitlines() if "X does not permit it." in line]
    assert [line.split(":")[0] for line in notes] == ["getxapi", "twitterapi-io"]


def test_the_comparison_is_stable_json(home: Home) -> None:
    """Money is a decimal string, and a risk is told or null."""
    code, out, _ = home.run("costs", "--json", "--sends", "1", "--reads", "51")
    told = json.loads(out)
    assert code == 0
    assert (told["sends"], told["reads"], told["lookups"]) == (1, 51, 0)
    by_name = {row["backend"]: row for row in told["services"]}
    assert by_name["getxapi"]["read_usd"] == "0.008"
    assert by_name["getxapi"]["risk"]
    assert by_name["x-api-v2"]["risk"] is None
    assert by_name["x-api-v2"]["total_usd"] == "0.525"


@pytest.mark.parametrize("count", ["-1", "many", "1.5", "9999999999"])
def test_what_is_no_number_of_things_is_refused(home: Home, count: str) -> None:
    """Asked wrongly: code 2."""
    code, _, err = home.run("costs", "--sends", count)
    assert code == 2
    assert "sends" in err


def test_nothing_costs_nothing() -> None:
    """And half a page of messages costs a whole one where pages are what is sold."""
    for prices in PRICES.values():
        assert prices.of(0, 0, 0).total == 0
        assert prices.of(1, 0, 0).total == prices.prices.send
    assert PRICES["getxapi"].of(0, 1, 0) == PRICES["getxapi"].of(0, 50, 0)
