"""Settings: the command line over the environment over the owner's file over safe defaults.

The file is `policy.toml` in the program's home. Every key may also be given as a variable
`XDM_<SECTION>__<KEY>`, lists and tables as JSON. The tables `[guard.*]` belong to the guard and are
checked there, with the same care. Loading writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from xdm_mcp import sources
from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import (
    ApprovalsSettings,
    AttachmentsSettings,
    HttpSettings,
    InboxSettings,
    LogSettings,
    OAuthSettings,
    SandboxSettings,
    Secret,
    Strings,
    Url,
    UserPath,
    WatchSettings,
    hidden,
    one_word,
    twin,
)
from xdm_mcp.sources import POLICY_FILE, SECRETS
from xdm_mcp.tables import KeyPath, Label, check_keys, complaint

Layer = Mapping[str, Any]
"""What one source says, as tables."""


def _default_home() -> Path:
    # Imported here because it is not needed where the owner names the home.
    from platformdirs import user_data_path

    return user_data_path("xdm-mcp")


class Settings(BaseSettings):
    """Everything the owner can set. Constructing it reads its arguments alone; see `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
    )

    home: UserPath = Field(
        default_factory=_default_home,
        description="Folder of everything the program keeps; by default the platform's folder for"
        " program data. Not in the file, which lies there.",
    )
    backend: str = Field(default="sandbox", min_length=1, description="The service on the wire.")
    base_url: Url | None = Field(
        default=None, description="Another address of the backend: https, or http on this machine."
    )
    ledger_url: str = Field(
        default="sqlite:///{home}/ledger.db",
        min_length=1,
        repr=False,
        description="Where the ledger lives; `{home}` stands for the home.",
    )
    x_access_token: Secret | None = hidden("x_access_token", "Token of the X account.")
    x_access_token_file: UserPath | None = Field(
        default=None, description="File that holds this token; a relative path lies in the home."
    )
    x_client_id: str | None = Field(
        default=None,
        min_length=1,
        description="The app's OAuth 2.0 client id, for `xdm-mcp login`.",
    )
    x_client_secret: Secret | None = hidden(
        "x_client_secret", "The secret of a confidential app (OAuth 2.0), for `xdm-mcp login`."
    )
    x_client_secret_file: UserPath | None = twin()
    x_consumer_key: Secret | None = hidden(
        "x_consumer_key", "The app's key (OAuth 1.0a), for the backend `x-api-v1`."
    )
    x_consumer_key_file: UserPath | None = twin()
    x_consumer_secret: Secret | None = hidden("x_consumer_secret", "The app's secret (OAuth 1.0a).")
    x_consumer_secret_file: UserPath | None = twin()
    x_token: Secret | None = hidden("x_token", "The X account's token for that app (OAuth 1.0a).")
    x_token_file: UserPath | None = twin()
    x_token_secret: Secret | None = hidden(
        "x_token_secret", "The secret of that token (OAuth 1.0a)."
    )
    x_token_secret_file: UserPath | None = twin()
    acknowledge_risk: Strings = Field(
        default=(),
        description="Backends that X does not permit and whose use you answer for, such as"
        ' `["getxapi"]`. They start only when they are named here.',
    )
    getxapi_key: Secret | None = hidden("getxapi_key", "The key of a GetXAPI account.")
    getxapi_key_file: UserPath | None = twin()
    getxapi_auth_token: Secret | None = hidden(
        "getxapi_auth_token", "The `auth_token` cookie of the X account, for GetXAPI."
    )
    getxapi_auth_token_file: UserPath | None = twin()
    twitterapi_io_key: Secret | None = hidden(
        "twitterapi_io_key", "The key of a twitterapi.io account."
    )
    twitterapi_io_key_file: UserPath | None = twin()
    twitterapi_io_cookies: Secret | None = hidden(
        "twitterapi_io_cookies",
        "The login cookies of the X account, as twitterapi.io's log-in gave them.",
    )
    twitterapi_io_cookies_file: UserPath | None = twin()
    twitterapi_io_proxy: Secret | None = hidden(
        "twitterapi_io_proxy",
        "The address of the proxy, with its password, that twitterapi.io is to use.",
    )
    twitterapi_io_proxy_file: UserPath | None = twin()
    inbox: InboxSettings = InboxSettings()
    approvals: ApprovalsSettings = ApprovalsSettings()
    http: HttpSettings = HttpSettings()
    oauth: OAuthSettings = OAuthSettings()
    attachments: AttachmentsSettings = AttachmentsSettings()
    sandbox: SandboxSettings = SandboxSettings()
    watch: WatchSettings = WatchSettings()
    log: LogSettings = LogSettings()
    guard: dict[str, Any] = Field(default={}, description="The guard's tables, one per rule.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the arguments alone: see `load`."""
        return (init_settings,)

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.absolute()

    @field_validator("ledger_url")
    @classmethod
    def _ledger_in_home(cls, url: str, info: ValidationInfo) -> str:
        return url.replace("{home}", str(_home(info)))

    @field_validator(*(f"{name}_file" for name in SECRETS))
    @classmethod
    def _file_in_home(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        return file and _home(info) / file

    @field_validator("http")
    @classmethod
    def _files_in_home(cls, http: HttpSettings, info: ValidationInfo) -> HttpSettings:
        files = {"token_file": http.token_file, "tls_cert": http.tls_cert, "tls_key": http.tls_key}
        here = {name: file and _home(info) / file for name, file in files.items()}
        return http.model_copy(update=here)

    @field_validator("watch")
    @classmethod
    def _watch_token_in_home(cls, watch: WatchSettings, info: ValidationInfo) -> WatchSettings:
        file = watch.token_file and _home(info) / watch.token_file
        return watch.model_copy(update={"token_file": file})

    @field_validator("attachments")
    @classmethod
    def _folder_in_home(
        cls, attachments: AttachmentsSettings, info: ValidationInfo
    ) -> AttachmentsSettings:
        return attachments.model_copy(update={"folder": _home(info) / attachments.folder})


def _home(info: ValidationInfo) -> Path:
    home: Path = info.data.get("home", Path())
    return home


def load(
    home: Path | None = None, env: Mapping[str, str] | None = None, **overrides: object
) -> Settings:
    """Return the settings: `overrides` over the variables `env` over the file in the home.

    An override of None counts as absent, inside a section too. Raises ConfigError with one sentence
    for whatever is wrong; it names the key and never its value. A missing home or file is fine.
    """
    given = sources.present({**overrides, "home": home})
    environment = sources.environment(Settings, os.environ if env is None else env)
    check_keys(Settings, given, sources.plain)
    chosen = sources.over(given, environment)
    homes = {key: value for key, value in chosen.items() if key == "home"}
    place = _validated(homes, partial(_name, given, environment, {})).home
    file = sources.file(Settings, place / POLICY_FILE)
    raw = sources.over(chosen, file)
    return _with_secrets(_validated(raw, partial(_name, given, environment, file)))


def _validated(raw: Mapping[str, Any], label: Label) -> Settings:
    try:
        return Settings(**raw)
    except ValidationError as error:
        raise ConfigError(complaint(error, Settings, label)) from None


def read_secret(path: Path, name: str) -> SecretStr:
    """Return the one token that the file at `path` holds. Raises ConfigError, which says `name`."""
    try:
        return one_word(SecretStr(path.read_text("utf-8")))
    except (OSError, ValueError):
        raise ConfigError(
            f"{name} must name a readable file that holds one token and nothing else."
        ) from None


def _with_secrets(settings: Settings) -> Settings:
    """Return the settings with every secret read whose file they name."""
    read: dict[str, SecretStr] = {}
    for name in SECRETS:
        file: Path | None = getattr(settings, f"{name}_file")
        if file is not None and getattr(settings, name) is not None:
            raise ConfigError(f"XDM_{name.upper()} and `{name}_file` are both set; keep one.")
        if file is not None:
            read[name] = read_secret(file, f"`{name}_file`")
    return settings.model_copy(update=read) if read else settings


def _name(given: Layer, environment: Layer, file: Layer, key: KeyPath) -> str:
    """Return how the owner wrote a key, by the uppermost layer that has it."""
    if sources.holds(given, key):
        return sources.plain(key)
    if sources.holds(environment, key):
        return sources.variable(key)
    return sources.in_file(key) if sources.holds(file, key) else sources.plain(key)
