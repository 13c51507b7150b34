"""What each command takes, in words and options."""

from __future__ import annotations

from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xdm_mcp import __version__
from xdm_mcp.cli import (
    approvals,
    audit,
    clear,
    costs,
    demo,
    doctor,
    factors,
    forget,
    keeping,
    login,
    outbox,
    page,
    sandbox,
    serve,
    standing_rules,
    status,
    tokens,
    whoami,
)
from xdm_mcp.cli.menus import (
    ABOUT,
    APPROVALS,
    CLEAR,
    COMMANDS,
    LATER,
    OUTBOX,
    PASSKEYS,
    RULE_EXTRAS,
    RULES,
    SANDBOX,
    TOKENS,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[ArgumentParser]

Run = Callable[[Namespace], int]
"""Runs a command and returns the exit code."""

PROGRAM = "xdm-mcp"

Shape = partial(RawDescriptionHelpFormatter, max_help_position=22, width=96)


def parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    top = ArgumentParser(
        PROGRAM,
        usage=f"{PROGRAM} [COMMAND] [OPTIONS]",
        description=_with_list(ABOUT, COMMANDS),
        epilog=LATER,
        formatter_class=Shape,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    top.set_defaults(run=serve.serve, home=None, principal=None, backend=None)
    top.set_defaults(json=False, transport="stdio", sse=False, host=None, port=None)
    top.set_defaults(behind_tls_proxy=False)
    commands = top.add_subparsers(prog=PROGRAM, metavar="COMMAND", help=SUPPRESS)
    _add_serve(commands)
    _add(commands, "demo", COMMANDS["demo"], demo.demo)
    _add_logins(commands)
    _add_approvals(commands)
    _add_outbox(commands)
    _add_audit(commands)
    for name, run in (("status", status.status), ("doctor", doctor.doctor)):
        _add_place(_add_json(_add(commands, name, COMMANDS[name], run)))
    commands.choices["doctor"].add_argument(
        "--online", action="store_true", help="also ask the service who the login speaks for"
    )
    _add_costs(commands)
    _add_tokens(commands)
    _add_sandbox(commands)
    _add_clear(commands)
    _add_forget(commands)
    return top


def _add_serve(commands: Commands) -> None:
    serving = _add(commands, "serve", COMMANDS["serve"], serve.serve)
    serving.add_argument("--transport", choices=("stdio", "http"), default="stdio")
    serving.add_argument("--sse", action="store_true", help="with http: also HTTP+SSE at /sse")
    serving.add_argument("--host", help="with http: address to listen on (127.0.0.1)")
    serving.add_argument("--port", type=_port, help="with http: port to listen on (8765)")
    serving.add_argument(
        "--behind-tls-proxy",
        action="store_true",
        help="with http: a proxy of yours does TLS, and nobody gets around it",
    )
    _add_place(serving)


def _add_logins(commands: Commands) -> None:
    entering = _add(commands, "login", COMMANDS["login"], login.login)
    entering.add_argument(
        "--store",
        choices=("keyring", "file", "database"),
        default="keyring",
        help="where to keep it (keyring); `database` is that of a ledger in PostgreSQL",
    )
    entering.add_argument(
        "--headless", action="store_true", help="open the page elsewhere, paste what it leads to"
    )
    entering.add_argument("--port", type=_port, help="port of the callback address (8739)")
    entering.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="read a secret from a file instead of asking",
    )
    entering.add_argument(
        "--keep",
        type=_days,
        metavar="DAYS",
        help="for how many days messages are kept on this machine, or none; else you are asked",
    )
    leaving = _add(commands, "logout", COMMANDS["logout"], whoami.logout)
    for command in (entering, leaving):
        command.add_argument("--base-url", help="another address of the service (XDM_BASE_URL)")
        _add_place(command)
    _add_place(_add_json(_add(commands, "whoami", COMMANDS["whoami"], whoami.whoami)))


def _add_approvals(commands: Commands) -> None:
    listing = _add(commands, "approvals", COMMANDS["approvals"], approvals.show, APPROVALS)
    _add_place(_add_json(listing))
    verbs = _holding(listing, "approvals")
    yes = _add(verbs, "approve", APPROVALS["approve ID"], approvals.approve)
    no = _add(verbs, "reject", APPROVALS["reject ID"], approvals.reject)
    for verb in (yes, no):
        verb.add_argument(
            "id", metavar="ID", help="its approval id, or at least 4 first characters"
        )
        _add_place(verb)
    serving = _add(verbs, "serve", APPROVALS["serve"], page.serve)
    serving.add_argument("--port", type=_port, help="port on 127.0.0.1 and ::1 (any free one)")
    for verb in (serving, _add(verbs, "open", APPROVALS["open"], page.open_page)):
        _add_place(verb)
    _add_place(_add(verbs, "pin", APPROVALS["pin"], factors.pin))
    _add_rules(verbs)
    keys = _add(verbs, "passkeys", APPROVALS["passkeys"], factors.passkeys, PASSKEYS)
    _add_place(_add_json(keys))
    forget = _add(
        _holding(keys, "approvals passkeys"),
        "remove",
        PASSKEYS["remove ID"],
        factors.remove_passkey,
    )
    forget.add_argument("id", metavar="ID", help="its id, or at least 4 first characters")
    _add_place(forget)


def _add_rules(verbs: Commands) -> None:
    top = _add(verbs, "rules", APPROVALS["rules"], standing_rules.listed, RULES)
    top.set_defaults(account=None)
    inner = _holding(top, "approvals rules")
    listing = _add(inner, "list", RULES["list"], standing_rules.listed)
    making = _add(inner, "add", RULES["add"], standing_rules.add)
    ending = _add(inner, "withdraw", RULES["withdraw ID"], standing_rules.withdraw)
    whom = making.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", metavar="ID", help="one person, by numeric user id")
    whom.add_argument("--anyone", action="store_true", help="whoever wrote to you first")
    making.add_argument("--per-day", type=int, default=5, help="messages in any 24 hours (5)")
    making.add_argument("--max-length", type=int, default=500, help="characters of a text (500)")
    making.add_argument(
        "--until", metavar="WHEN", type=standing_rules.moment_of, help="date or time (in 30 days)"
    )
    for option, says in RULE_EXTRAS.items():
        making.add_argument(option, action="store_true", help=says)
    ending.add_argument("id", metavar="ID", help="its number in the list")
    for verb in (making, ending):
        verb.add_argument("--account", metavar="ID", help="the account's numeric id, to ask nobody")
    for verb in (_add_json(top), _add_json(listing), making, ending):
        _add_place(verb)


def _add_outbox(commands: Commands) -> None:
    listing = _add(commands, "outbox", COMMANDS["outbox"], outbox.show, OUTBOX)
    listing.add_argument("--limit", type=_count, default=20, help="how many sends to list (20)")
    _add_place(_add_json(listing))
    verbs = _holding(listing, "outbox")
    settling = _add(verbs, "resolve", OUTBOX["resolve ENTRY"], outbox.resolve)
    settling.add_argument("entry", metavar="ENTRY", type=_count, help="its number in the list")
    word = settling.add_mutually_exclusive_group(required=True)
    word.add_argument("--sent", action="store_true", help="you saw the message in X")
    word.add_argument("--not-sent", action="store_true", help="you saw that X does not have it")
    _add_place(settling)


def _add_audit(commands: Commands) -> None:
    listing = _add(commands, "audit", COMMANDS["audit"], audit.show)
    listing.add_argument("--limit", type=_count, default=20, help="how many records to list (20)")
    listing.add_argument("--verify", action="store_true", help="check the whole chain instead")
    _add_place(_add_json(listing))


def _add_costs(commands: Commands) -> None:
    comparing = _add_json(_add(commands, "costs", COMMANDS["costs"], costs.costs))
    comparing.add_argument("--sends", type=_count, default=100, help="messages sent (100)")
    comparing.add_argument("--reads", type=_count, default=1_000, help="messages read (1000)")
    comparing.add_argument("--lookups", type=_count, default=0, help="people looked up (0)")


def _add_tokens(commands: Commands) -> None:
    top = _add(commands, "tokens", COMMANDS["tokens"], None, TOKENS)
    verbs = _holding(top, "tokens", required=True)
    making = _add(verbs, "add", TOKENS["add NAME"], tokens.add)
    making.add_argument(
        "--scopes", required=True, metavar="SCOPES", help="dm:read, dm:send, or dm:read,dm:send"
    )
    making.add_argument("--expires", type=_count, metavar="DAYS", help="days until it ends (never)")
    ending = _add(verbs, "remove", TOKENS["remove NAME"], tokens.remove)
    for verb in (making, ending):
        verb.add_argument("name", metavar="NAME", help="what you call it")
    for verb in (making, ending, _add_json(_add(verbs, "list", TOKENS["list"], tokens.listed))):
        _add_home(verb)


def _add_sandbox(commands: Commands) -> None:
    top = _add(commands, "sandbox", COMMANDS["sandbox"], None, SANDBOX)
    verbs = _holding(top, "sandbox", required=True)
    serving = _add(verbs, "serve", SANDBOX["serve"], sandbox.serve)
    serving.add_argument("--host", default="127.0.0.1", help="loopback address (127.0.0.1)")
    serving.add_argument("--port", type=_port, default=8766, help="port (8766), 0 for any free one")
    serving.add_argument("--story", help="which story a new world begins with")
    listing = _add_json(_add(verbs, "deliveries", SANDBOX["deliveries"], sandbox.deliveries))
    saying = _add(verbs, "say", SANDBOX["say WHO TEXT"], sandbox.say)
    saying.add_argument("who", metavar="WHO", help="@handle or numeric id of somebody in the world")
    saying.add_argument("text", metavar="TEXT", help="what they write")
    resetting = _add(verbs, "reset", SANDBOX["reset"], sandbox.reset)
    for verb in (serving, listing, saying, resetting):
        _add_home(verb)


def _add_clear(commands: Commands) -> None:
    verbs = _holding(
        _add(commands, "clear", COMMANDS["clear"], None, CLEAR), "clear", required=True
    )
    halt = _add(verbs, "halt", CLEAR["halt [CODE]"], clear.clear_halt)
    halt.add_argument("code", metavar="CODE", nargs="?", help="which halt; without it, all")
    silence = _add(verbs, "opt-out", CLEAR["opt-out USER"], clear.clear_opt_out)
    silence.add_argument("user", metavar="USER", help="their @handle or numeric id")
    for verb in (halt, silence):
        verb.add_argument("--account", metavar="ID", help="the account's numeric id, to ask nobody")
        _add_place(verb)


def _add_forget(commands: Commands) -> None:
    erasing = _add(commands, "forget", COMMANDS["forget"], forget.forget)
    whom = erasing.add_mutually_exclusive_group()
    whom.add_argument("--with", dest="user", metavar="USER", help="only those with one person")
    whom.add_argument("--conversation", metavar="ID", help="only those of one conversation")
    erasing.add_argument("--yes", action="store_true", help="ask for no word")
    erasing.add_argument("--account", metavar="ID", help="the account's numeric id, to ask nobody")
    _add_place(erasing)


def _add(
    commands: Commands,
    name: str,
    says: str,
    run: Run | None,
    holds: Mapping[str, str] | None = None,
) -> ArgumentParser:
    """Add a command; without `run` it only holds others, which `holds` lists."""
    sentence = f"{says[0].upper()}{says[1:]}."
    command = commands.add_parser(
        name,
        description=_with_list(sentence, holds) if holds else sentence,
        formatter_class=Shape,
        allow_abbrev=False,
    )
    if run is not None:
        command.set_defaults(run=run)
    return command


def _holding(command: ArgumentParser, name: str, *, required: bool = False) -> Commands:
    """Let a command hold others; where it does nothing by itself one of them is `required`."""
    command.usage = f"{PROGRAM} {name} {'COMMAND' if required else '[COMMAND]'} [OPTIONS]"
    held = command.add_subparsers(prog=f"{PROGRAM} {name}", metavar="COMMAND", help=SUPPRESS)
    if required:
        command.set_defaults(run=lambda _: command.error(f"say which: {', '.join(held.choices)}"))
    return held


def _with_list(says: str, commands: Mapping[str, str]) -> str:
    """Return a description with an aligned list of commands below it."""
    width = max(map(len, commands))
    rows = [f"  {name:<{width}}  {what}" for name, what in commands.items()]
    return "\n".join([says, "", "commands:", *rows])


def _port(text: str) -> int:
    """Return a port of TCP, 0 for any free one. Raises ArgumentTypeError for what is none."""
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise ArgumentTypeError("a port is a whole number from 0 to 65535")


def _days(text: str) -> str:
    """Return for how long messages are kept. Raises ArgumentTypeError for what says nothing of
    it."""
    if keeping.is_answer(text):
        return text
    raise ArgumentTypeError(f"it is none, or a number of days from 1 to {keeping.LONGEST}")


def _count(text: str) -> int:
    """Return a number of things. Raises ArgumentTypeError for what is none, or beyond counting."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise ArgumentTypeError("a number of things is a whole number below a thousand million")


def _add_home(command: ArgumentParser) -> ArgumentParser:
    command.add_argument(
        "--home", type=Path, default=SUPPRESS, help="folder of everything written (XDM_HOME)"
    )
    command.add_argument(
        "--principal", metavar="NAME", default=SUPPRESS, help="whose account, by principals.toml"
    )
    return command


def _add_place(command: ArgumentParser) -> ArgumentParser:
    command.add_argument("--backend", default=SUPPRESS, help="service to use (XDM_BACKEND)")
    return _add_home(command)


def _add_json(command: ArgumentParser) -> ArgumentParser:
    command.add_argument("--json", action="store_true", default=SUPPRESS, help="stable plain JSON")
    return command
