"""The table of prices: what backends book, what the page says, what the pretend services bill.

`python -m tests.backends.test_prices` writes the tables into `docs/costs.md`; a test fails while
they differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from xdm_mcp.backends.prices import PRICES, Figure
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.models.quota import usd

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
WORK = ((1, 0, 0), (100, 0, 0), (0, 1_000, 0), (0, 0, 100), (100, 10_000, 100))
"""What the page compares: sends, messages read, people looked up."""


def told(figure: Figure) -> str:
    """Return a price in words."""
    return f"{usd(figure.micro)} USD a {figure.per}" if figure.micro else "nothing booked"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def price_table() -> str:
    """Return every figure with its source."""
    rows = [
        [f"`{name}`", what, told(figure), figure.source]
        for name, prices in PRICES.items()
        for what, figure in (
            ("sending", prices.send),
            ("reading", prices.read),
            ("looking up", prices.look_up),
        )
    ]
    return table(["backend", "what", "price", "source"], rows)


def comparison() -> str:
    """Return what some work costs at each service."""
    rows = [
        [
            f"{sends:,} sends, {reads:,} messages read, {lookups:,} people",
            *(f"{usd(prices.of(sends, reads, lookups).total)}" for prices in PRICES.values()),
        ]
        for sends, reads, lookups in WORK
    ]
    return table(["USD", *(f"`{name}`" for name in PRICES)], rows)


def written(page: str) -> str:
    """Return the page with its two tables made anew."""
    for name, made in (("prices", price_table()), ("comparison", comparison())):
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        after = rest.partition(f"<!-- /{name} -->")[2]
        page = f"{before}<!-- {name} -->\n{made}\n<!-- /{name} -->{after}"
    return page


def test_the_page_says_what_the_table_says() -> None:
    """Every figure of `docs/costs.md`, to the letter."""
    page = PAGE.read_text("utf-8")
    assert page == written(page)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_books_by_the_table(name: str, tmp_path: Path) -> None:
    """The sandbox as the service that it plays by default; each figure has a dated source."""
    chosen = Settings(home=tmp_path, backend=name, acknowledge_risk=(name,))
    prices = PRICES["x-api-v2" if name == "sandbox" else name]
    assert open_backend(chosen, SystemClock()).capabilities.prices == prices.prices
    for figure in (prices.send, prices.read, prices.look_up):
        assert "20" in figure.source or "not listed" in figure.source


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
