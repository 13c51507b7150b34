"""A table of settings: what each key may hold, and one sentence for what is wrong with it.

A sentence names the key and what is allowed there, and never repeats the value, which may be a
secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import time
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from xdm_mcp.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

KeyPath = tuple[str, ...]
Label = Callable[[KeyPath], str]

WORDS: Mapping[object, str] = {
    bool: "true or false",
    str: "a string",
    SecretStr: "a string",
    Path: "a path in a string",
    time: 'a time such as "22:00"',
    tuple: 'a list of strings such as ["one", "two"]',
}
"""What the plain types look like in TOML."""


def read(model: type[M], raw: Mapping[str, object], name: str) -> M:
    """Return `raw`, the table `name`, as a `model`. Raises ConfigError with one sentence."""

    def label(path: KeyPath) -> str:
        return f"`{'.'.join((name, *path))}`"

    check_keys(model, raw, label)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(complaint(error, model, label)) from None


def check_keys(
    model: type[BaseModel], raw: Mapping[str, object], label: Label, table: KeyPath = ()
) -> None:
    """Raise ConfigError for the first key, at any depth, that `model` does not know."""
    known = keys(model)
    for key, value in raw.items():
        if key not in known:
            raise ConfigError(unknown(key, known, table, label))
        inner = _kind(known[key])
        if _is_model(inner) and isinstance(value, Mapping):
            check_keys(inner, value, label, (*table, key))


def complaint(error: ValidationError, model: type[BaseModel], label: Label) -> str:
    """Return one sentence for the first value that is wrong; `label` says how a key is called."""
    first = error.errors(include_input=False, include_url=False)[0]
    path, field = _locate(model, first["loc"])
    if first["type"] == "value_error":
        return f"{label(path)} {first['msg'].removeprefix('Value error, ')}."
    return f"{label(path)} must be {allowed(field) if field else 'a table'}."


def unknown(key: str, known: Iterable[str], table: KeyPath, label: Label) -> str:
    """Return the sentence for a key that does not exist, with the nearest that does."""
    names = list(known)
    # Of a variable such as XDM_HTP__PORT the table is what nobody knows.
    near = difflib.get_close_matches(key.partition("__")[0], names, n=1)
    nearest = f"the nearest is {label((*table, near[0]))}" if near else f"known are {_list(names)}"
    return f"There is no setting {label((*table, key))}; {nearest}."


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the settings of `model` under the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def allowed(field: FieldInfo) -> str:
    """Return what a setting may hold, such as `a whole number from 1 to 1000`."""
    kinds = _kinds(field.annotation)
    if len(kinds) > 1:
        return " or ".join(allowed(FieldInfo.from_annotation(kind)) for kind in kinds)
    kind = _kind(field)
    if get_origin(kind) is Literal:
        return _list([f'"{value}"' for value in get_args(kind)], "or")
    if kind is int:
        return f"a whole number{_bounds(field)}"
    if kind is float:
        return f"a number{_bounds(field)}"
    if kind is Decimal:
        return f'an amount in USD such as "5.00"{_bounds(field)}, to the micro-dollar'
    if kind == dict[str, str]:
        return "a table of strings"
    filled = " that is not empty" if any(isinstance(m, MinLen) for m in field.metadata) else ""
    return WORDS.get(get_origin(kind) or kind, "a table") + filled


def is_table(field: FieldInfo) -> bool:
    """Whether a setting is a table of settings, or a table that somebody else checks."""
    kind = _kind(field)
    return _is_model(kind) or (get_origin(kind) or kind) is dict


def _locate(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[KeyPath, FieldInfo | None]:
    """Follow an error's location down to the setting that it is about: its path and its field."""
    path: list[str] = []
    field: FieldInfo | None = None
    inner: Any = model
    for step in loc:
        if not _is_model(inner):
            break
        path.append(str(step))
        field = keys(inner)[str(step)]
        inner = _kind(field)
    return tuple(path), field


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kind(field: FieldInfo) -> Any:
    """Return the bare type of a setting, without its `None` and its checks."""
    kind = _kinds(field.annotation)[0]
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _kinds(annotation: Any) -> list[Any]:
    """Return the types of which a setting may be, without `None`."""
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    return [one for one in get_args(annotation) if one is not NoneType]


def _bounds(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else ""


def _list(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
