"""Under a status of success only X's own code or words prove that a service in between sent
nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.backends.vendors import getxapi_over, twitterapi_io_over
from tests.backends.wires import ANNA, Script, reply
from xdm_mcp.backends import twitterapi_io_errors as io
from xdm_mcp.backends.getxapi_errors import GETXAPI
from xdm_mcp.backends.twitterapi_io_errors import TWITTERAPI_IO
from xdm_mcp.backends.vendor_outcomes import Vendor
from xdm_mcp.backends.x_api_v2_errors import RECIPIENT_CLOSED, Refusal, Row
from xdm_mcp.backends.x_api_v2_problems import Problem
from xdm_mcp.models.sends import Outcome, SendState, Target

VENDORS = (GETXAPI, TWITTERAPI_IO)
ROWS = [(vendor, row) for vendor in VENDORS for row in vendor.table]
WORDS_OF_X: dict[str, Refusal] = {
    "You cannot send messages to this user.": RECIPIENT_CLOSED,
    "Could not authenticate you.": io.SESSION,
}
"""X's sentences of codes 349 and 32 (its table of v1.1 codes)."""

ANY = re.compile("")
ANYTHING = Problem(detail="whatever the service says", kind="a kind", title="a title")


async def told(backend: str, **body: object) -> Outcome:
    """Return how a send ended that was answered with this refusal under HTTP 200."""
    script = Script(reply(200, {"status": "error", **body}))
    over = getxapi_over if backend == "getxapi" else twitterapi_io_over
    return await over(script).send(Target((ANNA,)), "Hello!", None)


@pytest.mark.parametrize(("vendor", "row"), ROWS)
def test_no_row_of_any_table_takes_the_words_of_a_service_for_proof(
    vendor: Vendor, row: Row
) -> None:
    """Whatever its pattern: what it goes by are X's codes, or a sentence that is X's own."""
    lenient = replace(row, detail=None if row.detail is None else ANY)
    proof = replace(vendor, table=(lenient,)).proven([ANYTHING])
    assert proof is None or row.quoted
    for number in row.numbers:
        assert replace(vendor, table=(lenient,)).proven([Problem(number=number)]) is row.refusal
    if row.quoted:
        fitting = [says for says in WORDS_OF_X if row.fits(Problem(detail=says))]
        assert [WORDS_OF_X[says] for says in fitting] == [row.refusal]


@pytest.mark.parametrize("backend", ["getxapi", "twitterapi-io"])
@pytest.mark.parametrize(
    "says",
    [
        "Message may have been sent, but the message id is missing in X's answer",
        "Missing response from proxy",
        "Upstream answer missing",
        "Field required",
        "User not found",
        "Could not find user with ID: 7",
        "Could not resolve userId for @anna",
        "daily message request limit",
        "not verified to send message requests",
        "Too Many Requests",
        "Credits is not enough",
        "Account suspended",
        "Account locked",
        "Invalid auth_token",
    ],
)
async def test_a_sentence_of_the_service_under_success_leaves_a_send_unknown(
    backend: str, says: str
) -> None:
    """It may tell of what went wrong after X had taken the message."""
    for name in ("msg", "message", "error", "detail"):
        assert (await told(backend, **{name: says})).state is SendState.UNKNOWN


@pytest.mark.parametrize("says", WORDS_OF_X)
async def test_a_sentence_of_x_under_success_is_proof(says: str) -> None:
    """Where the service says plainly that it is a refusal."""
    outcome = await told("twitterapi-io", msg=f"Failed to send DM: {says}")
    assert (outcome.state, outcome.code) == (SendState.FAILED, WORDS_OF_X[says].code)


@pytest.mark.parametrize("body", [{"code": 108}, {"code": "108"}, {"error": {"code": 108}}])
async def test_a_number_of_the_service_is_no_code_of_x(body: dict[str, object]) -> None:
    """X's own stands in its list of errors, which the service quotes."""
    assert (await told("twitterapi-io", msg="no", **body)).state is SendState.UNKNOWN
    quoted = await told("twitterapi-io", msg="no", errors=[{"code": 108}])
    assert (quoted.state, quoted.code) == (SendState.FAILED, "bad_recipient")


@pytest.mark.parametrize("nothing", [0, "0", "000", "", None, False, -1])
async def test_a_success_whose_id_is_nothing_proves_no_message(nothing: object) -> None:
    """Zero is what a service writes where it has no id."""
    for over, body in (
        (getxapi_over, {"data": {"id": nothing}}),
        (getxapi_over, {"id": nothing}),
        (twitterapi_io_over, {"message_id": nothing}),
    ):
        script = Script(reply(200, {"status": "success", **body}))
        outcome = await over(script).send(Target((ANNA,)), "Hello!", None)
        assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_receipt")
