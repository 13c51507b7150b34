"""The tables of the owner's file, one class each, and the kinds of value that they hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this very machine."""

DEFAULT_PORTS = {"https": 443, "http": 80}
"""Ports that browsers leave out of an origin."""

SIGNATURES = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""How a token may be signed: only in ways in which who checks a signature cannot make one."""


def one_word(secret: SecretStr) -> SecretStr:
    """Return a secret without the blanks around it. Raises ValueError for more than one word."""
    words = secret.get_secret_value().split()
    if len(words) != 1:
        raise ValueError("must be one token without spaces")
    return SecretStr(words[0])


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("must not begin with the folder of a user whom nobody knows") from None


def https_url(url: str) -> str:
    """Return an address as it is. Raises ValueError for one that is not safe to speak to."""
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        fits = bool(parts.hostname) and safe and plain and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            "must be an https address, or an http one of this machine such as http://127.0.0.1:8080,"
            " without user, query or fragment"
        )
    return url


def _origin(url: str) -> str:
    return https_url(url).rstrip("/")


def _page_origin(url: str) -> str:
    """Return an origin as browsers write it, for the page compares it by exact text."""
    parts = urlsplit(_origin(url))
    if parts.path or not url.isascii() or parts.port == DEFAULT_PORTS[parts.scheme]:
        raise ValueError(
            "must be a name alone such as https://dm.example, without the page's own path, in ASCII"
            " and without the usual port"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


Days = Annotated[int, Field(ge=1, le=3_650)]
Secret = Annotated[SecretStr, AfterValidator(one_word)]
Strings = Annotated[tuple[str, ...], Field(strict=False)]
Url = Annotated[str, AfterValidator(_origin)]
Origin = Annotated[str, AfterValidator(_page_origin)]
ExactUrl = Annotated[str, AfterValidator(https_url)]
"""An address that is compared with what others write: its last slash counts."""

UserPath = Annotated[Path, Field(strict=False), AfterValidator(_expanded)]


def hidden(name: str, what: str) -> Any:
    """Return a setting that is a secret, and says where it may stand."""
    says = f"{what} Only as `XDM_{name.upper()}`, never in the file."
    return Field(default=None, description=says)


def twin() -> Any:
    """Return the setting of the file that holds a secret instead."""
    says = "File that holds it; a relative path lies in the home."
    return Field(default=None, description=says)


class Section(BaseModel):
    """One table of the file. Closed, so that a slip of the pen never goes unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class InboxSettings(Section):
    """How the inbox is read."""

    poll_seconds: int = Field(
        default=100,
        ge=1,
        le=3_600,
        description="Seconds between looks at an inbox that a client watches; up to five times more"
        " while it is quiet for long.",
    )
    reads_per_day: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Most pages of messages that are read in 24 hours, by all processes of the"
        " account; unset sets no bound beside the backend's and the budget's.",
    )
    horizon_days: int = Field(
        default=30, ge=1, le=365, description="How far back messages are read, in days."
    )
    first_page: int = Field(
        default=20, ge=1, le=100, description="Messages in one page read from X."
    )
    max_pages: int = Field(
        default=5, ge=1, le=100, description="Pages that one look reads at most."
    )
    keep: Literal["none"] | Days = Field(
        default="none",
        description="For how many days messages are kept in the ledger, so that they can be"
        " searched; `none` keeps no text. See [keeping](keeping.md).",
    )

    @property
    def keeps_for(self) -> timedelta | None:
        """For how long messages are kept, None where they are not."""
        return None if self.keep == "none" else timedelta(days=self.keep)


class ApprovalsSettings(Section):
    """How long a person has to decide, and where."""

    expires_minutes: int = Field(
        default=15, ge=1, le=1_440, description="Minutes after which an undecided send ends unsent."
    )
    page: Literal["on_demand", "off"] = Field(
        default="on_demand",
        description="Whether a server offers the approval page; on stdio it opens when something"
        " is first held.",
    )
    port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port of the page on 127.0.0.1 and ::1; 0 takes a free one.",
    )
    address: Origin | None = Field(
        default=None,
        description="Where other machines may reach the page, such as https://dm.example: behind a"
        " proxy that does TLS. Without it only this machine may.",
    )


class HttpSettings(Section):
    """Where the server listens when it serves over HTTP, and to whom."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(
        default=8765, ge=0, le=65_535, description="Port to listen on; 0 takes a free one."
    )
    sse: bool = Field(default=False, description="`true` serves the older SSE transport too.")
    token: Secret | None = hidden(
        "http__token", "One token that clients may show beside those of `xdm-mcp tokens`."
    )
    token_file: UserPath | None = Field(
        default=None, description="File that holds this token; a relative path lies in the home."
    )
    allowed_hosts: Strings = Field(
        default=(), description="Host headers to accept beside those of the loopback."
    )
    allowed_origins: Strings = Field(default=(), description="Origins of web pages that may call.")
    tls_cert: UserPath | None = Field(
        default=None,
        description="File of the certificate and its chain (PEM), for TLS without a proxy; a"
        " relative path lies in the home.",
    )
    tls_key: UserPath | None = Field(
        default=None, description="File of the certificate's key (PEM), without a passphrase."
    )
    behind_tls_proxy: bool = Field(
        default=False,
        description="`true` says that nobody reaches this address but through a proxy of yours that"
        " does TLS.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("needs tls_cert and tls_key, or neither")
        return self


class OAuthSettings(Section):
    """The authorization server whose tokens are taken over HTTP; `principals.toml` says for whom
    each subject acts."""

    issuer: ExactUrl | None = Field(
        default=None, description="Its issuer, exactly as its tokens name it. Without it: none."
    )
    audience: ExactUrl | None = Field(
        default=None,
        description="Our own address as clients know it, such as https://dm.example/mcp: what a"
        " token must be made for.",
    )
    jwks_url: ExactUrl | None = Field(
        default=None, description="Where its keys are; without it its metadata says so."
    )
    algorithms: Strings = Field(
        default=("RS256", "ES256"),
        description="What tokens may be signed with: RS, PS or ES with 256, 384 or 512, EdDSA.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.issuer is None) != (self.audience is None):
            raise ValueError("needs both issuer and audience, or neither")
        if not self.algorithms or not SIGNATURES.issuperset(self.algorithms):
            raise ValueError(f"takes algorithms among {', '.join(sorted(SIGNATURES))}")
        return self


class AttachmentsSettings(Section):
    """What images may be sent."""

    folder: UserPath = Field(
        default=Path("attachments"),
        description="The folder whose images may be attached, and no others; a relative path lies"
        " in the home.",
    )
    max_bytes: int = Field(
        default=5_000_000,
        ge=1,
        le=5_000_000,
        description="Largest image in bytes (docs.x.com media, 2026-08).",
    )


class SandboxSettings(Section):
    """The pretend X."""

    story: str = Field(
        default="default", min_length=1, description="The story that the sandbox tells."
    )


class WatchSettings(Section):
    """How the server may be watched while it runs, with the extra `xdm-mcp[watch]`."""

    token: Secret | None = hidden(
        "watch__token", "What must be shown for /metrics; without one there are no metrics."
    )
    token_file: UserPath | None = Field(
        default=None, description="File that holds this token; a relative path lies in the home."
    )
    traces: bool = Field(
        default=False,
        description="`true` sends OpenTelemetry spans where the OTEL_ variables say.",
    )


class LogSettings(Section):
    """What is written to stderr."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="Least weight of a line; no level ever shows message text."
    )
    format: Literal["text", "json"] = Field(
        default="text", description="`json` writes each line as one JSON object."
    )
