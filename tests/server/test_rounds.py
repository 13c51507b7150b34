"""Replays on the wire: whatever comes back how often, bent or late, at most one message leaves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
)

from tests.rigs import IRIS, START, Rig, rig
from xdm_mcp.clock import ManualClock
from xdm_mcp.models.sends import Assurance
from xdm_mcp.server.build import build_server
from xdm_mcp.server.rounds import DIALOG, caller

THEO = "1500000012"
"""Another person of the sandbox who wrote to us."""

CLIENT_WILL_DO: dict[str, Any] = {
    "confirmation": {"least": "client"},
    "first_contact": {"least": "client"},
}

YES = ElicitResult(action="accept", content={"approve": True})
NO = ElicitResult(action="decline")
CALL = {"to": IRIS, "text": "On its way."}


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Be declared, and never asked: these tests answer by hand."""
    raise AssertionError("the rounds of these tests are driven by hand")


@asynccontextmanager
async def wired(home: Path, **more: Any) -> AsyncIterator[tuple[Rig, Client]]:
    """Yield a program whose policy takes a client's word, and a client of the newer wire."""
    async with rig(home, **(CLIENT_WILL_DO | more)) as program, opened(program) as client:
        yield program, client


def opened(program: Rig) -> Client:
    """Return a client of a server of its own over the program."""
    return Client(build_server(program.app), elicitation_callback=never)


async def ask(client: Client, call: Mapping[str, Any] = CALL) -> str:
    """Have a send held and asked about; return the sealed state of the round."""
    first = await client.session.call_tool("send_dm", dict(call), allow_input_required=True)
    assert isinstance(first, InputRequiredResult)
    assert first.request_state is not None
    return first.request_state


async def answer(
    client: Client,
    state: str | None,
    call: Mapping[str, Any] = CALL,
    says: ElicitResult | None = YES,
    tool: str = "send_dm",
) -> dict[str, Any]:
    """Come back with an answer; return the structure of what the tool says."""
    responses: InputResponses | None = {"approve": says} if says is not None else None
    result = await client.session.call_tool(
        tool,
        dict(call),
        input_responses=responses,
        request_state=state,
        allow_input_required=True,
    )
    assert isinstance(result, CallToolResult), "asked twice about one send"
    return dict(result.structured_content or {"status": "refused"})


async def refused(client: Client, state: str, **bent: Any) -> None:
    """Assert that an answer does not fit its seal."""
    with pytest.raises(MCPError) as caught:
        await answer(client, state, **bent)
    assert caught.value.code == INVALID_PARAMS


async def test_one_round_three_times_sends_once_and_tells_the_same_thrice(tmp_path: Path) -> None:
    """The first answer sends; each replay gets the outcome of that send."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        said = [await answer(client, state) for _ in range(3)]
        assert [one["status"] for one in said] == ["sent"] * 3
        assert [one.get("replayed", False) for one in said] == [False, True, True]
        assert len({one["message_id"] for one in said}) == 1
        assert await program.deliveries() == ["On its way."]


async def test_fifty_answers_at_once_send_once(tmp_path: Path) -> None:
    """All of them hear of the one message."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        said: list[dict[str, Any]] = []

        async def once() -> None:
            said.append(await answer(client, state))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(once)
        assert Counter(one["status"] for one in said) == {"sent": 50}
        assert await program.deliveries() == ["On its way."]


async def test_fifty_first_calls_at_once_put_one_question(tmp_path: Path) -> None:
    """One of them is asked; the others hear that it is held."""
    async with wired(tmp_path) as (program, client):
        questions: list[InputRequiredResult] = []

        async def once() -> None:
            first = await client.session.call_tool("send_dm", CALL, allow_input_required=True)
            if isinstance(first, InputRequiredResult):
                questions.append(first)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(once)
        assert len(questions) == 1
        assert len(await program.app.outbox.waiting()) == 1


@pytest.mark.parametrize(
    "call",
    [
        CALL | {"text": "On its way!"},
        CALL | {"text": "On its way.\u200b"},
        CALL | {"to": THEO},
        CALL | {"to": "@iris_sandbox"},
        {"conversation_id": THEO, "text": CALL["text"]},
        {"new_group": [IRIS, THEO], "text": CALL["text"]},
        CALL | {"idempotency_key": "k"},
        CALL | {"attachment": "cat.png"},
        CALL | {"dry_run": False},
        CALL | {"account_id": "2200000002"},
        CALL | {"backend": "x-api-v2"},
        CALL | {"confirm": True},
    ],
)
async def test_an_answer_under_other_arguments_is_refused(
    call: dict[str, Any], tmp_path: Path
) -> None:
    """Recipient, text, key, picture, account, backend: any change voids the round, not the send."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        await refused(client, state, call=call)
        assert await program.deliveries() == []
        assert (await answer(client, state))["status"] == "sent"
        assert await program.deliveries() == ["On its way."]


async def test_the_states_of_two_sends_cannot_be_swapped(tmp_path: Path) -> None:
    """Each belongs to its own arguments; unswapped each sends its own."""
    async with wired(tmp_path, pacing={"enabled": False}) as (program, client):
        other = {"to": THEO, "text": "Seven it is."}
        first, second = await ask(client), await ask(client, other)
        await refused(client, first, call=other)
        await refused(client, second)
        assert await program.deliveries() == []
        assert (await answer(client, first))["status"] == "sent"
        assert (await answer(client, second, other))["status"] == "sent"
        assert await program.deliveries() == ["On its way.", "Seven it is."]


async def test_a_state_is_refused_by_another_tool(tmp_path: Path) -> None:
    """It is sealed for `send_dm`."""
    async with wired(tmp_path) as (program, client):
        await refused(client, await ask(client), call={}, tool="quota_status")
        assert await program.deliveries() == []


async def test_a_bent_state_is_refused_wherever_it_is_bent(tmp_path: Path) -> None:
    """No character of it can be changed, none left out, and none of ours can be made by hand."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        bent = [state[:at] + ("A" if state[at] != "A" else "B") + state[at + 1 :] for at in
                range(0, len(state), 7)]  # fmt: skip
        bare = json.dumps({"approval_id": "ab", "digest": "cd"})
        for one in [*bent, state[:-1], state + "A", "", "v1.", bare, state.removeprefix("v1.")]:
            await refused(client, one)
        assert await program.deliveries() == []


async def test_a_late_answer_approves_nothing(tmp_path: Path) -> None:
    """After the question's time the send is still held, and a person may still decide."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        program.clock.advance(DIALOG)
        assert (await answer(client, state))["status"] == "held"
        await program.app.outbox.work()
        assert await program.deliveries() == []


async def test_an_answer_after_the_send_expired_approves_nothing(tmp_path: Path) -> None:
    """The send ended; the answer hears so."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        program.later(minutes=16)
        await program.app.outbox.work()
        assert (await answer(client, state))["status"] == "denied"
        assert await program.deliveries() == []


async def test_a_no_cannot_be_turned_into_a_yes(tmp_path: Path) -> None:
    """A question takes one answer; the same round with another one changes nothing."""
    async with wired(tmp_path) as (program, client):
        state = await ask(client)
        assert (await answer(client, state, says=NO))["status"] == "held"
        assert (await answer(client, state, says=YES))["status"] == "held"
        await program.app.outbox.work()
        assert await program.deliveries() == []


async def test_a_round_without_an_answer_is_no_yes(tmp_path: Path) -> None:
    """State without responses leaves it held."""
    async with wired(tmp_path) as (program, client):
        assert (await answer(client, await ask(client), says=None))["status"] == "held"
        assert await program.deliveries() == []


async def test_answers_without_a_state_are_a_first_call(tmp_path: Path) -> None:
    """A yes that nobody asked for asks, and sends nothing."""
    async with wired(tmp_path) as (program, client):
        first = await client.session.call_tool(
            "send_dm", CALL, input_responses={"approve": YES}, allow_input_required=True
        )
        assert isinstance(first, InputRequiredResult)
        assert await program.deliveries() == []


@pytest.mark.parametrize("said", [NO, YES, None])
async def test_a_round_that_was_answered_is_over_after_a_restart_too(
    said: ElicitResult | None, tmp_path: Path
) -> None:
    """The ledger remembers question and answer: nobody is asked again, and a replay changes
    nothing."""
    async with wired(tmp_path) as (program, client):
        old, clock = await ask(client), program.clock
        stands = (await answer(client, old, says=said))["status"]
        assert stands == ("sent" if said is YES else "held")
    async with rig(tmp_path, clock, **CLIENT_WILL_DO) as program, opened(program) as client:
        again = await answer(client, old)
        assert (again["status"], again["replayed"]) == (stands, True)
        assert (await answer(client, None, says=None))["status"] == stands
        assert len(await program.deliveries()) == (said is YES)


async def test_a_question_outlives_the_process_that_put_it(tmp_path: Path) -> None:
    """Its answer comes to the next one, in time, and sends."""
    async with wired(tmp_path) as (program, client):
        state, clock = await ask(client), program.clock
    async with rig(tmp_path, clock, **CLIENT_WILL_DO) as program, opened(program) as client:
        assert (await answer(client, state))["status"] == "sent"
        assert await program.deliveries() == ["On its way."]


@pytest.mark.parametrize("says", [YES, NO])
async def test_a_question_of_one_process_is_answered_at_another(
    says: ElicitResult, tmp_path: Path
) -> None:
    """The second is asked nothing of its own; the answer counts once, whoever hears it how
    often."""
    async with (
        wired(tmp_path) as (program, one),
        rig(tmp_path, program.clock, **CLIENT_WILL_DO) as elsewhere,
        opened(elsewhere) as other,
    ):
        state = await ask(one)
        assert (await answer(other, None, says=None))["status"] == "held"
        first = await answer(other, state, says=says)
        said = [await answer(each, state) for each in (one, other, one)]
        expected = "sent" if says is YES else "held"
        assert [each["status"] for each in (first, *said)] == [expected] * 4
        assert [each.get("replayed", False) for each in (first, *said)] == [False] + [True] * 3
        assert len(await program.deliveries()) == (says is YES)


class Still(ManualClock):
    """A clock that waiting does not move: many who wait at once would make hours of a moment."""

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run."""
        await anyio.lowlevel.checkpoint()


async def test_answers_at_two_processes_at_once_send_once(tmp_path: Path) -> None:
    """All of them hear of the one message."""
    clock = Still(START)
    async with (
        rig(tmp_path, clock, **CLIENT_WILL_DO) as program,
        rig(tmp_path, clock, **CLIENT_WILL_DO) as elsewhere,
        opened(program) as one,
        opened(elsewhere) as other,
    ):
        state = await ask(one)
        said: list[dict[str, Any]] = []

        async def once(client: Client) -> None:
            said.append(await answer(client, state))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(once, (one, other)[number % 2])
        assert Counter(one["status"] for one in said) == {"sent": 20}, said[0]
        assert await program.deliveries() == ["On its way."]


async def test_a_ledger_of_another_does_not_open_a_round(tmp_path: Path) -> None:
    """The keys are those of the ledger that asked."""
    async with wired(tmp_path / "ours") as (_, one), wired(tmp_path / "theirs") as (_, other):
        await refused(other, await ask(one))


async def test_an_answer_after_a_persons_word_changes_nothing(tmp_path: Path) -> None:
    """Approved elsewhere it went out once, as `person`; rejected it stays unsent."""
    async with wired(tmp_path, pacing={"enabled": False}) as (program, client):
        state = await ask(client)
        (entry,) = await program.app.outbox.waiting()
        assert entry.hold is not None
        await program.app.outbox.approve(
            entry.hold.approval_id, digest=entry.hold.digest, assurance=Assurance.PERSON, by="test"
        )
        await program.app.outbox.work()
        assert (await answer(client, state))["status"] == "sent"
        (sent,) = await program.app.ledger.recent()
        assert sent.hold is not None
        assert sent.hold.assurance is Assurance.PERSON

        other = CALL | {"text": "And thank you."}
        state = await ask(client, other)
        (entry,) = await program.app.outbox.waiting()
        assert entry.hold is not None
        await program.app.outbox.reject(entry.hold.approval_id, by="test")
        assert (await answer(client, state, other))["status"] == "denied"
        assert await program.deliveries() == ["On its way."]


def test_a_round_is_bound_to_the_token_and_the_sse_session_that_asked() -> None:
    """Another token, another session, or a pipe is another caller."""

    def asks(token: str, session: str) -> ServerRequestContext[Any, Any]:
        return cast(
            ServerRequestContext[Any, Any],
            SimpleNamespace(
                request=SimpleNamespace(
                    headers={"authorization": token}, query_params={"session_id": session}
                )
            ),
        )

    pipe = cast(ServerRequestContext[Any, Any], SimpleNamespace(request=None))
    callers = [caller(asks(token, session)) for token in ("a", "b") for session in ("1", "2")]
    assert len({*callers, caller(pipe)}) == 5
    assert caller(asks("a", "1")) == callers[0]
