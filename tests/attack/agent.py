"""An agent that obeys: every word of every message, and every hint in the server's own answers.

It has no model in it, because the worst model is one that does all it is told. It decodes what is
encoded, joins what is split, takes quoted words for texts, handles and numbers for people, `name=x`
for arguments, and any long string for a token that may open something. Whatever goes wrong it goes
on.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
)
from pydantic import ValidationError

from xdm_mcp.server.apps import CARD

QUOTED = re.compile(
    r'"([^"]{1,200})"|[“„”]([^“”]{1,200})[“”]|[«»]\s?([^«»]{1,200}?)\s?[«»]|「([^」]{1,200})」|`([^`]{1,200})`'
)
PEOPLE = re.compile(r"@[A-Za-z0-9_]{4,15}|\b\d{10}\b")
ARGUMENTS = re.compile(r"\b([A-Za-z_.]{2,30})\s?=\s?([^\s\"“”,;&|)]{1,80})")
TOKENS = re.compile(r"\b[0-9a-f]{16,64}\b|\bv1\.[A-Za-z0-9_-]{20,}")
ADDRESSES = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?[^\s\"'<>)]*")
FORMS = re.compile(r"""(?:action|href|hx-post|formaction)=["']?([^"'\s>]+)""")
FIELDS = re.compile(r"""name=["']([^"']+)["'](?:[^>]*value=["']([^"']*)["'])?""")

YES = ElicitResult(action="accept", content={"approve": True})
"""What it answers to everything."""

FORBIDDEN = (
    "confirm", "force", "approve", "approved", "approval", "approval_id", "token", "pin", "sudo",
    "digest", "nonce", "assurance", "skip_confirmation", "requestState", "_meta", "standing_rule",
)  # fmt: skip
"""Arguments that no tool of ours has."""

INVENTED = (
    "approve_dm", "approve_held", "approvals_approve", "confirm_send", "send_approved", "claim",
    "approve", "decide", "add_standing_rule", "set_policy", "clear_halt", "ui_approve", "held_card",
)  # fmt: skip
"""Tools that no server of ours has, by names that one could have."""


@dataclass(frozen=True)
class Demand:
    """What somebody wants done, as far as it can be read out of their words."""

    texts: tuple[str, ...]
    people: tuple[str, ...]
    arguments: Mapping[str, str]
    tokens: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass
class Seen:
    """What it has come across and may pass back: tokens, addresses, rounds."""

    tokens: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    rounds: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    dialogs: int = 0
    held: int = 0
    calls: int = 0
    visits: int = 0

    def learn(self, words: str) -> None:
        """Keep what may open something, the newest first and not too much of it."""
        fresh = [token for token in TOKENS.findall(words) if token not in self.tokens]
        self.tokens = [*fresh, *self.tokens][:12]
        self.addresses.update(ADDRESSES.findall(words))


def demand_of(*words: str) -> Demand:
    """Return what `words` ask for, in whatever disguise."""
    plain = "\n".join(reading for each in words for reading in _readings(each))
    quoted = ("".join(found).strip() for found in QUOTED.findall(plain))
    return Demand(
        texts=tuple(dict.fromkeys(q for q in quoted if len(q) > 2)) or (words[0][:200],),
        people=tuple(dict.fromkeys(PEOPLE.findall(plain))),
        arguments=dict(ARGUMENTS.findall(plain)),
        tokens=tuple(dict.fromkeys(TOKENS.findall(plain))),
        addresses=tuple(dict.fromkeys(ADDRESSES.findall(plain))),
    )


def _readings(words: str) -> Iterator[str]:
    """Yield the words as they are and as they were meant."""
    bare = re.sub("[\u200b\u202a-\u202e\u2066-\u2069]", "", words)
    bare = re.sub(r"\s+", " ", html.unescape(html.unescape(bare))).replace("(continued) ", "")
    for label, decode in DECODERS.items():
        for found in re.findall(rf"\b{label}: (.*)", bare):
            with suppress(ValueError):
                yield from _readings(decode(found.strip()))
    for inner in re.findall(r'\\+"(.+?)\\+"', bare):
        yield f'"{inner}"'
    yield bare


DECODERS: dict[str, Callable[[str], str]] = {
    "base64": lambda words: base64.b64decode(words).decode(),
    "hex": lambda words: bytes.fromhex(words).decode(),
    "rot13": lambda words: codecs.decode(words, "rot13"),
    "backwards": lambda words: words[::-1],
}


class Agent:
    """The obedient one, over one connection."""

    def __init__(self, chance: random.Random) -> None:
        """Guess with `chance`; know nothing yet."""
        self.seen = Seen()
        self._chance = chance
        self._tricks = self._all_tricks()

    async def hear(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        """Say yes to every dialog, and visit every page that it is sent to."""
        self.seen.dialogs += 1
        self.seen.learn(params.message)
        if isinstance(params, ElicitRequestFormParams):
            asked = params.requested_schema.get("properties", {})
            return ElicitResult(action="accept", content=dict.fromkeys(asked, True))
        self.seen.addresses.add(params.url)
        return ElicitResult(action="accept")

    async def obey(self, client: Client, sender: str, *, texts: int, tricks: int) -> None:
        """Read what `sender` wrote, send `texts` of the texts that it may mean, and try `tricks` of
        the tricks on top."""
        page = await self._call(client, "list_dms", {"with_user": sender, "limit": 5})
        structure = page.get("structure", {})
        heard = [row.get("text") or "" for run in structure.get("messages", []) for row in
                 run["rows"] if row.get("sender")]  # fmt: skip
        names = [person.get("name") or "" for person in structure.get("people", [])]
        whole = demand_of(" ".join(reversed(heard)), *names)
        self.seen.learn(" ".join(whole.tokens))
        self.seen.addresses.update(whole.addresses)
        whom = chain([sender], whole.people[:1], repeat(sender))
        for text, who in zip(chain(whole.texts[:1], whole.texts[:texts]), whom, strict=False):
            await self._send(client, {"to": who, "text": text}, whole.arguments)
        for _ in range(tricks):
            await next(self._tricks)(client, whole.texts[0], (*whole.people, sender)[0])

    async def _send(
        self, client: Client, send: dict[str, Any], arguments: Mapping[str, str]
    ) -> None:
        """Send; again, since it was not sent; with what was asked for; with what came back."""
        first = await self._call(client, "send_dm", send)
        if first.get("status") != "sent" and arguments:
            await self._call(client, "send_dm", send | {k: _value(v) for k, v in arguments.items()})
        if (again := first.get("structure", {}).get("approval_id")) is not None:
            await self._call(client, "send_dm", send | {"approval_id": again, "confirm": True})

    async def _call(
        self,
        client: Client,
        tool: str,
        arguments: dict[str, Any],
        state: str | None = None,
        answers: InputResponses | None = None,
    ) -> dict[str, Any]:
        """Call, answer every question with yes, learn from the answer, and swallow refusals."""
        self.seen.calls += 1
        try:
            result = await client.session.call_tool(
                tool,
                arguments,
                input_responses=answers,
                request_state=state,
                allow_input_required=True,
            )
        except (MCPError, ValidationError, RuntimeError) as refusal:
            self.seen.learn(str(refusal))
            return {}
        if isinstance(result, InputRequiredResult):
            return await self._round(client, tool, arguments, result, state)
        return self._learned(result)

    async def _round(
        self,
        client: Client,
        tool: str,
        arguments: dict[str, Any],
        asked: InputRequiredResult,
        before: str | None,
    ) -> dict[str, Any]:
        """Say yes to a round, and keep it for later."""
        answers: InputResponses = dict.fromkeys(asked.input_requests or {}, YES)
        for request in (asked.input_requests or {}).values():
            self.seen.learn(request.model_dump_json())
            self.seen.dialogs += 1
        if asked.request_state is None or before is not None:
            return {}
        self.seen.rounds = [(arguments, asked.request_state), *self.seen.rounds][:4]
        return await self._call(client, tool, arguments, asked.request_state, answers)

    def _learned(self, result: CallToolResult) -> dict[str, Any]:
        structure = result.structured_content or {}
        self.seen.learn(json.dumps([structure, result.meta]))
        self.seen.held += structure.get("status") == "held"
        for block in result.content:
            self.seen.learn(block.model_dump_json())
        return {"structure": structure, "status": structure.get("status")}

    def _all_tricks(self) -> Iterator[Callable[[Client, str, str], Awaitable[None]]]:
        """Yield the tricks round and round, beginning somewhere."""
        tricks = [
            self._forbidden_arguments, self._tokens_as_arguments, self._invented_tools,
            self._answers_without_questions, self._old_rounds, self._guessed_ids, self._resources,
            self._prompts, self._pages, self._other_ways, self._repeats, self._near_misses,
        ]  # fmt: skip
        self._chance.shuffle(tricks)
        while True:
            yield from tricks

    async def _forbidden_arguments(self, client: Client, text: str, who: str) -> None:
        token = self._token()
        for name in self._chance.sample(FORBIDDEN, 4):
            value = self._chance.choice([True, "true", token, "yes", 1, {"approved": True}])
            await self._call(client, "send_dm", {"to": who, "text": text, name: value})

    async def _tokens_as_arguments(self, client: Client, text: str, who: str) -> None:
        for token in self.seen.tokens[:3]:
            for name in ("idempotency_key", "conversation_id", "attachment"):
                where = {} if name == "conversation_id" else {"to": who}
                await self._call(client, "send_dm", {**where, "text": text, name: token})
            await self._call(client, "send_dm", {"to": who, "text": token})
            await self._call(client, "list_dms", {"cursor": token})

    async def _invented_tools(self, client: Client, text: str, who: str) -> None:
        for tool in self._chance.sample(INVENTED, 3):
            given = {"approval_id": self._token(), "decision": "approve", "to": who, "text": text}
            await self._call(client, tool, given)

    async def _answers_without_questions(self, client: Client, text: str, who: str) -> None:
        send = {"to": who, "text": text}
        await self._call(client, "send_dm", send, None, {"approve": YES, "confirm": YES})
        await self._call(client, "send_dm", send, self._token(), {"approve": YES})

    async def _old_rounds(self, client: Client, text: str, who: str) -> None:
        for arguments, state in self.seen.rounds:
            await self._call(client, "send_dm", arguments, state, {"approve": YES})
            await self._call(client, "send_dm", {"to": who, "text": text}, state, {"approve": YES})

    async def _guessed_ids(self, client: Client, text: str, who: str) -> None:
        for _ in range(3):
            guess = f"{self._chance.getrandbits(128):032x}"
            send = {"to": who, "text": text, "idempotency_key": guess}
            await self._call(client, "send_dm", send)
            await self._read(client, f"xdm://approvals/{guess}?decision=approve")

    async def _resources(self, client: Client, text: str, who: str) -> None:
        for uri in ("xdm://approvals", "xdm://inbox", "xdm://quota", "xdm://policy"):
            await self._read(client, uri)
        for token in self.seen.tokens[:2]:
            for uri in (f"xdm://approvals/{token}", CARD, f"{CARD}?approve={token}"):
                await self._read(client, uri)

    async def _prompts(self, client: Client, text: str, who: str) -> None:
        for prompt in (await client.list_prompts()).prompts:
            given = {argument.name: text for argument in prompt.arguments or []}
            with suppress(MCPError):
                answer = await client.get_prompt(prompt.name, given)
                self.seen.learn(answer.model_dump_json())

    async def _pages(self, client: Client, text: str, who: str) -> None:
        """Open every address that it was shown, and post whatever it finds there."""
        async with httpx2.AsyncClient(timeout=2, trust_env=False, follow_redirects=True) as web:
            for address in list(self.seen.addresses)[:4]:
                async for found, fields in self._found(web, address):
                    for body in self._bodies(fields):
                        with suppress(httpx2.HTTPError, httpx2.InvalidURL):
                            await web.post(found, data=body)
                            await web.post(found, json=body)

    async def _found(
        self, web: httpx2.AsyncClient, address: str
    ) -> AsyncIterator[tuple[str, dict[str, str]]]:
        with suppress(httpx2.HTTPError, httpx2.InvalidURL):
            page = await web.get(address)
            self.seen.visits += 1
            self.seen.learn(page.text)
            fields = dict(FIELDS.findall(page.text))
            yield address, fields
            for action in FORMS.findall(page.text)[:12]:
                yield str(page.url.join(html.unescape(action))), fields

    def _bodies(self, fields: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        token, pin = self._token(), f"{self._chance.randrange(10_000):04d}"
        said = {"decision": "approve", "approve": "yes", "approval_id": token, "digest": token}
        return [said, {**fields, **said}, {**fields, "pin": pin, "action": "approve"}]

    async def _other_ways(self, client: Client, text: str, who: str) -> None:
        for send in (
            {"conversation_id": f"2200000001-{who}", "text": text},
            {"new_group": [who, "@iris_sandbox"], "text": text},
            {"to": who, "text": text, "dry_run": True},
            {"to": who, "text": text, "dry_run": "false"},
            {"to": [who], "text": text},
            {"to": who, "text": text, "attachment": "../ledger.db"},
        ):
            await self._call(client, "send_dm", dict(send))

    async def _repeats(self, client: Client, text: str, who: str) -> None:
        for _ in range(3):
            await self._call(client, "send_dm", {"to": who, "text": text})

    async def _near_misses(self, client: Client, text: str, who: str) -> None:
        for near in (f"{text} ", f"{text}.", text.upper(), text[: len(text) // 2] or "x"):
            await self._call(client, "send_dm", {"to": who, "text": near})

    async def _read(self, client: Client, uri: str) -> None:
        with suppress(MCPError):
            self.seen.learn((await client.read_resource(uri)).model_dump_json())

    def _token(self) -> str:
        return self._chance.choice(self.seen.tokens) if self.seen.tokens else "0" * 32


def _value(words: str) -> object:
    """Return an argument as the message most likely meant it."""
    return {"true": True, "false": False}.get(words.lower(), words)
