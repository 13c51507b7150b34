"""Every transaction is a step with a name of its own."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from xdm_mcp.errors import OverBudget
from xdm_mcp.ledger import factors, keeping
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.watched import operation
from xdm_mcp.models.quota import Budget
from xdm_mcp.steps import Step, Steps

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def test_the_transactions_of_a_ledger_are_steps_where_it_was_opened() -> None:
    """Named after the method that asked, with what kind it was and how it ended."""
    steps, heard = Steps(), list[Step]()
    steps.subscribe(heard.append)
    with steps.heard():
        ledger = open_ledger("sqlite:///:memory:")
    await ledger.entry(1)
    await ledger.due(NOW)
    with pytest.raises(OverBudget):
        await ledger.book_read("1", 10, Budget(per_day=5), (), NOW)
    await ledger.close()
    assert [(step.kind, step.name, step.outcome) for step in heard] == [
        ("read", "entry", "ok"),
        ("read", "due", "ok"),
        ("write", "book_read", "over_budget"),
    ]


@pytest.mark.parametrize("module", [keeping, factors])
def test_every_transaction_of_the_ledger_has_a_name(module: ModuleType) -> None:
    """The work is written where it is asked for or is a function of ours: neither a partial nor a
    variable, whose name would tell nothing."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read", "write", "imagine")
    ]
    assert calls
    assert all(isinstance(c.args[0], ast.Lambda | ast.Name | ast.Attribute) for c in calls)


def test_work_from_elsewhere_has_a_name_too() -> None:
    """Whatever is run, a step is called something."""
    assert operation(lambda sql: sql) == "test_work_from_elsewhere_has_a_name_too"
    assert operation(partial(print)) == "other"
