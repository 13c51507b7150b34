"""`xdm-mcp audit`: every decision in a line, and whether the chain holds."""

from __future__ import annotations

import json

import apsw

from tests.cli.conftest import Home


def test_a_home_where_nothing_was_decided_says_so(home: Home) -> None:
    """No record, and an empty chain holds."""
    assert home.run("audit")[:2] == (0, "Nothing was decided yet.\n")
    assert home.run("audit", "--verify")[0] == 0


def test_each_decision_is_a_line_without_what_was_written(home: Home) -> None:
    """The verdict, the rules that spoke and numbers; never the text."""
    home.held("A secret between us.")

    code, out, _ = home.run("audit")

    assert code == 0
    assert "held" in out
    assert "confirmation:hold" in out
    assert "secret" not in out + home.run("audit", "--json")[1]
    assert "0.015 USD," in out


def test_the_newest_records_are_shown_in_their_order(home: Home) -> None:
    """`--limit` cuts off the oldest."""
    for text in ("One.", "Two.", "Three."):
        home.held(text)

    rows = json.loads(home.run("audit", "--json", "--limit", "2")[1])

    assert [row["seq"] for row in rows] == [2, 3]
    assert rows[0]["hash"] == rows[1]["before"]
    assert {row["event"] for row in rows} == {"held"}


def test_a_chain_that_holds_names_its_head(home: Home) -> None:
    """The head is what the owner may note elsewhere."""
    home.held("Hello.")
    [row] = json.loads(home.run("audit", "--json")[1])

    code, out, _ = home.run("audit", "--verify", "--json")

    assert (code, json.loads(out)) == (
        0,
        {"ok": True, "broken_at": None, "count": 1, "head": row["hash"]},
    )
    assert row["hash"] in home.run("audit", "--verify")[1]


def test_a_chain_that_was_tampered_with_is_named_broken(home: Home) -> None:
    """The exit code says so too, for scripts."""
    for text in ("One.", "Two.", "Three."):
        home.held(text)
    connection = apsw.Connection(str(home.path / "ledger.db"))
    connection.execute("UPDATE audit SET account_id = '1' WHERE seq = 2")
    connection.close()

    code, out, _ = home.run("audit", "--verify")

    assert code == 1
    assert "broken at record 2" in out
    assert json.loads(home.run("audit", "--verify", "--json")[1])["broken_at"] == 2
