"""The prompts: the files of `prompts/`, listed, filled in and refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from tests.server.asking import MODES, ask
from tests.server.pretend import TALK
from xdm_mcp.server.prompts import KINDS, parse

FILES = Path(__file__).parents[2] / "prompts"
REQUIRED = {"conversation_id": TALK}


async def get(mode: str, name: str, arguments: dict[str, str]) -> str:
    """Return the text of a prompt as a client gets it."""
    (message,) = (await ask(mode, lambda client: client.get_prompt(name, arguments))).messages
    assert message.content.type == "text"
    return message.content.text


@pytest.mark.parametrize("mode", MODES)
async def test_there_is_a_prompt_for_every_file(mode: str) -> None:
    """File name and prompt name are the same, and each says what it is good for."""
    prompts = (await ask(mode, lambda client: client.list_prompts())).prompts
    assert [p.name for p in prompts] == sorted(path.stem for path in FILES.glob("*.md"))
    assert {p.name for p in prompts} == {
        "answer_in_my_voice",
        "draft_reply",
        "hand_over_to_human",
        "morning_triage",
        "summarise_conversation",
        "triage_inbox",
        "weekly_summary",
    }
    assert all(p.title and p.description for p in prompts)


@pytest.mark.parametrize("mode", MODES)
async def test_an_argument_stands_in_the_text_quoted(mode: str) -> None:
    """What the user gave is marked as theirs; it cannot open a line of its own."""
    text = await get(mode, "draft_reply", REQUIRED | {"intent": 'say "no" {tone}'})
    assert '"1001-2002"' in text
    assert 'What the user wants to say: "say \\"no\\" {tone}".' in text


@pytest.mark.parametrize("mode", MODES)
async def test_a_count_stands_in_the_text_as_a_number(mode: str) -> None:
    """A tool that wants a number refuses a text, so the prompt must not make one of it."""
    assert 'add `"limit": 7`' in await get(mode, "triage_inbox", {"limit": "7"})


@pytest.mark.parametrize("mode", MODES)
async def test_a_paragraph_about_an_argument_not_given_is_left_out(mode: str) -> None:
    """An optional argument leaves no gap."""
    assert "How it should sound" not in await get(mode, "draft_reply", REQUIRED)
    assert "How it should sound" in await get(mode, "draft_reply", REQUIRED | {"tone": "warm"})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("nothing", {}, "There is no such prompt; there are answer_in_my_voice, draft_reply"),
        ("draft_reply", {}, "conversation_id is missing: it must be the id of a conversation"),
        ("draft_reply", {"conversation_id": "Mira"}, "conversation_id must be the id of a conv"),
        ("draft_reply", REQUIRED | {"approve": "yes"}, "There is no such argument; those of draft"),
        ("draft_reply", REQUIRED | {"tone": "a\nb"}, "tone must be 1 to 300 characters"),
        ("draft_reply", REQUIRED | {"tone": "x" * 301}, "tone must be 1 to 300 characters"),
        ("draft_reply", REQUIRED | {"tone": "a\u202eb"}, "tone must be 1 to 300 characters"),
        ("triage_inbox", {"limit": "101"}, "limit must be a whole number from 1 to 100"),
    ],
)
async def test_an_unknown_prompt_or_unfit_argument_is_refused_with_a_sentence(
    mode: str, name: str, arguments: dict[str, str], says: str
) -> None:
    """-32602 on both wires, and the sentence says what would fit."""
    with pytest.raises(MCPError) as refusal:
        await get(mode, name, arguments)
    assert refusal.value.code == INVALID_PARAMS
    assert refusal.value.message.startswith(says)


@settings(deadline=None)
@given(value=st.text())
def test_free_words_never_span_lines_or_hide_anything(value: str) -> None:
    """Whatever fits as the user's own words is one line of visible text."""
    if KINDS["words"][0].match(value):
        assert len(value.splitlines()) == 1
        assert not any(c in value for c in "\u200b\u202e\u2066\ufeff\x1b")


@pytest.mark.parametrize(
    "file",
    [
        "no front matter",
        "---\ntitle: x\n---\ntext",
        "---\ntitle: x\ndescription: y\nargument: a | nonsense | required | z\n---\ntext",
        "---\ntitle: x\ndescription: y\nargument: a | words | perhaps | z\n---\ntext",
        "---\ntitle: x\ndescription: y\n---\n{undeclared}",
    ],
)
def test_a_file_that_is_no_prompt_is_named(file: str) -> None:
    """Whoever writes a prompt wrongly learns which file."""
    with pytest.raises(ValueError, match=r"the prompt file mine\.md"):
        parse("mine", file)
