"""What the owner wrote wrongly: one sentence each, wherever it was written, and never the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.owners import TOKEN, policy, refusal
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "bakend = 'sandbox'",
            "There is no setting `bakend` in policy.toml; the nearest is `backend` in policy.toml.",
        ),
        (
            "[inbox]\npoll_second = 1",
            "There is no setting `inbox.poll_second` in policy.toml;"
            " the nearest is `inbox.poll_seconds` in policy.toml.",
        ),
        (
            "[log]\nzebra = 1",
            "There is no setting `log.zebra` in policy.toml; known are level and format.",
        ),
        (
            "_env_file = '.env'",
            "There is no setting `_env_file` in policy.toml;"
            " the nearest is `x_token_file` in policy.toml.",
        ),
        (
            "[inbox]\npoll_seconds = 0",
            "`inbox.poll_seconds` in policy.toml must be a whole number from 1 to 3600.",
        ),
        (
            "[inbox]\npoll_seconds = 'soon'",
            "`inbox.poll_seconds` in policy.toml must be a whole number from 1 to 3600.",
        ),
        (
            "[inbox]\npoll_seconds = true",
            "`inbox.poll_seconds` in policy.toml must be a whole number from 1 to 3600.",
        ),
        ("[http]\nsse = 'yes'", "`http.sse` in policy.toml must be true or false."),
        ("http = 1", "`http` in policy.toml must be a table."),
        ("guard = []", "`guard` in policy.toml must be a table."),
        ("backend = ''", "`backend` in policy.toml must be a string that is not empty."),
        (
            "[http]\nallowed_hosts = 'a'",
            '`http.allowed_hosts` in policy.toml must be a list of strings such as ["one", "two"].',
        ),
        (
            "[attachments]\nfolder = 3",
            "`attachments.folder` in policy.toml must be a path in a string.",
        ),
        (
            "[log]\nlevel = 'loud'",
            '`log.level` in policy.toml must be "DEBUG", "INFO", "WARNING" or "ERROR".',
        ),
        ("home = '/tmp'", "`home` does not belong in policy.toml; use XDM_HOME."),
        (
            f"x_access_token = '{TOKEN}'",
            "`x_access_token` does not belong in policy.toml;"
            " use XDM_X_ACCESS_TOKEN or `x_access_token_file`.",
        ),
        (
            f"[http]\ntoken = '{TOKEN}'",
            "`http.token` does not belong in policy.toml;"
            " use XDM_HTTP__TOKEN or `http.token_file`.",
        ),
        (
            f"a = 1\nx_access_token = {TOKEN}",
            "policy.toml is not valid TOML at line 2, column 18; correct it there.",
        ),
        ("a = [1,", "policy.toml is not valid TOML at its end; correct it there."),
        *(
            (text, "policy.toml has a number or a nesting beyond all bounds; correct it there.")
            for text in (f"a = {'9' * 5_000}", "a = 1e99999999999999999999", "a = " + "[" * 9_999)
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    """It names the key, what is allowed or the nearest that exists, and never the value."""
    found = refusal(policy(tmp_path, text))

    assert TOKEN not in found
    assert found == says


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "XDM_BAKEND",
            "x",
            "There is no setting `XDM_BAKEND`; the nearest is `XDM_BACKEND`.",
        ),
        (
            "XDM_HTP__PORT",
            "1",
            "There is no setting `XDM_HTP__PORT`; the nearest is `XDM_HTTP`.",
        ),
        (
            "XDM_HTTP__PROT",
            "1",
            "There is no setting `XDM_HTTP__PROT`; the nearest is `XDM_HTTP__PORT`.",
        ),
        (
            "XDM_BACKEND__X",
            "1",
            "There is no setting `XDM_BACKEND__X`; the nearest is `XDM_BACKEND`.",
        ),
        ("XDM_HTTP__PORT", TOKEN, "`XDM_HTTP__PORT` must be a whole number from 0 to 65535."),
        ("XDM_HTTP__PORT", "65536", "`XDM_HTTP__PORT` must be a whole number from 0 to 65535."),
        (
            "XDM_HTTP__ALLOWED_HOSTS",
            "a,b",
            '`XDM_HTTP__ALLOWED_HOSTS` must be a list of strings such as ["one", "two"].',
        ),
        ("XDM_HTTP", TOKEN, "`XDM_HTTP` must be a table."),
        ("XDM_GUARD", TOKEN, "`XDM_GUARD` must be a table."),
        (
            "XDM_X_ACCESS_TOKEN",
            f"{TOKEN} and more",
            "`XDM_X_ACCESS_TOKEN` must be one token without spaces.",
        ),
        ("XDM_HTTP__TOKEN", f" {TOKEN} x", "`XDM_HTTP__TOKEN` must be one token without spaces."),
        (
            "XDM_X_ACCESS_TOKEN_FILE",
            "nowhere",
            "`x_access_token_file` must name a readable file"
            " that holds one token and nothing else.",
        ),
    ],
)
def test_a_variable_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    """It names the variable, and never the value."""
    found = refusal(tmp_path, {name: value})

    assert found == says
    assert TOKEN not in found


def test_a_home_of_nobody_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Wherever it is named."""
    says = "must not begin with the folder of a user whom nobody knows."

    with pytest.raises(ConfigError, match=f"`XDM_HOME` {says}"):
        load(None, {"XDM_HOME": "~nobody-at-all/xdm"})
    text = "x_access_token_file = '~nobody-at-all/token'"
    assert refusal(policy(tmp_path, text)) == f"`x_access_token_file` in policy.toml {says}"


def test_an_option_that_cannot_be_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """The command line is checked like every other source."""
    assert refusal(tmp_path, http={"prot": 1}) == (
        "There is no setting `http.prot`; the nearest is `http.port`."
    )
    assert refusal(tmp_path, {"XDM_HTTP__PORT": "9"}, http={"port": -1}) == (
        "`http.port` must be a whole number from 0 to 65535."
    )


def test_a_file_that_cannot_be_read_is_an_error_and_never_a_default(tmp_path: Path) -> None:
    """An owner's stricter policy must not silently count for nothing."""
    (tmp_path / "policy.toml").mkdir()
    assert refusal(tmp_path) == "policy.toml cannot be read (Is a directory)."


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """UTF-8 only; a byte-order mark is fine."""
    (tmp_path / "policy.toml").write_bytes(b"backend = '\xff'")
    assert refusal(tmp_path) == "policy.toml is not UTF-8 text; save it as such."

    (tmp_path / "policy.toml").write_bytes(b"\xef\xbb\xbfbackend = 'sandbox'")
    assert load(tmp_path, {}).backend == "sandbox"


def test_a_link_to_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """It is not the same as having no file."""
    (tmp_path / "policy.toml").symlink_to(tmp_path / "gone.toml")
    assert refusal(tmp_path) == "policy.toml is a link to a file that does not exist."


def test_a_file_that_everybody_may_read_is_fine(tmp_path: Path) -> None:
    """It holds no secrets."""
    policy(tmp_path, "backend = 'sandbox'")
    (tmp_path / "policy.toml").chmod(0o644)
    assert load(tmp_path, {}).backend == "sandbox"


def test_a_variable_of_a_nesting_beyond_all_bounds_is_no_table() -> None:
    """It stays text, which its setting refuses like any other."""
    with pytest.raises(ConfigError, match="XDM_INBOX"):
        load(env={"XDM_INBOX": "[" * 99_999})
