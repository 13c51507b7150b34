"""The page on backends says what the code says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from xdm_mcp.backends.base import Capabilities
from xdm_mcp.backends.getxapi_errors import GETXAPI
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.backends.twitterapi_io_errors import TWITTERAPI_IO
from xdm_mcp.backends.x_api_v2_errors import TABLE, Refusal
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.models.quota import Limit, usd

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def yes(value: bool) -> str:
    """Say it in a word."""
    return "yes" if value else "no"


def told(limits: Iterable[Limit], scope: str) -> str:
    """Return the limits on a scope in words; two kinds of reads may share one."""
    spans = dict.fromkeys(span(limit) for limit in limits if limit.scope == scope)
    return ", ".join(spans) or "none told"


def span(limit: Limit) -> str:
    """Return a limit in words."""
    minutes = int(limit.per.total_seconds() // 60)
    length = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
    return f"{limit.limit:,} in {length}"


def money(micro: int) -> str:
    """Return a price in words."""
    return f"{usd(micro)} USD" if micro else "nothing"


def capabilities_of(name: str, home: Path) -> Capabilities:
    """Return what a backend can do."""
    chosen = Settings(home=home, backend=name, acknowledge_risk=(name,))
    return open_backend(chosen, SystemClock()).capabilities


def capability_rows(able: Sequence[Capabilities]) -> list[list[str]]:
    """Return a row for each thing that a backend can do, cost or allow."""
    rows: list[list[str]] = [
        ["the whole inbox", *(yes(a.inbox) for a in able)],
        ["a conversation by its id", *(yes(a.threads) for a in able)],
        ["conversations of more than two", *(yes(a.groups) for a in able)],
        ["a message by its id", *(yes(a.one_message) for a in able)],
        ["writing to a group", *(yes(a.conversations) for a in able)],
        ["new groups", *(yes(a.new_groups) for a in able)],
        ["pictures", *(yes(a.attachments) for a in able)],
        ["reading back what was sent", *(yes(a.read_back) for a in able)],
        ["deleting", *(yes(a.deletion) for a in able)],
        ["blocking", *(yes(a.blocking) for a in able)],
        ["followers", *(yes(a.followers) for a in able)],
        ["balance", *(yes(a.balance) for a in able)],
        ["who can be written to", *(a.can_dm or "not told" for a in able)],
        ["free replies for inbound messages", *(yes(a.reply_credit) for a in able)],
        ["sees", *(a.coverage.replace("_", " ") for a in able)],
        ["largest page", *(f"{a.max_page} messages" for a in able)],
        ["price of a send", *(money(a.prices.send) for a in able)],
        ["price of a message read", *(money(a.prices.read_message) for a in able)],
        ["price of a page besides", *(money(a.prices.read_page) for a in able)],
        ["price of a user looked up", *(money(a.prices.read_user) for a in able)],
    ]
    kinds = (("sends", lambda a: a.limits), ("reads", lambda a: a.reads.values()))
    for what, limits_of in kinds:
        scopes = dict.fromkeys(limit.scope for a in able for limit in limits_of(a))
        rows += [
            [f"{what}, `{scope}`", *(told(limits_of(a), scope) for a in able)] for scope in scopes
        ]
    return [*rows, ["risk", *(a.risk or "none known" for a in able)]]


def effect(refusal: Refusal) -> str:
    """Return what follows from a refusal."""
    if not refusal.proves:
        return "the send stays `unknown`"
    if refusal.halts:
        until = "for 24 hours" if refusal.halts_for else "until a person clears it"
        what = {
            "account": "all sends",
            "spending": "all spending",
            "first_contacts": "first contacts",
        }
        return f"halts {what[refusal.halts]} {until}"
    if refusal.closed_for:
        return f"the recipient counts as closed for {refusal.closed_for.days} days"
    return "wait until `retry_at`" if refusal.waits else "this send fails, nothing more"


def block(name: str) -> str:
    """Return what the page holds between the marks of that name."""
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()


def capability_table(home: Path) -> str:
    """Return the table of what every backend can do."""
    able = [capabilities_of(name, home) for name in BACKENDS]
    return table(["", *(f"`{name}`" for name in BACKENDS)], capability_rows(able))


def test_the_capability_table_is_generated(tmp_path: Path) -> None:
    """Every figure in it is the code's; `python -m tests.backends.test_docs` writes it anew."""
    assert block("capabilities") == capability_table(tmp_path)


def test_the_table_of_refusals_is_generated() -> None:
    """One row for each code, in the order of gravity."""
    refusals = list({row.refusal.code: row.refusal for row in TABLE}.values())
    rows = [[f"`{each.code}`", each.says, effect(each)] for each in refusals]
    assert block("refusals") == table(["code", "what it says", "what follows"], rows)


def vendor_table() -> str:
    """Return the refusals of the unofficial services that X does not word itself."""
    known = {row.refusal for row in TABLE}
    rows = [
        [f"`{name}`", f"`{each.code}`", each.says, effect(each)]
        for name, rows in (("getxapi", GETXAPI.table), ("twitterapi-io", TWITTERAPI_IO.table))
        for each in dict.fromkeys(row.refusal for row in rows)
        if each not in known
    ]
    return table(["backend", "code", "what it says", "what follows"], rows)


def test_the_table_of_the_unofficial_services_is_generated() -> None:
    """What they say in their own name; what they pass on of X stands in the table above it."""
    assert block("vendor refusals") == vendor_table()


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_has_its_section(name: str) -> None:
    """Under its name as the owner writes it."""
    assert f"\n## `{name}`\n" in PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    for mark, made in (
        ("capabilities", capability_table(Path.cwd())),
        ("vendor refusals", vendor_table()),
    ):
        before, _, rest = text.partition(f"<!-- {mark} -->\n")
        after = rest.partition(f"<!-- /{mark} -->")[2]
        text = f"{before}<!-- {mark} -->\n{made}\n<!-- /{mark} -->{after}"
    PAGE.write_text(text, "utf-8")
