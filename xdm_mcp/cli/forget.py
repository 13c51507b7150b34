"""`xdm-mcp forget`: erase kept messages from this machine, of one person or all of them.

It ends the sends to them that have not left, too. It takes the PIN where one is set: what it erases
is also what the rules `leak` and `taint` know, so a send may pass afterwards that was held before.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import timedelta

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import deed
from xdm_mcp.cli.asking import TERMINAL, confirm_if_set
from xdm_mcp.cli.clear import account_of, user_id_of
from xdm_mcp.cli.opening import with_app
from xdm_mcp.cli.paint import screen
from xdm_mcp.errors import BadInput
from xdm_mcp.models.messages import CONVERSATION_ID, pair_id
from xdm_mcp.retention import BATCH, leave_no_trace

WORD = "forget"
"""What a person types to agree."""

PATIENCE = 5.0
"""For how long (s) each of `TRIES` waits for others who read."""

WHATEVER_AGE = timedelta(days=36_500)
"""What is old is not this command's business."""

TRIES = 3
"""How often the files are tried to be written anew."""


def forget(args: Namespace) -> int:
    """Ask, erase, and say whether a trace is left; 1 where nobody agreed, or somebody kept it from
    finishing."""
    return with_app(args, _forget)


async def _forget(app: App, args: Namespace) -> int:
    account_id = await account_of(app, args.account)
    conversation_id = await _conversation(app, args, account_id)
    whose = "of everybody" if conversation_id is None else f"of conversation {conversation_id}"
    if not _agreed(whose, args):
        screen(stderr=True).print("Nothing was forgotten.", style="yellow")
        return 1
    await confirm_if_set(app, deed("forget", account_id, conversation_id or ""))
    ended = await app.ledger.forget(account_id, conversation_id, TERMINAL, app.clock.now())
    erased, now = 0, app.clock.now()
    while batch := await app.ledger.sweep_kept(account_id, WHATEVER_AGE, now, BATCH):
        erased += batch
    sends = "1 send" if ended == 1 else f"{ended} sends"
    screen().print(
        f"{erased} kept messages erased, {sends} ended before leaving; names {whose} erased too.",
        style="green",
    )
    for _ in range(TRIES):
        if await leave_no_trace(app.ledger, account_id, PATIENCE):
            return 0
    screen(stderr=True).print(
        "Another process kept the ledger's files from being written anew, so pieces of what was"
        " erased may still lie in them; stop it and run this again.",
        style="yellow",
    )
    return 1


async def _conversation(app: App, args: Namespace, account_id: str) -> str | None:
    """Return the conversation to forget, None for all."""
    if args.user is not None:
        return pair_id(account_id, await user_id_of(app, args.user))
    if args.conversation is not None and not CONVERSATION_ID.match(args.conversation):
        raise BadInput("--conversation takes a conversation id, as `list_dms` gives it.")
    given: str | None = args.conversation
    return given


def _agreed(whose: str, args: Namespace) -> bool:
    """Have a person agree in words. Raises BadInput where nobody can be asked."""
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: run it in a terminal, or add --yes.")
    screen().print(
        f"This erases from the ledger every kept message {whose}, and ends every send to them that"
        " has not left: held, approved or waiting for its turn. Nothing changes at X. It cannot be"
        " undone."
    )
    try:
        return input(f"Type {WORD} to go on: ").strip().lower() == WORD
    except EOFError:
        return False
