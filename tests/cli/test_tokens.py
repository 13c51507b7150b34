"""The commands about tokens: made and shown once, listed without their words, ended at once."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Home
from xdm_mcp.credentials.tokens import FILE, READ, SCOPES, Tokens, digest_of
from xdm_mcp.errors import ConfigError

NOW = datetime.now(UTC)
TWO = '[[principal]]\nname = "alice"\n[[principal]]\nname = "bob"\n'


def principals(home: Home, text: str = TWO) -> None:
    """Write the owner's file of principals."""
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home.path / "principals.toml"
    file.touch(0o600)
    file.write_text(text)


def made(home: Home, *arguments: str) -> str:
    """Make a token and return it."""
    code, out, err = home.run("tokens", "add", *arguments)
    assert code == 0, err
    return out.removesuffix("\n")


def test_a_token_is_shown_once_and_kept_as_a_digest_that_only_the_owner_reads(home: Home) -> None:
    """Alone on stdout; the file has its digest, and nothing else finds it again."""
    token = made(home, "claude", "--scopes", "dm:read,dm:send")
    assert token.startswith("xdm_")
    assert len(token) >= 47
    file = home.path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in file.read_text()
    assert digest_of(token) in file.read_text()
    _, out, _ = home.run("tokens", "list")
    assert out == "claude: dm:read dm:send, never ends\n"
    (known,) = Tokens(home.path).listed()
    assert (known.scopes, known.principal) == (SCOPES, None)


def test_no_two_tokens_are_alike_and_no_name_is_given_twice(home: Home) -> None:
    """A name is one token; a second one under it is refused."""
    assert made(home, "a", "--scopes", READ) != made(home, "b", "--scopes", READ)
    code, out, err = home.run("tokens", "add", "a", "--scopes", READ)
    assert (code, out) == (2, "")
    assert "already" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "a", "--scopes", "dm:approve"),
        ("add", "a", "--scopes", "dm:read,approve"),
        ("add", "a", "--scopes", ""),
        ("add", "a/b", "--scopes", "dm:read"),
        ("add", "a", "--scopes", "dm:read", "--principal", "alice"),
        ("add", "a", "--scopes", "dm:read", "--expires", "never"),
        ("add", "a"),
        ("remove", "a"),
    ],
)
def test_what_cannot_be_is_refused(home: Home, arguments: tuple[str, ...]) -> None:
    """There is no scope that approves, no nameless token and nobody else to act for."""
    code, out, _ = home.run("tokens", *arguments)
    assert (code, out) == (2, "")
    assert Tokens(home.path).listed() == ()


def test_a_removed_token_opens_nothing_in_a_server_that_runs(home: Home) -> None:
    """The file is read again when it changed."""
    token = made(home, "a", "--scopes", READ)
    running = Tokens(home.path)
    assert running.find(token, NOW) is not None
    assert home.run("tokens", "remove", "a")[0] == 0
    assert running.find(token, NOW) is None
    again = made(home, "a", "--scopes", READ)
    assert running.find(again, NOW) is not None
    assert running.find(token, NOW) is None


def test_a_token_ends_after_the_days_it_was_given(home: Home) -> None:
    """And the list says so."""
    token = made(home, "a", "--scopes", READ, "--expires", "2")
    tokens = Tokens(home.path)
    assert tokens.find(token, NOW + timedelta(days=1)) is not None
    assert tokens.find(token, NOW + timedelta(days=3)) is None
    made(home, "b", "--scopes", READ, "--expires", "0")
    _, out, _ = home.run("tokens", "list", "--json")
    assert [one["ended"] for one in json.loads(out)] == [False, True]
    assert token not in out


def test_with_principals_a_token_names_one_of_them(home: Home) -> None:
    """Without a name, or with one that is none, nothing is made."""
    principals(home)
    for wrong in ((), ("--principal", "carol")):
        code, _, err = home.run("tokens", "add", "a", "--scopes", READ, *wrong)
        assert code == 2
        assert "alice, bob" in err
    made(home, "a", "--scopes", READ, "--principal", "bob")
    assert home.run("tokens", "list")[1].startswith("a for bob: dm:read")


def test_who_names_a_principal_sees_and_ends_its_tokens_alone(home: Home) -> None:
    """A slip of the name takes nothing from another."""
    principals(home)
    token = made(home, "a", "--scopes", READ, "--principal", "alice")
    made(home, "b", "--scopes", READ, "--principal", "bob")
    assert home.run("tokens", "list", "--principal", "bob")[1] == "b for bob: dm:read, never ends\n"
    code, _, err = home.run("tokens", "remove", "a", "--principal", "bob")
    assert code == 2
    assert "no such token" in err
    assert Tokens(home.path).find(token, NOW) is not None
    assert home.run("tokens", "remove", "a", "--principal", "alice")[0] == 0
    assert Tokens(home.path).find(token, NOW) is None


def test_a_file_that_others_may_read_meanwhile_knows_no_token(home: Home) -> None:
    """A running server looks again though not a word of it changed."""
    token = made(home, "a", "--scopes", READ)
    running = Tokens(home.path)
    assert running.find(token, NOW) is not None
    (home.path / FILE).chmod(0o644)
    assert running.find(token, NOW) is None


def test_a_digest_that_is_none_is_damage(home: Home) -> None:
    """It is no reason to fail in the middle of a request."""
    token = made(home, "a", "--scopes", READ)
    file = home.path / FILE
    file.write_text(file.read_text().replace(digest_of(token), "é" * 64))
    assert Tokens(home.path).find(token, NOW) is None


def test_a_file_that_others_could_read_knows_no_token(home: Home) -> None:
    """Neither a command nor a running server trusts it."""
    token = made(home, "a", "--scopes", READ)
    (home.path / FILE).chmod(0o644)
    assert Tokens(home.path).find(token, NOW) is None
    with pytest.raises(ConfigError, match="make new tokens"):
        Tokens(home.path).listed()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tokens": [{}]}', '{"tokens": [1]}'])
def test_a_damaged_file_knows_no_token_and_says_so(home: Home, text: str) -> None:
    """One sentence, and the way on."""
    made(home, "a", "--scopes", READ)
    (home.path / FILE).write_text(text)
    code, _, err = home.run("tokens", "list")
    assert code == 2
    assert "damaged" in err


def test_every_command_works_on_the_principal_that_it_names(home: Home) -> None:
    """Its own home, made in the owner's, and none of the settings of the environment."""
    principals(home)
    assert home.run("status", "--principal", "alice")[0] == 0
    assert (home.path / "principals" / "alice" / "ledger.db").exists()
    assert not (home.path / "ledger.db").exists()
    code, _, err = home.run("status", "--principal", "carol")
    assert (code, err.count("\n")) == (2, 1)
    assert "no such principal" in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TWO + '[[principal]]\nname = "bob"\n', "share a name"),
        (TWO.replace('"bob"', '"bob"\nhome = "principals/alice"'), "share a home"),
        ('[[principal]]\nname = "Alice Smith"\n', "principal.name"),
        ('[[principal]]\nname = "a"\nissuer = "https://id.example"\n', "issuer and subject"),
        ('[[principal]]\nname = "a"\nissuer = "http://id.example"\nsubject = "1"\n', "https"),
        ('[[principal]]\nname = "a"\naccount = "1"\n', "There is no setting"),
        ("", "names 1 to 64 principals"),
        ("name = 1", "and nothing else"),
        ("[[", "not valid TOML"),
    ],
)
def test_a_file_of_principals_that_could_mix_them_is_refused(
    home: Home, text: str, says: str
) -> None:
    """No server starts and no command works on it; the sentence says what to correct."""
    principals(home, text)
    for command in (("status", "--principal", "a"), ("serve", "--transport", "http")):
        code, out, err = home.run(*command)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert says in err, err


def test_a_file_of_principals_that_others_may_write_is_refused(home: Home) -> None:
    """Who may write it may give away an account."""
    principals(home)
    (home.path / "principals.toml").chmod(0o666)
    code, _, err = home.run("serve", "--transport", "http")
    assert code == 2
    assert "open to other users" in err


def test_two_principals_that_speak_for_one_account_are_refused(home: Home) -> None:
    """Each would count limits and money by itself."""
    principals(home)
    for name in ("alice", "bob"):
        own = home.path / "principals" / name
        own.mkdir(parents=True, mode=0o700)
        (own / "token").write_text("the-same-token")
        (own / "policy.toml").write_text('backend = "x-api-v2"\nx_access_token_file = "token"\n')
    code, _, err = home.run("serve", "--transport", "http", "--port", "0")
    assert (code, err.count("\n")) == (2, 1)
    assert "share an account" in err


def test_the_token_of_the_settings_is_refused_with_principals(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names none of them."""
    principals(home)
    monkeypatch.setenv("XDM_HTTP__TOKEN", "s3cret")
    code, _, err = home.run("serve", "--transport", "http", "--port", "0")
    assert code == 2
    assert "names no principal" in err


def test_over_http_nothing_is_served_until_there_is_a_token(home: Home, tmp_path: Path) -> None:
    """On the loopback too; the sentence is the command to run."""
    code, _, err = home.run("serve", "--transport", "http", "--port", "0")
    assert code == 2
    assert "xdm-mcp tokens add NAME --scopes dm:read,dm:send" in err


def test_an_end_beyond_the_calendar_is_refused_in_a_sentence(home: Home) -> None:
    """Nothing is made."""
    code, _, err = home.run("tokens", "add", "x", "--scopes", "dm:read", "--expires", "999999999")
    assert code != 0
    assert "--expires takes at most 36500 days" in err
    assert not (home.path / FILE).exists()


def test_a_file_that_is_nested_beyond_reading_is_called_damaged(home: Home) -> None:
    """Like every other file that is not ours."""
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home.path / FILE
    file.touch(0o600)
    file.write_text("[" * 100_000)
    code, _, err = home.run("tokens", "list")
    assert code != 0
    assert "is damaged" in err


def test_a_home_that_is_no_path_is_refused_in_a_sentence(home: Home) -> None:
    """A slip of the owner's pen is no traceback."""
    principals(home, '[[principal]]\nname = "alice"\nhome = "a\\u0000b"\n')
    code, _, err = home.run("tokens", "add", "x", "--scopes", "dm:read", "--principal", "alice")
    assert code != 0
    assert "is no path" in err
