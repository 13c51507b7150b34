"""The command line as a whole: help, exit codes, and one sentence for every foreseen failure."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.children import environment, run
from tests.cli.conftest import Home
from xdm_mcp import __version__
from xdm_mcp.cli.menus import COMMANDS
from xdm_mcp.cli.options import parser

ROOT = Path(__file__).parents[2]


def test_the_help_of_the_documentation_is_the_help_of_the_program(home: Home) -> None:
    """docs/command-line.md begins with what `--help` prints, word for word."""
    code, out, _ = home.run("--help")
    assert code == 0
    assert f"```\n{out}```" in (ROOT / "docs" / "command-line.md").read_text()


def test_every_command_has_help_and_is_documented(home: Home) -> None:
    """Each command explains itself and has its place in the documentation."""
    page = (ROOT / "docs" / "command-line.md").read_text()
    for name in COMMANDS:
        assert home.run(name, "--help")[0] == 0
        assert f"`xdm-mcp {name}`" in page


def commands(
    top: ArgumentParser | None = None, name: str = ""
) -> Iterator[tuple[str, ArgumentParser]]:
    """Yield every command with its parser, those within others too."""
    for action in (top or parser())._actions:
        if isinstance(action, _SubParsersAction):
            for word, command in action.choices.items():
                yield f"{name} {word}".strip(), command
                yield from commands(command, f"{name} {word}".strip())


def test_the_documentation_names_every_command_that_prints_json() -> None:
    """All of them, and no other."""
    page = (ROOT / "docs" / "command-line.md").read_text()
    listed = re.search(r"every command that reads \((.*?)\)", page, re.DOTALL)
    assert listed is not None
    able = [name for name, command in commands() if "--json" in command._option_string_actions]
    assert set(re.findall(r"`([^`]*)`", listed[1])) == set(able)


def test_every_command_but_two_takes_a_principal() -> None:
    """`demo` has a home of its own, and `costs` needs none; what only holds others does nothing."""
    lacking = [
        name for name, command in commands() if "--principal" not in command._option_string_actions
    ]
    assert set(lacking) == {"demo", "costs", "tokens", "sandbox", "clear"}


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ("tokens", "add, remove, list"),
        ("sandbox", "serve, deliveries, say, reset"),
        ("clear", "halt, opt-out"),
    ],
)
def test_a_command_that_only_holds_others_names_them(home: Home, command: str, held: str) -> None:
    """By itself it does nothing, and its usage says that a command belongs there."""
    code, out, err = home.run(command)
    assert (code, out) == (2, "")
    assert err == (
        f"usage: xdm-mcp {command} COMMAND [OPTIONS]\nxdm-mcp {command}: error: say which: {held}\n"
    )


@pytest.mark.parametrize("command", ["approvals", "outbox", "approvals rules"])
def test_the_usage_of_a_command_shows_that_it_holds_others(home: Home, command: str) -> None:
    """It does something by itself as well."""
    says = f"usage: xdm-mcp {command} [COMMAND] [OPTIONS]\n"
    assert home.run(*command.split(), "--help")[1].startswith(says)


def test_the_version_is_that_of_the_package(home: Home) -> None:
    """`--version` prints one line."""
    assert home.run("--version") == (0, f"xdm-mcp {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("status", "--no-such-option"),
        ("approvals", "approve"),
        ("approvals", "approve", "abcd", "--ye"),
        ("sandbox",),
        ("serve", "--transport", "carrier-pigeon"),
        ("serve", "--port", "x"),
        ("sandbox", "serve", "--port", "65536"),
    ],
    ids=" ".join,
)
def test_what_is_no_command_exits_with_2(home: Home, arguments: tuple[str, ...]) -> None:
    """A slip of the pen does nothing and is explained on stderr."""
    code, out, err = home.run(*arguments)
    assert (code, out) == (2, "")
    assert "error:" in err
    assert not home.path.exists()


@pytest.mark.parametrize(
    ("arguments", "policy", "named"),
    [
        (("status",), "[guard.budget]\nper_dya = 1\n", "per_day"),
        (("status",), "not toml", "policy.toml"),
        (("status", "--backend", "no-such"), "", "XDM_BACKEND"),
        (("serve", "--sse"), "", "--transport http"),
        (("serve", "--transport", "http", "--host", "0.0.0.0"), "", "xdm-mcp tokens add"),  # noqa: S104
    ],
    ids=["unknown key", "no TOML", "unknown backend", "SSE on stdio", "open to all"],
)
def test_wrong_settings_are_one_sentence_and_exit_2(
    home: Home, arguments: tuple[str, ...], policy: str, named: str
) -> None:
    """The sentence names the setting to correct; no traceback, nothing on stdout."""
    home.path.mkdir(parents=True, mode=0o700)
    (home.path / "policy.toml").write_text(policy)
    code, out, err = home.run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert named in err


def test_missing_credentials_are_one_sentence(home: Home) -> None:
    """A real backend that nobody is logged in at says how to log in."""
    code, out, err = home.run("status", "--backend", "x-api-v2")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "xdm-mcp login" in err


def test_a_home_that_cannot_be_written_is_one_sentence(home: Home) -> None:
    """Where no folder can be made, the commands say so."""
    for exit_code, *command in ((2, "approvals"), (1, "sandbox", "deliveries")):
        code, out, err = home.run(*command, "--home", "/proc/nowhere")
        assert (code, out, err.count("\n")) == (exit_code, "", 1)


def test_a_ledger_of_a_newer_version_is_one_sentence(home: Home) -> None:
    """A ledger that a later version wrote is left alone."""
    import apsw

    home.run("status")
    ledger = apsw.Connection(str(home.path / "ledger.db"))
    ledger.pragma("user_version", 999)
    ledger.close()
    code, out, err = home.run("approvals")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "newer" in err


def test_a_port_in_use_is_one_sentence(home: Home) -> None:
    """Both servers name the port that somebody else has."""
    home.run("tokens", "add", "agent", "--scopes", "dm:read")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (["serve", "--transport", "http"], ["sandbox", "serve"]):
            code, _, err = home.run(*command, "--port", port)
            assert (code, err.count("\n")) == (2, 1)
            assert port in err


def test_a_reader_that_leaves_early_causes_no_traceback(tmp_path: Path) -> None:
    """Output into a closed pipe ends the command without a word."""
    read, write = os.pipe()
    os.close(read)
    child = subprocess.run(
        [sys.executable, "-m", "xdm_mcp", "status"],
        env=environment(tmp_path),
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (child.returncode, child.stderr) == (1, b"")


def test_a_terminal_without_unicode_gets_numbers_instead_of_a_failure(tmp_path: Path) -> None:
    """Where bars cannot be encoded they are escaped."""
    told = run(tmp_path, "status", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert told.returncode == 0, told.stderr
    assert "\\u2591" in told.stdout
