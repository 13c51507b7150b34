"""Keeping messages is the owner's choice: asked once, shown, undone by `xdm-mcp forget`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Home
from xdm_mcp.app import App
from xdm_mcp.cli import keeping
from xdm_mcp.cli.options import parser
from xdm_mcp.config import load
from xdm_mcp.models.sends import FORGOTTEN

IRIS = "2200000011"
BRAM = "2200000012"


def settle(home: Home, *options: str) -> None:
    """Be asked as a login asks."""
    keeping.settle_keeping(parser().parse_args(["login", *options]), load(home=home.path))


def answering(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """Sit at a terminal and type these lines; return the questions."""
    said, asked = iter(lines), list[str]()

    def answer(question: str = "") -> str:
        asked.append(question)
        return next(said)

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return asked


def filled(home: Home) -> None:
    """Have the inbox read by a program that keeps messages."""
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home.path / "policy.toml").write_text("[inbox]\nkeep = 30\n")

    async def work(app: App) -> None:
        await app.inbox.page()

    home.with_app(work)


def kept(home: Home) -> int:
    """Return how many messages are kept."""

    async def work(app: App) -> int:
        return await app.ledger.kept_count((await app.people.account()).id)

    number = home.with_app(work)
    assert isinstance(number, int)
    return number


def test_an_empty_answer_keeps_nothing_and_is_not_asked_for_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No is the default, and it is written down."""
    asked = answering(monkeypatch, "")
    settle(home)
    settle(home)

    assert len(asked) == 1
    assert "consent" in asked[0]
    assert load(home=home.path, env={}).inbox.keeps_for is None
    assert (home.path / "policy.toml").stat().st_mode & 0o777 == 0o600


def test_a_number_of_days_is_written_beside_what_is_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into the table that there is; an impossible number is asked for again."""
    home.path.mkdir(mode=0o700, parents=True)
    (home.path / "policy.toml").write_text('backend = "sandbox"\n\n[inbox]\nfirst_page = 10\n')
    answering(monkeypatch, "0", "ten", "90")
    settle(home)

    settings = load(home=home.path, env={})
    assert (settings.inbox.keep, settings.inbox.first_page) == (90, 10)


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("[inbox] # how it is read\nfirst_page = 10\n", 7),
        ("\ufeff[ inbox ]\nfirst_page = 10\n", 7),
        ("inbox.first_page = 10\n", "none"),
        ("inbox = { first_page = 10 }\n", "none"),
    ],
)
def test_writing_a_choice_leaves_a_file_that_says_what_it_said(
    home: Home, file: str, kept: int | str, capsys: pytest.CaptureFixture[str]
) -> None:
    """However its table is written; where nothing fits in safely the owner is told what to
    write."""
    home.path.mkdir(mode=0o700, parents=True)
    (home.path / "policy.toml").write_text(file)
    settle(home, "--keep", "7")

    inbox = load(home=home.path, env={}).inbox
    assert (inbox.keep, inbox.first_page) == (kept, 10)
    assert ("write `keep = 7` into it" in " ".join(capsys.readouterr().out.split())) == (kept != 7)


def test_an_option_answers_where_nobody_can(home: Home) -> None:
    """`--keep DAYS`, and without it nothing is kept and nothing written."""
    settle(home)
    assert not (home.path / "policy.toml").exists()
    settle(home, "--keep", "7")
    assert load(home=home.path, env={}).inbox.keep == 7
    settle(home, "--keep", "none")
    assert load(home=home.path, env={}).inbox.keep == 7


@pytest.mark.parametrize("days", ["0", "3651", "-1", "many", "1.5"])
def test_an_option_that_says_nothing_is_refused(home: Home, days: str) -> None:
    """By the command line itself."""
    code, _, err = home.run("login", f"--keep={days}")
    assert (code, "number of days" in err) == (2, True)


def test_doctor_and_status_say_what_is_kept(home: Home) -> None:
    """For how long, how many, and from when."""
    assert "No message is kept" in home.run("doctor")[1]
    filled(home)

    for command in ("doctor", "status"):
        out = " ".join(home.run(command)[1].split())
        assert "kept on this machine for 30 days" in out
        assert "of them, from 20" in out


def test_what_should_not_be_there_is_named(home: Home) -> None:
    """Turned off, until a server has erased it."""
    filled(home)
    (home.path / "policy.toml").write_text('[inbox]\nkeep = "none"\n')

    out = " ".join(home.run("doctor")[1].split())
    assert "No message is to be kept, and there are" in out
    assert "xdm-mcp forget" in out


def test_forgetting_one_person_leaves_the_others(home: Home) -> None:
    """Without a question where the option says so; a held draft to them ends too."""
    filled(home)
    approval = home.held("Hello.", to=IRIS)
    before = kept(home)
    code, out, _ = home.run("forget", "--with", "@iris_sandbox", "--yes")

    assert (code, "erased, 1 send ended before leaving" in out) == (0, True)
    assert 0 < kept(home) < before
    assert approval not in home.run("approvals")[1]
    assert FORGOTTEN in home.run("outbox", "--json")[1]


def test_forgetting_leaves_no_byte_of_their_words_or_of_drafts_to_them(home: Home) -> None:
    """In the ledger's files; the pretend X, which is X's side, keeps its own."""
    assert home.run("sandbox", "say", "iris_sandbox", "Zqcanaryin the shade")[0] == 0
    filled(home)
    home.held("Zqcanaryout is back.", to=IRIS)

    def found() -> list[bytes]:
        data = b"".join(path.read_bytes() for path in home.path.glob("ledger.db*")).lower()
        return [word for word in (b"zqcanaryin", b"zqcanaryout") if word in data]

    assert len(found()) == 2
    assert home.run("forget", "--with", IRIS, "--yes")[0] == 0
    assert found() == []


def test_forgetting_everything_is_asked_for_in_words(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything but the word leaves all as it was."""
    filled(home)
    answering(monkeypatch, "yes", "forget")

    code, _, err = home.run("forget")
    assert (code, "Nothing was forgotten" in err, kept(home) > 0) == (1, True, True)
    assert (home.run("forget")[0], kept(home)) == (0, 0)


def test_without_a_terminal_forgetting_wants_the_option(home: Home) -> None:
    """A pipe is told so."""
    code, _, err = home.run("forget")
    assert (code, "--yes" in err) == (2, True)


def test_a_conversation_is_forgotten_by_its_id(home: Home) -> None:
    """A group has nothing else; what is no id is refused."""
    filled(home)
    assert home.run("forget", "--conversation", "x", "--yes")[0] == 2
    assert home.run("forget", "--conversation", "1234567890123456", "--yes")[0] == 0
    assert kept(home) > 0


def test_a_home_with_nothing_kept_forgets_in_peace(home: Home, tmp_path: Path) -> None:
    """Nothing to erase is no failure."""
    assert home.run("forget", "--yes")[0] == 0
