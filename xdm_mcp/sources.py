"""Where settings come from: the environment and the owner's file, each as tables with known keys.

What is wrong is said in one sentence that names the key as the owner wrote it, and never its value.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from xdm_mcp.errors import ConfigError
from xdm_mcp.tables import KeyPath, check_keys, is_table, keys, unknown

PREFIX = "XDM_"
"""What every variable of ours begins with: `XDM_<KEY>`, or `XDM_<TABLE>__<KEY>`."""

POLICY_FILE = "policy.toml"
"""The owner's file, in the program's home."""

SECRETS = (
    "x_access_token",
    "x_client_secret",
    "x_consumer_key",
    "x_consumer_secret",
    "x_token",
    "x_token_secret",
    "getxapi_key",
    "getxapi_auth_token",
    "twitterapi_io_key",
    "twitterapi_io_cookies",
    "twitterapi_io_proxy",
)
"""The settings that are secrets, each with a twin `<name>_file` that names a file instead."""

ELSEWHERE: Mapping[KeyPath, str] = {
    ("home",): "XDM_HOME",
    **{(name,): f"XDM_{name.upper()} or `{name}_file`" for name in SECRETS},
    ("http", "token"): "XDM_HTTP__TOKEN or `http.token_file`",
    ("watch", "token"): "XDM_WATCH__TOKEN or `watch.token_file`",
}
"""Keys that the file may not hold, and what to use instead: its own place, and secrets, because
people show such a file around."""

BEYOND = (ValueError, ArithmeticError, RecursionError)
"""What parsers raise of text that is none of theirs, a number or a nesting beyond all bounds."""


class _Variables(EnvSettingsSource):
    """The variables of a mapping, instead of those of the process."""

    def __init__(self, model: type[BaseSettings], env: Mapping[str, str]) -> None:
        super().__init__(model, env_prefix=PREFIX, env_nested_delimiter="__")
        self.env_vars = {name.lower(): value for name, value in env.items()}

    def next_field(
        self, field: FieldInfo | Any | None, key: str, case_sensitive: bool | None = None
    ) -> FieldInfo | None:
        """Return the setting `key` within `field`, None where a table may hold anything."""
        found = super().next_field(field, key, case_sensitive)
        return found if isinstance(found, FieldInfo) else None

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read JSON, money exactly; what is no JSON stays a string, for its setting to refuse."""
        try:
            return json.loads(value, parse_float=Decimal)
        except BEYOND:
            return value


def environment(model: type[BaseSettings], env: Mapping[str, str]) -> dict[str, Any]:
    """Return what the variables of `env` set; an empty one counts as unset.

    Raises ConfigError for a variable with our prefix that `model` does not know.
    """
    ours = {name: value for name, value in env.items() if name.startswith(PREFIX) and value}
    known = keys(model)
    tables = {key for key, field in known.items() if is_table(field)}
    for name in ours:
        key = name.removeprefix(PREFIX).lower()
        if key not in known and key.partition("__")[0] not in tables:
            raise ConfigError(unknown(key, known, (), variable))
    found = _Variables(model, ours)()
    check_keys(model, found, variable)
    return found


def file(model: type[BaseSettings], path: Path) -> dict[str, Any]:
    """Return what the file at `path` says, nothing if there is none.

    Raises ConfigError for a file that cannot be read, is no TOML, or holds a key that `model` does
    not know or that belongs elsewhere.
    """
    raw = _toml(path)
    for key, instead in ELSEWHERE.items():
        if holds(raw, key):
            raise ConfigError(f"{plain(key)} does not belong in {path.name}; use {instead}.")
    check_keys(model, raw, in_file)
    return raw


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ConfigError(f"{path.name} is a link to a file that does not exist.") from None
        return {}
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} is not UTF-8 text; save it as such.") from None
    except tomllib.TOMLDecodeError as error:
        # Never the parser's own words, which may repeat what the file says.
        place = re.search(r"\(at (line \d+, column \d+)\)\Z", str(error))
        where = f"at {place[1]}" if place else "at its end"
        raise ConfigError(f"{path.name} is not valid TOML {where}; correct it there.") from None
    except BEYOND:
        raise ConfigError(
            f"{path.name} has a number or a nesting beyond all bounds; correct it there."
        ) from None


def variable(key: KeyPath) -> str:
    """Return a key's name as a variable."""
    return f"`{PREFIX}{'__'.join(key).upper()}`"


def in_file(key: KeyPath) -> str:
    """Return a key's name as the file has it."""
    return f"{plain(key)} in {POLICY_FILE}"


def plain(key: KeyPath) -> str:
    """Return a key's name wherever it comes from."""
    return f"`{'.'.join(key)}`"


def holds(layer: Mapping[str, Any], key: KeyPath) -> bool:
    """Whether `layer` says anything of `key`."""
    inner = layer.get(key[0])
    if len(key) == 1:
        return key[0] in layer
    return isinstance(inner, Mapping) and holds(inner, key[1:])


def present(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return `layer` without what is None, at any depth."""
    return {
        key: present(value) if isinstance(value, Mapping) else value
        for key, value in layer.items()
        if value is not None
    }


def over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Return both layers in one, key by key, the upper winning."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = over(value, below)
        else:
            merged[key] = value
    return merged
