"""Whom a setting names: a user by number or by handle, or a conversation by number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

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


def _names(whos: Iterable[str]) -> tuple[str, ...]:
    return tuple(name_of(who) for who in whos)


Names = Annotated[tuple[str, ...], AfterValidator(_names), Field(strict=False)]
"""A list of names in a setting, each in its one spelling."""
