"""Completion: ids that were read before, and nothing that would cost anything."""

from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Completion, PromptReference, ResourceTemplateReference

from tests.server.asking import MODES, ask
from tests.server.pretend import TALK
from xdm_mcp.server.uris import CONVERSATION, MESSAGE

Reference = PromptReference | ResourceTemplateReference


async def complete(mode: str, ref: Reference, name: str, value: str) -> Completion:
    """Ask for completions of one argument."""
    answer = await ask(mode, lambda client: client.complete(ref, {"name": name, "value": value}))
    return answer.completion


@pytest.mark.parametrize("mode", MODES)
async def test_known_conversations_complete_templates_and_prompts(mode: str) -> None:
    """The same ids serve the resource template and the prompt's argument."""
    for ref in (ResourceTemplateReference(uri=CONVERSATION), PromptReference(name="draft_reply")):
        assert (await complete(mode, ref, "conversation_id", "10")).values == [TALK]


@pytest.mark.parametrize("mode", MODES)
async def test_at_most_a_hundred_ids_are_told_at_once(mode: str) -> None:
    """The rest is only counted."""
    found = await complete(mode, ResourceTemplateReference(uri=MESSAGE), "message_id", "")
    assert (len(found.values), found.total, found.has_more) == (100, 299, True)


@pytest.mark.parametrize("mode", MODES)
async def test_free_words_and_other_names_complete_to_nothing(mode: str) -> None:
    """What only the user can know is not guessed."""
    for ref, name in (
        (PromptReference(name="draft_reply"), "intent"),
        (PromptReference(name="draft_reply"), "nonsense"),
        (ResourceTemplateReference(uri=MESSAGE), "conversation_id"),
    ):
        assert (await complete(mode, ref, name, "")).values == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "ref", [PromptReference(name="nothing"), ResourceTemplateReference(uri="xdm://nothing/{id}")]
)
async def test_a_reference_to_nothing_is_refused(mode: str, ref: Reference) -> None:
    """-32602 with a sentence that says what there is or where to look."""
    with pytest.raises(MCPError, match="There is no such") as refusal:
        await complete(mode, ref, "conversation_id", "")
    assert refusal.value.code == INVALID_PARAMS
