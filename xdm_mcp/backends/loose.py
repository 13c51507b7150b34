"""Fields of services that spell them in several ways: camelCase or snake_case, ids as strings or
numbers, times in two forms. Pure functions that never raise: what is not there is None or empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

from xdm_mcp.backends.x_api_v2_parse import in_utc, snowflake_time
from xdm_mcp.models.messages import MESSAGE_ID
from xdm_mcp.models.people import HANDLE, USER_ID, User

_PAIR = re.compile(r"([0-9]{1,19})[-:]([0-9]{1,19})\Z")
_CONVERSATION = re.compile(r"[A-Za-z0-9:_-]{1,64}\Z")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
LEGACY = "%a %b %d %H:%M:%S %z %Y"
"""How X's oldest API writes times."""


def pick(item: object, *names: str) -> object:
    """Return the first of these fields, each in camelCase or snake_case, that is not null."""
    if not isinstance(item, Mapping):
        return None
    spellings = (each for name in names for each in (name, _HUMP.sub("_", name).lower()))
    return next((item[each] for each in spellings if item.get(each) is not None), None)


def text_in(item: object, *names: str) -> str | None:
    """Return a text that is not empty, or None."""
    value = pick(item, *names)
    return value if isinstance(value, str) and value else None


def id_in(item: object, *names: str) -> str | None:
    """Return an id as a decimal string, whether it came as one or as a whole number; none is 0,
    which services write where they have none."""
    value = pick(item, *names)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 <= value < 10**19 else None
    proper = isinstance(value, str) and MESSAGE_ID.match(value) and value.strip("0")
    return str(value) if proper else None


def items_in(item: object, *names: str) -> Sequence[object]:
    """Return a list, or the values of an object in its place, or nothing."""
    value = pick(item, *names)
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else ()


def truth_in(item: object, *names: str) -> bool | None:
    """Return true or false, None for everything else."""
    value = pick(item, *names)
    return value if isinstance(value, bool) else None


def moment_in(item: object, message_id: str, *names: str) -> datetime:
    """Return when a message was made: as it says, else as its id tells."""
    text = text_in(item, *names) or ""
    for read in (datetime.fromisoformat, _legacy, parsedate_to_datetime):
        try:
            moment = in_utc(read(text))
        except (ValueError, OverflowError):
            continue
        if moment is not None:
            return moment
    return snowflake_time(message_id)


def conversation_in(item: object, *names: str) -> str | None:
    """Return a conversation's id; that of two people in the usual order, whatever joins them."""
    told = text_in(item, *names) or id_in(item, *names)
    pair = _PAIR.match(told) if told else None
    if pair:
        return "-".join(sorted(pair.groups(), key=int))
    return told if told and _CONVERSATION.match(told) else None


def user_in(item: object) -> User | None:
    """Return the user that an object tells of, None without a proper id.

    What it says of being open to messages is not about us but about everybody.
    """
    user_id = id_in(item, "id", "userId", "id_str")
    if user_id is None or not USER_ID.match(user_id):
        return None
    handle = text_in(item, "userName", "screen_name", "username")
    can_dm = truth_in(item, "canDm")
    return User(
        id=user_id,
        handle=handle if handle and HANDLE.match(handle) else None,
        name=text_in(item, "name"),
        can_dm=can_dm,
        can_dm_basis="unknown" if can_dm is None else "absolute",
        suspended=bool(pick(item, "unavailable")),
    )


def users_in(items: Iterable[object]) -> tuple[User, ...]:
    """Return the users of a list, each once."""
    found: dict[str, User] = {}
    for user in map(user_in, items):
        if user is not None:
            found.setdefault(user.id, user)
    return tuple(found.values())


def _legacy(text: str) -> datetime:
    return datetime.strptime(text, LEGACY)  # noqa: DTZ007 - the form has the zone in it
