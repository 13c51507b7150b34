"""A ledger in a schema of its own: made when it is missing, and independent of every other one."""

from __future__ import annotations

from itertools import count
from urllib.parse import quote

import anyio
import psycopg
import pytest

from tests.contract.ledger.desk import Desk, draft
from tests.ledger.test_postgres import ask
from tests.postgres import server_url
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import session
from xdm_mcp.ledger.opening import open_ledger

_names = count()


def in_schema(name: str, options: str = "") -> str:
    """Return the address of a ledger in the schemas of this search path."""
    return f"{server_url()}&options={quote(f'-csearch_path={name}{options}')}"


def new_name() -> str:
    """Return a name that no schema has, and that must be quoted."""
    return f'"Team{next(_names)}"'


async def test_a_schema_that_is_missing_is_made() -> None:
    """The address is all that an account of its own needs."""
    url = in_schema(new_name())
    desk = Desk(open_ledger(url))
    await desk.reserved(draft())
    assert ask(url, "SELECT count(*) FROM entry") == [(1,)]
    assert ask(url, "SELECT to_regclass('public.entry')") == [(None,)]
    await desk.ledger.close()


async def test_the_next_schema_of_the_path_is_not_taken_for_it() -> None:
    """There may be another ledger."""
    other, name = new_name(), new_name()
    theirs = Desk(open_ledger(in_schema(other)))
    await theirs.reserved(draft())
    ours = Desk(open_ledger(in_schema(f"{name},{other}")))
    assert await ours.ledger.recent() == ()
    await ours.ledger.close()
    await theirs.ledger.close()


async def test_who_may_not_make_it_is_told_so() -> None:
    """Nothing is taken instead."""
    ask(server_url(), "CREATE ROLE guest")
    with pytest.raises(LedgerUnavailable, match="may not create it"):
        await open_ledger(in_schema(new_name(), " -crole=guest")).recent()


async def test_ledgers_in_two_schemas_do_not_wait_for_each_other() -> None:
    """One decides while another one is held in the middle of a decision."""
    held, free = (in_schema(new_name()) for _ in range(2))
    desk, other = Desk(open_ledger(free)), Desk(open_ledger(held))
    await desk.ledger.recent()
    await other.ledger.recent()
    with psycopg.connect(held, autocommit=True) as holder, anyio.fail_after(4):
        session.begin_write(holder)
        await desk.reserved(draft())
    await other.reserved(draft())
    await desk.ledger.close()
    await other.ledger.close()
