"""Asking a person at the terminal for what only a person knows: the PIN.

It is typed on the terminal that the process belongs to, without echo, whatever stdin is. So it
never passes through arguments, the environment or a pipe. A terminal alone proves nothing: a
program can open one. What is typed does.
"""

from __future__ import annotations

import getpass
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from xdm_mcp.app import App
from xdm_mcp.approvals.factors import CHANGE_PIN, Proof
from xdm_mcp.approvals.pin import Pin, refuse_easy
from xdm_mcp.cli.paint import screen
from xdm_mcp.errors import BadInput, Declined, FactorLocked, NotProven

TERMINAL = "terminal"
"""What the ledger notes as the place where a person decided."""

CONTROLLING = "/dev/tty"
"""The terminal that a process belongs to."""


async def confirm_person(
    app: App, about: str, question: str = "PIN to go on (empty to stop): "
) -> Proof:
    """Ask for the PIN on the terminal until it is right, and return a proof about `about`.

    Where none is set it is chosen first. Raises Declined for an empty answer, FactorLocked after
    too many wrong ones, BadInput where no terminal is or the two new ones differ.
    """
    await choose_first_pin(app)
    while True:
        typed = secret(question)
        if not typed:
            raise Declined("Nothing was approved.")
        try:
            return await _pin(app).check(typed, about, TERMINAL)
        except FactorLocked:
            raise
        except NotProven as wrong:
            screen(stderr=True).print(str(wrong), style="red")


async def choose_first_pin(app: App) -> bool:
    """Have the owner choose a PIN if there is none; return whether it was chosen now.

    Raises what `new_pin` raises.
    """
    if await _pin(app).is_set():
        return False
    screen(stderr=True).print(
        "No PIN is set yet. Choose the one that approves sends from now on: 6 digits or more, or a"
        " passphrase of 8 characters or more. Keep it from every agent."
    )
    await _pin(app).set_first(new_pin(), TERMINAL)
    screen(stderr=True).print("The PIN is set.", style="green")
    return True


async def confirm_if_set(app: App, about: str) -> None:
    """Ask for the PIN as `confirm_person` does, where there is one; else nothing is asked."""
    if await _pin(app).is_set():
        await confirm_person(app, about)


async def change_pin(app: App) -> None:
    """Have the owner change the PIN, the old one first. Raises as `confirm_person` does."""
    proof = await confirm_person(app, CHANGE_PIN, "Old PIN (empty to stop): ")
    await _pin(app).change(new_pin(), proof)


def _pin(app: App) -> Pin:
    """Return the PIN without the desk, which would need a login."""
    return Pin(app.ledger, app.clock)


def new_pin() -> str:
    """Return a new PIN, typed twice. Raises Declined for none, BadInput for two different ones, one
    that is too easy, or where no terminal is."""
    typed = secret("New PIN: ")
    if not typed:
        raise Declined("No PIN was set.")
    refuse_easy(typed)
    if secret("The same again: ") != typed:
        raise BadInput("The two were not the same, and no PIN was set; try again.")
    return typed


def secret(question: str) -> str:
    """Return what a person types on the terminal, without showing it. Raises BadInput where the
    process belongs to none."""
    try:
        os.close(os.open(CONTROLLING, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise BadInput(
            "This takes a person's PIN, and nobody can be asked here; run it in a terminal."
        ) from None
    with _ctrl_c_interrupts():
        try:
            return getpass.getpass(question)
        except EOFError:
            return ""


@contextmanager
def _ctrl_c_interrupts() -> Iterator[None]:
    """Have Ctrl-C end a question at once; the event loop would wait for the answer first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
