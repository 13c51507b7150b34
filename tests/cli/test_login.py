"""`xdm-mcp login`, `whoami`, `logout`: at a terminal, with a browser that agrees at once."""

from __future__ import annotations

import json
import re
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from tests.cli.conftest import Home
from tests.cli.terminals import Terminal
from tests.credentials.serving import BACKEND, OWNER, PUBLIC_CLIENT, Served, serving
from xdm_mcp.backends.registry import BACKENDS
from xdm_mcp.cli import login
from xdm_mcp.credentials.speaker import NAMES
from xdm_mcp.credentials.store import Store
from xdm_mcp.sandbox.oauth.authority import CLIENT_SECRET, CONFIDENTIAL_CLIENT

OPTIONS = ("login", "--store", "file", "--port", "0", "--base-url")
SECRET = "canary-typed-secret"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A pretend X with an authorization server, for the whole module."""
    with serving() as x:
        yield x


class Person:
    """Who sits at the terminal: types answers in turn, and a browser that follows redirects."""

    def __init__(self, x: Served, patch: pytest.MonkeyPatch) -> None:
        """Sit down."""
        self.x = x
        self.lines: list[str] = []
        self.secrets: list[str] = []
        self.asked: list[str] = []
        self.page = ""
        self.change: Callable[[str], str] = str
        patch.setattr("builtins.input", self._line)
        patch.setattr(login, "secret", self._secret)
        patch.setattr(sys, "stdin", self)
        patch.setattr(webbrowser, "open", self._open)

    def isatty(self) -> bool:
        """A terminal it is."""
        return True

    def _line(self, question: str = "") -> str:
        self.asked.append(question)
        return self.lines.pop(0)

    def _secret(self, question: str) -> str:
        self.asked.append(question)
        return self.secrets.pop(0)

    def _open(self, url: str) -> None:
        threading.Thread(target=self._browse, args=(url,), daemon=True).start()

    def _browse(self, url: str) -> None:
        back = self.x.browser.get(url).headers["location"]
        changed = self.change(back)
        self.page = self.x.browser.get(changed).text
        if changed != back:
            self.x.browser.get(back)


@pytest.fixture
def person(served: Served, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody who answers nothing yet."""
    served.forget()
    return Person(served, monkeypatch)


def in_(home: Home, person: Person, *options: str, lines: list[str], secrets: list[str]) -> Any:
    """Log in with these answers; return code, stdout and stderr."""
    person.lines, person.secrets = list(lines), list(secrets)
    return home.run(*OPTIONS, person.x.url, *options)


def test_a_login_shows_whose_account_it_is_asks_and_stores(
    home: Home, person: Person, served: Served
) -> None:
    """By the browser: the page says that it can be closed, the login is kept privately."""
    code, out, _ = in_(home, person, lines=[PUBLIC_CLIENT, "y", "n", ""], secrets=[""])
    assert code == 0
    assert f"@you, numeric id {OWNER}" in out
    assert "close this page" in person.page
    record = Store(home.path).load(BACKEND)
    assert record is not None
    assert (record.account_id, record.handle, record.origin) == (OWNER, "you", served.url)
    assert served.authority.scopes_of(record.access)
    assert record.access not in out
    assert record.refresh not in out


def test_a_confidential_app_logs_in_with_its_secret(home: Home, person: Person) -> None:
    """The secret is typed unseen, kept with the login, and shown nowhere."""
    lines = [CONFIDENTIAL_CLIENT, "y", "n", ""]
    code, out, err = in_(home, person, lines=lines, secrets=[CLIENT_SECRET])
    assert code == 0
    assert CLIENT_SECRET not in out + err
    record = Store(home.path).load(BACKEND)
    assert record is not None
    assert CLIENT_SECRET in record.secrets.values()


def test_without_a_yes_nothing_is_stored_and_the_tokens_end(
    home: Home, person: Person, served: Served
) -> None:
    """Anything but a typed yes: no file, and the tokens are revoked."""
    code, out, _ = in_(home, person, lines=[PUBLIC_CLIENT, ""], secrets=[""])
    assert (code, "Nothing was stored" in out) == (1, True)
    assert Store(home.path).load(BACKEND) is None
    assert not served.authority.families[0].alive


def test_a_refusal_on_the_page_asks_for_no_token(
    home: Home, person: Person, served: Served
) -> None:
    """Who says no on X's page ends it there."""
    served.authority.denies = True
    code, _, err = in_(home, person, lines=[PUBLIC_CLIENT], secrets=[""])
    assert (code, "denied" in err) == (1, True)
    assert served.authority.counts["authorization_code"] == 0


def test_a_strangers_redirect_is_refused_and_the_login_goes_on(home: Home, person: Person) -> None:
    """A page that knows the callback address but not the state changes nothing."""
    person.change = lambda back: re.sub(r"state=[^&]*", "state=guessed", back)
    code, _, _ = in_(home, person, lines=[PUBLIC_CLIENT, "y", "n", ""], secrets=[""])
    assert code == 0
    assert "answers nothing but" in person.page


def test_scopes_that_were_not_granted_are_named(home: Home, person: Person, served: Served) -> None:
    """Each with what cannot be done without it."""
    served.authority.grants = frozenset({"dm.read", "tweet.read", "users.read"})
    _, out, _ = in_(home, person, lines=[PUBLIC_CLIENT, "y", "n", ""], secrets=[""])
    assert "dm.write, so nothing can be sent" in out
    assert "offline.access, so the login ends after two hours" in out


def test_another_account_is_shown_beside_the_old_one(
    home: Home, person: Person, served: Served
) -> None:
    """Before the login of one account takes the place of another's, both are named."""
    Store(home.path).save(served.record(account_id="77", handle="before"), "file")
    _, out, _ = in_(home, person, lines=["", "y", "n", ""], secrets=[""])
    assert "instead of  @before, numeric id 77" in out
    assert any(f"[{PUBLIC_CLIENT}]" in question for question in person.asked)


def test_the_login_can_be_made_the_one_in_use(home: Home, person: Person) -> None:
    """A yes writes the backend into the owner's file, and the next command speaks for it."""
    code, _, _ = in_(home, person, lines=[PUBLIC_CLIENT, "y", "", ""], secrets=[""])
    assert code == 0
    assert 'backend = "x-api-v2"' in (home.path / "policy.toml").read_text()
    code, out, _ = home.run("status", "--json")
    assert (code, json.loads(out)["account_id"]) == (0, OWNER)


def test_a_policy_with_a_byte_order_mark_is_still_one_after_a_login(
    home: Home, person: Person
) -> None:
    """The mark stands at the head of a file or nowhere."""
    home.path.mkdir(parents=True, mode=0o700)
    (home.path / "policy.toml").write_text("\ufeff[guard.budget]\nper_day_usd = 1\n")
    assert in_(home, person, lines=[PUBLIC_CLIENT, "y", "", ""], secrets=[""])[0] == 0
    code, out, _ = home.run("status", "--json")
    assert (code, json.loads(out)["account_id"]) == (0, OWNER)


def test_a_policy_that_says_otherwise_is_left_alone(home: Home, person: Person) -> None:
    """What the owner wrote stands; the setting is named instead."""
    home.path.mkdir(parents=True, mode=0o700)
    (home.path / "policy.toml").write_text('backend = "sandbox"\n')
    _, out, _ = in_(home, person, lines=[PUBLIC_CLIENT, "y", ""], secrets=[""])
    assert "XDM_BACKEND=x-api-v2" in out
    written = (home.path / "policy.toml").read_text()
    assert written == 'backend = "sandbox"\n\n[inbox]\nkeep = "none"\n'


def test_headless_on_a_real_terminal(tmp_path: Path, served: Served) -> None:
    """Another machine's browser: the address is printed, and what it leads to is pasted."""
    served.forget()
    options = ("login", "--headless", "--store", "file", "--base-url", served.url)
    with Terminal(tmp_path / "home", *options, XDM_X_CLIENT_ID=PUBLIC_CLIENT) as terminal:
        terminal.until("Client secret")
        terminal.type("\n")
        terminal.until("Paste it here")
        shown = terminal.shown.replace("\r\n", "").replace("\n", "")
        url = re.search(rf"{served.url}/i/oauth2/authorize\?\S+S256", shown)
        assert url is not None
        terminal.type(served.browser.get(url[0]).headers["location"] + "\n")
        terminal.until("to speak for?")
        terminal.type("y\n")
        terminal.until("Use it from now on?")
        terminal.type("n\n")
        terminal.until("For how many days")
        terminal.type("30\n")
        assert terminal.ends() == 0
    record = Store(tmp_path / "home").load(BACKEND)
    assert record is not None
    assert record.account_id == OWNER


def test_a_wrong_paste_stores_nothing(home: Home, person: Person) -> None:
    """An address of another login is refused in one sentence."""
    lines = [PUBLIC_CLIENT, "http://127.0.0.1:8739/callback?code=c&state=s"]
    code, _, err = in_(home, person, "--headless", lines=lines, secrets=[""])
    assert (code, "another login" in err) == (1, True)
    assert Store(home.path).load(BACKEND) is None


def test_a_taken_port_names_the_way_out(home: Home, person: Person) -> None:
    """Somebody else listens at the callback address: `--headless` needs none."""
    with httpx2.Client() as _, serving() as other:
        port = other.url.rpartition(":")[2]
        person.lines, person.secrets = [PUBLIC_CLIENT], [""]
        code, _, err = home.run("login", "--store", "file", "--port", port)
    assert (code, "--headless" in err) == (2, True)


def test_without_a_keyring_the_file_is_named(home: Home, person: Person) -> None:
    """Before anything is asked."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        code, _, err = home.run("login", "--base-url", person.x.url)
    finally:
        keyring.set_keyring(before)
    assert (code, "--store file" in err, person.asked) == (2, True, [])


def test_without_a_terminal_nobody_is_asked(home: Home, served: Served) -> None:
    """A pipe gets one sentence."""
    code, _, err = home.run(*OPTIONS, served.url)
    assert (code, "run it in a terminal" in err) == (2, True)


def test_no_option_takes_a_secret(home: Home) -> None:
    """Nothing of a login's help names an option whose value would be a secret."""
    _, out, _ = home.run("login", "--help")
    options = set(re.findall(r"--[a-z-]+", out))
    assert options == {
        *("--help", "--store", "--headless", "--port", "--file", "--base-url", "--backend"),
        *("--home", "--principal", "--keep"),
    }


@pytest.mark.parametrize("backend", [name for name in NAMES if name != BACKEND])
def test_every_other_backend_asks_for_its_secrets(
    home: Home, person: Person, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """Each is asked for by a name, and no login is stored that nobody answered for."""
    if backend not in BACKENDS:
        pytest.skip("not registered")
    monkeypatch.setenv("XDM_ACKNOWLEDGE_RISK", f'["{backend}"]')
    monkeypatch.setenv("XDM_BASE_URL", "http://127.0.0.1:9")
    person.secrets = [f"{SECRET}-{number}" for number in range(len(NAMES[backend]))]
    code, out, err = home.run("login", "--store", "file", "--backend", backend)
    assert code != 0
    assert [q.partition(":")[0] for q in person.asked] == [login.PROMPTS[n] for n in NAMES[backend]]
    assert Store(home.path).load(backend) is None
    assert SECRET not in out + err


def test_secrets_come_from_files_too(
    home: Home, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--file NAME=PATH` names a file; the arguments never hold what is in it."""
    monkeypatch.setenv("XDM_BASE_URL", "http://127.0.0.1:9")
    options: list[str] = []
    for name in NAMES["x-api-v1"]:
        (tmp_path / name).write_text(f"{SECRET}\n")
        options += ["--file", f"{name}={tmp_path / name}"]
    code, _, err = home.run("login", "--store", "file", "--backend", "x-api-v1", *options)
    assert (code, person.asked) == (1, [])
    assert SECRET not in err
    code, _, err = home.run("login", "--store", "file", "--backend", "x-api-v1", "--file", "key=x")
    assert (code, "x_consumer_key" in err) == (2, True)


def test_an_unacknowledged_risk_comes_first(home: Home, person: Person) -> None:
    """Nobody types a cookie before the risk was acknowledged."""
    code, _, err = home.run("login", "--store", "file", "--backend", "getxapi")
    assert (code, person.asked, "acknowledge_risk" in err) == (2, [], True)


def test_whoami_shows_whom_the_login_speaks_for(home: Home, served: Served) -> None:
    """Without asking the network and without any secret."""
    code, out, _ = home.run("whoami")
    assert (code, "Nobody is logged in" in out) == (1, True)
    served.forget()
    record = served.logged_in(home.path)
    code, out, _ = home.run("whoami")
    assert code == 0
    assert f"@you, numeric id {OWNER}" in out
    code, told, _ = home.run("whoami", "--json")
    (row,) = json.loads(told)
    assert (row["account_id"], row["broken"], "dm.write" in row["scopes"]) == (OWNER, False, True)
    assert all(secret not in out + told for secret in record.secrets.values())


def test_logging_out_ends_the_tokens_and_leaves_nothing(home: Home, served: Served) -> None:
    """At X and here; a second time there is nobody."""
    served.forget()
    record = served.logged_in(home.path)
    code, out, _ = home.run("logout", "--backend", BACKEND)
    assert (code, "Logged out" in out) == (0, True)
    assert served.authority.scopes_of(record.access) is None
    left = [file.name for file in Store(home.path).folder.iterdir()]
    assert left == [f"{BACKEND}.lock"]
    assert home.run("logout", "--backend", BACKEND)[0] == 1


def test_logging_out_without_x_says_what_is_left_to_do(home: Home, served: Served) -> None:
    """Where X did not answer, the login is forgotten here and the person told so."""
    Store(home.path).save(served.record(origin="http://127.0.0.1:9"), "file")
    code, out, _ = home.run("logout", "--backend", BACKEND)
    assert (code, "revoke the app" in out) == (0, True)
    assert Store(home.path).load(BACKEND) is None


def test_an_account_that_is_not_the_logins_is_refused(home: Home, served: Served) -> None:
    """A token that suddenly speaks for somebody else is not spoken with."""
    served.forget()
    Store(home.path).save(served.record(account_id="2200000011"), "file")
    (home.path / "policy.toml").write_text(f'backend = "{BACKEND}"\nbase_url = "{served.url}"\n')
    code, _, err = home.run("status")
    assert (code, "another account" in err) == (1, True)


def test_an_explicit_token_wins_over_the_login(
    home: Home, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the owner sets is used, and the store is not even read."""
    served.forget()
    record = served.logged_in(home.path)
    Store(home.path).file_of(BACKEND).chmod(0o644)
    monkeypatch.setenv("XDM_X_ACCESS_TOKEN", record.access)
    monkeypatch.setenv("XDM_BACKEND", BACKEND)
    monkeypatch.setenv("XDM_BASE_URL", served.url)
    code, out, _ = home.run("status", "--json")
    assert (code, json.loads(out)["account_id"]) == (0, OWNER)
