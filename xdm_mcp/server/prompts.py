"""The prompts: one file of `prompts/` each, its name the prompt's name.

A file begins with lines `key: value` between two lines `---`, then comes the text:

    title: What a person reads in a menu
    description: What it is good for
    argument: name | kind | required or optional | what it is

`{name}` in the text stands for an argument, as JSON; a paragraph that names one that was not given
is left out. An argument's kind is one of `KINDS`: none of them has room for a stranger's message. A
call to make is written as the tool's name and its arguments in JSON, with "…" for what the model
finds out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from xdm_mcp.models.messages import CONVERSATION_ID

Ctx = ServerRequestContext[Any, Any]

KINDS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "conversation": (
        CONVERSATION_ID,
        "the id of a conversation that list_dms gave",
    ),
    "count": (re.compile(r"[1-9][0-9]?\Z|100\Z"), "a whole number from 1 to 100"),
    "words": (
        re.compile(
            r"[^\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
            r"\U000e0000-\U000e007f]{1,300}\Z"
        ),
        "1 to 300 characters of the user's own words on one line",
    ),
}
"""What an argument may be: its form, and how we say so."""

PLACE = re.compile(r"\{([a-z_]+)\}")
"""Where an argument goes in the text."""

FOLDERS = (
    Path(__file__).parent.parent / "prompts",  # the wheel
    Path(__file__).parent.parent.parent / "prompts",  # the checkout
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a prompt."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt file."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    text: str

    def listed(self) -> Prompt:
        """Return what `prompts/list` says of it."""
        return Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                PromptArgument(name=a.name, description=a.description, required=a.required)
                for a in self.arguments
            ],
        )

    def fill(self, given: Mapping[str, str]) -> str:
        """Return the text with `given` in it. Raises MCPError (-32602) for what does not fit."""
        for argument in self.arguments:
            if argument.required and argument.name not in given:
                raise _unfit(f"{argument.name} is missing: it must be {KINDS[argument.kind][1]}.")
        kinds = {argument.name: KINDS[argument.kind] for argument in self.arguments}
        for name, value in given.items():
            if name not in kinds:
                known = ", ".join(kinds) or "none"
                raise _unfit(f"There is no such argument; those of {self.name} are: {known}.")
            if not kinds[name][0].match(value):
                raise _unfit(f"{name} must be {kinds[name][1]}.")
        counts = {argument.name for argument in self.arguments if argument.kind == "count"}
        quoted = {
            name: value if name in counts else json.dumps(value, ensure_ascii=False)
            for name, value in given.items()
        }
        paragraphs = [p for p in self.text.split("\n\n") if set(PLACE.findall(p)) <= set(given)]
        return PLACE.sub(lambda place: quoted[place[1]], "\n\n".join(paragraphs))


@cache
def templates() -> Mapping[str, Template]:
    """Return every prompt by name, sorted; read once per process."""
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    files = sorted(folder.glob("*.md"))
    return {path.stem: parse(path.stem, path.read_text("utf-8")) for path in files}


def parse(name: str, file: str) -> Template:
    """Return the prompt that a file describes. Raises ValueError for a file that is none."""
    try:
        _, head, text = re.split(r"^---$\n", file, maxsplit=2, flags=re.MULTILINE)
        lines = [line.partition(": ")[::2] for line in head.splitlines()]
        values = dict(lines)
        arguments = tuple(_argument(value) for key, value in lines if key == "argument")
        title, description = values["title"], values["description"]
    except (KeyError, ValueError) as error:
        raise ValueError(f"the prompt file {name}.md does not have the form of one") from error
    unknown = set(PLACE.findall(text)) - {argument.name for argument in arguments}
    if unknown:
        raise ValueError(f"the prompt file {name}.md uses an argument that it does not declare")
    return Template(name, title, description, arguments, text.strip())


async def list_prompts(_: Ctx, __: PaginatedRequestParams | None) -> ListPromptsResult:
    """Answer `prompts/list`: always the same."""
    return ListPromptsResult(prompts=[template.listed() for template in templates().values()])


async def get_prompt(_: Ctx, params: GetPromptRequestParams) -> GetPromptResult:
    """Answer `prompts/get`. An unknown prompt, and an argument that is missing, unknown or unfit,
    is -32602 with a sentence."""
    template = template_named(params.name)
    text = template.fill(params.arguments or {})
    message = PromptMessage(role="user", content=TextContent(text=text))
    return GetPromptResult(description=template.description, messages=[message])


def template_named(name: str) -> Template:
    """Return a prompt. Raises MCPError (-32602) for an unknown one."""
    template = templates().get(name)
    if template is None:
        raise _unfit(f"There is no such prompt; there are {', '.join(templates())}.")
    return template


def _argument(value: str) -> Argument:
    name, kind, need, description = (part.strip() for part in value.split("|"))
    if kind not in KINDS or need not in ("required", "optional"):
        raise ValueError(value)
    return Argument(name, kind, need == "required", description)


def _unfit(says: str) -> MCPError:
    return MCPError(INVALID_PARAMS, says)
