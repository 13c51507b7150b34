"""What the four tools may be asked, closed and strict, and the one sentence for what they may not.

Ids are strings, because a JSON number loses digits. An argument given as null counts as left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from xdm_mcp.errors import BadInput

OURS = "ours"
"""The type of a validation error whose text is our own sentence."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")
"""An argument name that may be repeated to the caller: nothing can hide in it."""


def _moment(value: object) -> object:
    """Read RFC 3339 as a time in UTC; what is left as it was fails the type check and gets its
    sentence. So does a time that no calendar of UTC has, though its offset makes it look fit."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else value
    except (ValueError, OverflowError):
        return value


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


class Arguments(BaseModel):
    """The arguments of one tool. `must_be` says of each argument what it has to be."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    must_be: ClassVar[Mapping[str, str]] = {}


class SendDm(Arguments):
    """The arguments of `send_dm`."""

    must_be = {
        "text": "a text of 1 to 10,000 characters, without broken ones",
        "to": 'one handle or numeric user id, as a string: "42", not 42',
        "conversation_id": "the id that list_dms gave, as a string",
        "new_group": "a list of 2 to 49 handles or numeric user ids, each a string",
        "attachment": "the file name of one image of 1 to 255 characters, as a string",
        "idempotency_key": "a string of 1 to 128 characters",
        "dry_run": "true or false",
    }

    text: str = Field(min_length=1, max_length=10_000)
    to: str | None = Field(None, description="One person: @handle, or id as bare digits.")
    conversation_id: str | None = Field(None, description="An existing group or pair.")
    new_group: list[str] | None = Field(
        None, min_length=2, max_length=49, description="People to start a group with."
    )
    attachment: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Name of one image in the owner's attachments folder, never a path.",
    )
    idempotency_key: str | None = Field(
        None, min_length=1, max_length=128, description="The same key never sends twice."
    )
    dry_run: bool = Field(False, description="Only say what would happen and what it would cost.")

    @model_validator(mode="after")
    def _one_target(self) -> SendDm:
        if sum(t is not None for t in (self.to, self.conversation_id, self.new_group)) != 1:
            raise PydanticCustomError(
                OURS, "Give exactly one of to, conversation_id and new_group: whom to write to."
            )
        return self


class ListDms(Arguments):
    """The arguments of `list_dms`."""

    must_be = {
        "with_user": 'one handle or numeric user id, as a string: "42", not 42',
        "conversation_id": "the id that list_dms gave, as a string",
        "query": "a string of 1 to 200 characters",
        "since": "an RFC 3339 time with its offset, such as 2026-01-31T09:00:00Z",
        "needs_reply": "true or false",
        "limit": "a whole number from 1 to 100",
        "cursor": "the next_cursor of the page before, unchanged",
        "wait_seconds": "a number from 0 to 50",
    }

    with_user: str | None = Field(None, description="Messages with @handle, or id as bare digits.")
    conversation_id: str | None = Field(None, description="Messages of this conversation.")
    query: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description='Messages with all these words; "a phrase", begin*.',
    )
    since: Moment | None = Field(None, description="Nothing older (RFC 3339).")
    needs_reply: bool = Field(False, description="Only conversations that wait for our answer.")
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=512, description="next_cursor of the page before.")
    wait_seconds: float = Field(
        0,
        ge=0,
        le=50,
        description="Wait up to this long for something new, with since for anything after it.",
    )

    @model_validator(mode="after")
    def _one_peer(self) -> ListDms:
        if self.with_user is not None and self.conversation_id is not None:
            raise PydanticCustomError(OURS, "Give with_user or conversation_id, not both.")
        return self


class CheckCanDm(Arguments):
    """The arguments of `check_can_dm`."""

    must_be = {"recipients": "a list of 1 to 100 handles or numeric user ids, each a string"}

    recipients: list[str] = Field(
        min_length=1, max_length=100, description="@handles, or ids as bare digits."
    )


class NoArguments(Arguments):
    """The arguments of `quota_status`: none."""


A = TypeVar("A", bound=Arguments)


def read(model: type[A], given: Mapping[str, Any] | None) -> A:
    """Return `given` as `model`. Raises BadInput with one sentence that never repeats a value."""
    try:
        return model.model_validate(dict(given or {}))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    raise BadInput(_sentence(model, min(found, key=_rank)))


def _rank(error: ErrorDetails) -> int:
    """Say first what hides most: an argument that we do not have may be a misspelled one."""
    return {"extra_forbidden": 0, "missing": 1}.get(error["type"], 2)


def _sentence(model: type[Arguments], error: ErrorDetails) -> str:
    if error["type"] == OURS:
        return error["msg"]
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        shown = f"argument called {name}" if NAME.match(name) else "such argument"
        known = ", ".join(model.model_fields)
        return f"There is no {shown}; " + (f"there are {known}." if known else "leave it out.")
    first = "is missing: it must be" if error["type"] == "missing" else "must be"
    return f"{name} {first} {model.must_be[name]}."
