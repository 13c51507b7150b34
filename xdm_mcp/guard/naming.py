"""Whom a setting names, by number or by handle, and what a sentence calls a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from xdm_mcp.models.messages import one_to_one
from xdm_mcp.models.people import HANDLE, USER_ID
from xdm_mcp.models.sends import Draft


def name_of(who: str) -> str:
    """Return the one spelling of what the owner wrote: a bare number, or `@handle` in lower case.

    A handle may consist of digits: with its @ it is a handle, without it is a number. A group's
    conversation id is a number too. Raises ValueError for anything else, such as the id of a pair:
    name the person instead.
    """
    bare = who.strip()
    if USER_ID.match(bare):
        return bare
    if HANDLE.match(bare.removeprefix("@")):
        return f"@{bare.removeprefix('@').lower()}"
    raise ValueError("must name people by user id or handle, and groups by conversation id")


def names_of(draft: Draft) -> frozenset[str]:
    """Return every name under which a setting may mean a recipient of the draft.

    The handle counts for a single recipient only: of a group we know numbers.
    """
    names = set(draft.target.user_ids)
    if draft.target.conversation_id is not None:
        names.add(draft.target.conversation_id)
    if draft.handle and len(draft.target.user_ids) == 1:
        names.add(f"@{draft.handle.removeprefix('@').lower()}")
    return frozenset(names)


def called(conversation_id: str, account_id: str) -> str:
    """Return what a sentence calls a conversation: the user it is with, or the group, by number."""
    user_id = one_to_one(conversation_id, account_id)
    return f"user {user_id}" if user_id else f"the group {conversation_id}"


def _names(whos: Iterable[str]) -> tuple[str, ...]:
    return tuple(name_of(who) for who in whos)


Names = Annotated[tuple[str, ...], AfterValidator(_names), Field(strict=False)]
"""A list of names in a setting, each in its one spelling."""
