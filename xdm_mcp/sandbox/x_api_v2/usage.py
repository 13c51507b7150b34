"""The balance endpoint."""

from __future__ import annotations

from xdm_mcp.models.quota import MICRO
from xdm_mcp.sandbox.x_api_v2.calls import Call, Reply


def credits(call: Call) -> Reply:
    """GET /2/usage/credits: USD as JSON numbers; prepaid may be negative."""
    call.query(frozenset(), {})
    left = call.hold.world.balance / MICRO
    return Reply({"data": {"free_balance": 0, "prepaid_balance": left, "total_balance": left}})
