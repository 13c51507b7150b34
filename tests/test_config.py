"""Settings: what wins over what, what is refused, and that nothing private is ever said."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.owners import TOKEN, policy, refusal
from xdm_mcp.config import Settings, load
from xdm_mcp.guard.policy import Policy


def test_without_a_word_of_the_owner_the_safe_defaults_hold(tmp_path: Path) -> None:
    """In a home that does not exist yet, and that loading does not make."""
    home = tmp_path / "nowhere"
    settings = load(home, {})

    assert settings == Settings(home=home)
    assert (settings.backend, settings.base_url, settings.guard) == ("sandbox", None, {})
    assert settings.ledger_url == f"sqlite:///{home}/ledger.db"
    assert settings.attachments.folder == home / "attachments"
    assert (settings.http.host, settings.http.port, settings.http.sse) == ("127.0.0.1", 8765, False)
    assert settings.x_access_token is None
    assert list(tmp_path.iterdir()) == []


def test_the_home_is_the_platforms_own_unless_named(tmp_path: Path) -> None:
    """The command line wins over the environment, which wins over the platform."""
    env = {"XDM_HOME": str(tmp_path / "env")}

    assert load(None, {}).home.name == "xdm-mcp"
    assert load(None, env).home == tmp_path / "env"
    assert load(tmp_path / "flag", env).home == tmp_path / "flag"
    assert load(None, {"XDM_HOME": "~/xdm"}).home == Path.home() / "xdm"


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    """Key by key: what a higher source leaves out comes from the next."""
    home = policy(tmp_path, '[http]\nhost = "::1"\nport = 1\nsse = true\n')
    env = {"XDM_HTTP__HOST": "localhost", "XDM_HTTP__PORT": "2"}

    http = load(home, env, http={"port": 3, "host": None}).http

    assert (http.host, http.port, http.sse) == ("localhost", 3, True)


def test_an_absent_option_of_the_command_line_changes_nothing(tmp_path: Path) -> None:
    """None means that nobody said anything."""
    assert load(tmp_path, {}, backend=None, http={"port": None}) == load(tmp_path, {})


def test_every_setting_of_a_section_can_be_a_variable(tmp_path: Path) -> None:
    """Numbers and truth as text, lists as JSON, whole tables as JSON too."""
    settings = load(
        tmp_path,
        {
            "XDM_BACKEND": "x-api-v2",
            "XDM_INBOX__POLL_SECONDS": "5",
            "XDM_APPROVALS": '{"expires_minutes": 30}',
            "XDM_HTTP__SSE": "true",
            "XDM_HTTP__ALLOWED_HOSTS": '["a.example", "b.example"]',
            "XDM_ATTACHMENTS__FOLDER": "pictures",
            "XDM_LOG__LEVEL": "DEBUG",
            "XDM_SANDBOX__STORY": "quiet",
        },
    )

    assert settings.backend == "x-api-v2"
    assert settings.inbox.poll_seconds == 5
    assert settings.approvals.expires_minutes == 30
    assert settings.http.sse is True
    assert settings.http.allowed_hosts == ("a.example", "b.example")
    assert settings.attachments.folder == tmp_path / "pictures"
    assert (settings.log.level, settings.sandbox.story) == ("DEBUG", "quiet")


def test_the_guards_tables_come_from_file_and_environment_alike(tmp_path: Path) -> None:
    """They are handed on as they are, and the guard reads them."""
    home = policy(tmp_path, "[guard.rate_windows]\nper_day = 100\nper_15_minutes = 7\n")
    env = {
        "XDM_GUARD__RATE_WINDOWS__PER_DAY": "50",
        "XDM_GUARD__BUDGET__PER_DAY_USD": "0.30",
        "XDM_GUARD__LINKS": '{"enabled": false}',
        "XDM_GUARD__HALT__ENABLED": "false",
        "XDM_GUARD__RECIPIENTS__DENY": '["@ann"]',
        "XDM_GUARD__QUIET_HOURS__FROM": "22:00",
        "XDM_GUARD__QUIET_HOURS__UNTIL": "08:00",
    }

    loaded = Policy.load(load(home, env).guard)

    assert (loaded.rate_windows.per_day, loaded.rate_windows.per_15_minutes) == (50, 7)
    assert loaded.budget_.per_day_usd == Decimal("0.30")
    assert (loaded.links.enabled, loaded.halt.enabled) == (False, False)
    assert loaded.recipients.denied == ("@ann",)
    assert "22:00 to 08:00" in dict(loaded.describe())["quiet_hours"]


def test_money_in_the_file_is_exact(tmp_path: Path) -> None:
    """A decimal of TOML never passes through a binary float."""
    home = policy(tmp_path, "[guard.budget]\nper_day_usd = 0.1\n")
    assert load(home, {}).guard == {"budget": {"per_day_usd": Decimal("0.1")}}


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    """Desktop programs pass empty strings for what nobody filled in."""
    env = {"XDM_BACKEND": "", "XDM_X_ACCESS_TOKEN": "", "XDM_NONSENSE": ""}
    assert load(tmp_path, env) == load(tmp_path, {})


def test_variables_of_other_programs_are_none_of_our_business(tmp_path: Path) -> None:
    """Only the prefix `XDM_` is ours."""
    assert load(tmp_path, {"PATH": "/bin", "XDMCP": "1", "xdm_backend": "x"}) == load(tmp_path, {})


def test_constructing_settings_reads_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `load` does, and it reads that of the process where none is given."""
    monkeypatch.setenv("XDM_BACKEND", "x-api-v2")

    assert Settings(home=tmp_path).backend == "sandbox"
    assert load(tmp_path).backend == "x-api-v2"


def test_paths_lie_in_the_home_unless_they_say_otherwise(tmp_path: Path) -> None:
    """Relative ones begin there; absolute ones and `~` are themselves."""
    home = policy(tmp_path, '[attachments]\nfolder = "pictures"\n[http]\ntoken_file = "/t"\n')
    settings = load(home, {"XDM_LEDGER_URL": "sqlite:///{home}/other.db"})

    assert settings.attachments.folder == tmp_path / "pictures"
    assert settings.http.token_file == Path("/t")
    assert settings.ledger_url == f"sqlite:///{tmp_path}/other.db"
    assert load(home, {"XDM_LEDGER_URL": "sqlite:///:memory:"}).ledger_url == "sqlite:///:memory:"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example",
        "https://api.example:8443/base",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:1",
    ],
)
def test_a_base_url_is_https_or_on_this_machine(tmp_path: Path, url: str) -> None:
    """A slash at its end is dropped."""
    assert load(tmp_path, {"XDM_BASE_URL": f"{url}/"}).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.2",
        "ftp://localhost",
        "https://",
        "api.example",
        "https://ann:pw@api.example",
        "https://api.example?x=1",
        "https://api.example#x",
        "https://[::1",
        "https://api.example:99999",
        "https://api.example:0",
    ],
)
def test_any_other_base_url_is_refused_in_one_sentence(tmp_path: Path, url: str) -> None:
    """A password in it is not repeated."""
    assert refusal(tmp_path, {"XDM_BASE_URL": url}) == (
        "`XDM_BASE_URL` must be an https address, or an http one of this machine such as"
        " http://127.0.0.1:8080, without user, query or fragment."
    )


def test_the_pages_other_address_is_read_as_browsers_write_it(tmp_path: Path) -> None:
    """A browser writes names in small letters; the page compares by exact text."""
    said = {"XDM_APPROVALS__ADDRESS": "https://DM.Example:8443/"}
    assert load(tmp_path, said).approvals.address == "https://dm.example:8443"


@pytest.mark.parametrize(
    "url", ["https://dm.example/approvals", "https://dm.example:443", "https://bücher.example"]
)
def test_an_address_that_no_browser_would_send_as_origin_is_refused(
    tmp_path: Path, url: str
) -> None:
    """The page would open there and take no form."""
    says = refusal(tmp_path, {"XDM_APPROVALS__ADDRESS": url})
    assert says.startswith("`XDM_APPROVALS__ADDRESS` must be a name alone such as")


def test_a_token_may_come_from_a_file_that_only_the_variable_names(tmp_path: Path) -> None:
    """Blanks and line ends round it are dropped, as they are of the variable itself."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    by_file = load(tmp_path, {"XDM_X_ACCESS_TOKEN_FILE": "token"}).x_access_token
    by_name = load(tmp_path, {"XDM_X_ACCESS_TOKEN": f"{TOKEN}\n"}).x_access_token

    assert by_file is not None
    assert by_file == by_name
    assert by_file.get_secret_value() == TOKEN


@pytest.mark.parametrize("content", ["", " \n", "two words", "\x00 \xff"])
def test_a_token_file_holds_one_token(tmp_path: Path, content: str) -> None:
    """Anything else is refused without being repeated."""
    (tmp_path / "token").write_text(content, "latin-1")
    says = refusal(tmp_path, {"XDM_X_ACCESS_TOKEN_FILE": "token"})
    assert "words" not in says


def test_a_token_given_twice_is_refused(tmp_path: Path) -> None:
    """Nobody guesses which one is meant."""
    (tmp_path / "token").write_text(TOKEN)
    env = {"XDM_X_ACCESS_TOKEN": TOKEN, "XDM_X_ACCESS_TOKEN_FILE": "token"}
    assert refusal(tmp_path, env) == (
        "XDM_X_ACCESS_TOKEN and `x_access_token_file` are both set; keep one."
    )


def test_secrets_are_in_no_representation(tmp_path: Path) -> None:
    """Neither tokens nor a database's password."""
    env = {
        "XDM_X_ACCESS_TOKEN": TOKEN,
        "XDM_HTTP__TOKEN": TOKEN,
        "XDM_LEDGER_URL": f"postgresql://xdm:{TOKEN}@db.example/xdm",
    }
    settings = load(tmp_path, env)

    assert TOKEN not in repr(settings) + str(settings) + f"{settings.http}"
    assert settings.ledger_url.endswith("@db.example/xdm")


def test_settings_never_change(tmp_path: Path) -> None:
    """Neither at the top nor in a section."""
    settings = load(tmp_path, {})

    for thing, key in ((settings, "backend"), (settings.http, "port")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(thing, key, "x")


def test_loading_is_cheap_to_import() -> None:
    """The start of a server pays for settings, and for nothing that a setting may need later."""
    heavy = {"mcp", "starlette", "uvicorn", "httpx2", "apsw", "rich", "platformdirs"}
    code = "import sys, xdm_mcp.config, xdm_mcp.guard.policy; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(out.stdout.split()) == set()
