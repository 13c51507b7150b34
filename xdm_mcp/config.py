"""Settings: environment variables over the owner's policy file over safe defaults.

The file is `policy.toml` in the program's home. Every key may also be given as `XDM_<SECTION>__<KEY>`; the
environment wins. The tables of `[guard.*]` belong to the guard and are checked there, with the same care.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from xdm_mcp.errors import ConfigError

POLICY_FILE = "policy.toml"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

M = TypeVar("M", bound=BaseModel)
