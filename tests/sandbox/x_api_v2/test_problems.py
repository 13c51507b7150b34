"""The bodies of X's refusals, each of which a fault can ask for."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, deliveries, to
from xdm_mcp.sandbox.x_api_v2.problems import Problems

PROBLEMS = Problems("https://api.x.com/2/problems/")

TOLD_APART: dict[str, tuple[int, dict[str, Any]]] = {
    "invalid_request": (400, {"type": "https://api.x.com/2/problems/invalid-request"}),
    "unauthorized": (401, {"title": "Unauthorized", "type": "about:blank"}),
    "credits_depleted": (402, {"title": "CreditsDepleted"}),
    "recipient_closed": (
        403,
        {"detail": "You do not have permission to DM one or more participants."},
    ),
    "sender_restricted": (403, {"detail": "This operation is not permitted."}),
    "unsupported_authentication": (
        403,
        {"type": "https://api.x.com/2/problems/unsupported-authentication"},
    ),
    "oauth1_permissions": (403, {"type": "https://api.x.com/2/problems/oauth1-permissions"}),
    "client_not_enrolled": (
        403,
        {
            "type": "https://api.x.com/2/problems/client-forbidden",
            "reason": "client-not-enrolled",
            "required_enrollment": "Appropriate Level of API Access",
        },
    ),
    "official_client_forbidden": (403, {"reason": "official-client-forbidden"}),
    "missing_scopes": (403, {"title": "Forbidden", "type": "about:blank", "detail": "Forbidden"}),
    "not_authorized_for_resource": (
        403,
        {"type": "https://api.x.com/2/problems/not-authorized-for-resource"},
    ),
    "not_authorized_for_field": (
        403,
        {"type": "https://api.x.com/2/problems/not-authorized-for-field"},
    ),
    "not_found": (404, {"type": "https://api.x.com/2/problems/resource-not-found"}),
    "too_many_requests": (429, {"title": "Too Many Requests", "type": "about:blank"}),
    "rate_limit_exceeded": (429, {"type": "https://api.x.com/2/problems/rate-limit-exceeded"}),
    "rate_limit_88": (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}),
    "usage_capped": (
        429,
        {
            "type": "https://api.x.com/2/problems/usage-capped",
            "period": "Daily",
            "scope": "Product",
        },
    ),
    "internal_error": (500, {"status": 500}),
    "unavailable": (503, {"status": 503}),
}


def test_every_named_error_is_told_apart() -> None:
    """The table below the names is complete."""
    assert set(TOLD_APART) == set(PROBLEMS.named)


@pytest.mark.parametrize("name", sorted(TOLD_APART))
async def test_a_fault_answers_with_a_named_error(x: httpx2.AsyncClient, name: str) -> None:
    """Status and the marks by which X's errors are recognised; nothing is done."""
    await x.post("/_sandbox/faults", json={"kind": "status", "error": name})

    answer = await x.post(to(IRIS), json={"text": "Hello."})

    status, marks = TOLD_APART[name]
    assert answer.status_code == status
    assert {key: answer.json()[key] for key in marks} == marks
    assert await deliveries(x) == []
