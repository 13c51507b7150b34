"""Whether messages are kept on this machine: asked once, at login, and written down."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from argparse import Namespace
from pathlib import Path

from xdm_mcp.cli.paint import screen
from xdm_mcp.config import Settings
from xdm_mcp.credentials.files import write_private
from xdm_mcp.errors import ConfigError
from xdm_mcp.sources import POLICY_FILE

LONGEST = 3_650
"""For how many days messages can be kept."""

HEAD = re.compile(r"\s*\[\s*inbox\s*\]\s*(#.*)?")
"""A line that begins the table."""

QUESTION = (
    "Keep a copy of your messages on this machine, so that they can be searched at once? X wants"
    " your consent for it. It lies in the ledger, only for you to read, and `xdm-mcp forget` erases"
    " it. For how many days"
)


def settle_keeping(args: Namespace, settings: Settings) -> None:
    """Ask the owner once whether messages are kept, and write the answer into the owner's file.

    What the file or the environment says already stands; `--keep` answers without a question, and
    where nobody can be asked nothing is kept.
    """
    policy = settings.home / POLICY_FILE
    chosen: str | None = args.keep
    if _said(policy) or "XDM_INBOX__KEEP" in os.environ:
        if chosen is not None:
            says = f"Whether messages are kept is settled already; change `keep` in {policy}."
            screen().print(says, style="yellow")
        return
    if chosen is None:
        if not sys.stdin.isatty():
            return
        chosen = _asked()
    value = "none" if chosen == "none" else int(chosen)
    try:
        _write(policy, value)
    except ConfigError as error:
        screen().print(str(error), style="yellow")
        return
    screen().print(told(value), style="green")


def told(keep: str | int) -> str:
    """Say in a sentence what a setting means."""
    if keep == "none":
        return "No message is kept on this machine."
    return f"Messages are kept on this machine for {keep} {'day' if keep == 1 else 'days'}."


def is_answer(text: str) -> bool:
    """Whether a text says for how long messages are kept: `none`, or a number of days."""
    number = text.isascii() and text.isdigit() and len(text) <= 4
    return text == "none" or (number and 1 <= int(text) <= LONGEST)


def _said(policy: Path) -> bool:
    """Whether the owner's file says something about keeping."""
    try:
        inbox = tomllib.loads(policy.read_text("utf-8-sig")).get("inbox", {})
    except (OSError, ValueError):
        return policy.exists()  # what cannot be read is left alone
    return "keep" in inbox


def _asked() -> str:
    while True:
        try:
            said = input(f"{QUESTION} (1 to {LONGEST}, or no) [no] ").strip().lower()
        except EOFError:
            return "none"
        if said in {"", "n", "no", "none"}:
            return "none"
        if is_answer(said):
            return said
        screen().print(f"Type a number of days from 1 to {LONGEST}, or no.", style="yellow")


def _write(policy: Path, value: str | int) -> None:
    """Write the setting into the table that it belongs to, a new one at the end where there is
    none. Raises ConfigError where the file would not say so afterwards, or cannot be written."""
    text = policy.read_text("utf-8-sig") if policy.exists() else ""
    line = f'keep = "{value}"' if isinstance(value, str) else f"keep = {value}"
    lines = text.split("\n")
    heads = [number for number, one in enumerate(lines) if HEAD.fullmatch(one)]
    if heads:
        lines.insert(heads[0] + 1, line)
        new = "\n".join(lines)
    else:
        new = f"{text.rstrip()}\n\n[inbox]\n{line}\n".lstrip()
    try:
        stands = tomllib.loads(new)["inbox"]["keep"] == value
    except (ValueError, KeyError):
        stands = False
    if not stands:
        raise ConfigError(f"The table inbox of {policy} is left as it is; write `{line}` into it.")
    write_private(policy, new)
