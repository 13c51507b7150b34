"""The PIN: a secret in the owner's head, which an agent that runs as the owner does not have.

Only an argon2id verifier is kept (RFC 9106, 2021-09; the parameters of argon2-cffi 25). Five wrong
tries in a row lock it, for a minute at first and twice as long with each further one; the ledger
counts, for all processes together.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio.to_thread

from xdm_mcp.approvals.factors import CHANGE_PIN, Proof, attest
from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.errors import BadInput, FactorLocked, NotProven
from xdm_mcp.ledger.factors import FactorLedger
from xdm_mcp.models.sends import Assurance

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST_PIN = 6
"""How many digits a PIN has at least."""

SHORTEST_PHRASE = 8
"""How many characters a secret has at least that is not digits alone."""

LONGEST = 128
"""How many characters a PIN or passphrase has at most."""

NO_PIN = "No PIN is set yet; set one with `xdm-mcp approvals pin` in a terminal."

KEPT = (
    "Too many wrong PINs here, and the last tries are kept for you: let this browser in with"
    " `xdm-mcp approvals open`, or wait a day."
)


class Pin:
    """The owner's PIN, or passphrase; one for each ledger."""

    def __init__(
        self, ledger: FactorLedger, clock: Clock, hasher: PasswordHasher | None = None
    ) -> None:
        """Keep the verifier in `ledger`. `hasher` is the library's own by default."""
        self._ledger = ledger
        self._clock = clock
        self._hasher = hasher

    async def is_set(self) -> bool:
        """Return whether there is a PIN."""
        return await self._ledger.has_pin()

    async def set_first(self, secret: str, by: str) -> None:
        """Set the first PIN. Only a terminal offers this.

        Raises BadInput for a secret that is too easy (`refuse_easy`), NotProven where a PIN is set.
        """
        verifier = await self._hash(refuse_easy(secret))
        if not await self._ledger.set_pin(verifier, by, self._clock.now()):
            raise NotProven("A PIN is set already; change it with the old one.")

    async def change(self, secret: str, proof: Proof) -> None:
        """Set another PIN, with a proof about `CHANGE_PIN` by the old one or by a passkey.

        Raises BadInput for a secret that is too easy, NotProven for another proof, or where there
        is no PIN to change.
        """
        if proof.about != CHANGE_PIN or proof.assurance < Assurance.PERSON:
            raise NotProven("Changing the PIN takes the old PIN or a passkey.")
        verifier = await self._hash(refuse_easy(secret))
        if not await self._ledger.change_pin(verifier, proof.by, self._clock.now()):
            raise NotProven(NO_PIN)

    async def check(self, secret: str, about: str, where: str, *, keep: int = 0) -> Proof:
        """Return a proof about `about` if `secret` is the PIN; a try counts before it is judged.

        `where` says where it was typed (`terminal`, `page`); a wrong one is written down with it in
        the audit chain. A try that would leave fewer than `keep` is not made. Raises NotProven
        where it is wrong, not made, or none is set, FactorLocked after too many wrong ones.
        """
        granted = await self._ledger.try_pin(self._clock.now(), keep)
        if granted is None:
            raise NotProven(NO_PIN)
        if granted.verifier is not None and await self._fits(granted.verifier, secret):
            if await self._ledger.pin_was_right(granted.verifier):
                return attest(Assurance.PERSON, f"PIN, {where}", about)
            raise NotProven("The PIN was changed at this moment; type the new one.")
        if granted.verifier is not None:
            await self._ledger.pin_was_wrong(granted, where, self._clock.now())
        if granted.locked_until is not None:
            raise FactorLocked(
                "Too many wrong PINs; nothing was approved, and the next try is possible at"
                f" {rfc3339(granted.locked_until)}.",
                granted.locked_until,
            )
        if granted.verifier is None:
            raise NotProven(KEPT)
        tries = "1 try is" if granted.left == 1 else f"{granted.left} tries are"
        raise NotProven(f"That PIN is wrong, and nothing was approved; {tries} left.")

    async def _hash(self, secret: str) -> str:
        return await anyio.to_thread.run_sync(self._library().hash, _bytes(secret))

    async def _fits(self, verifier: str, secret: str) -> bool:
        """Compare in the constant time of the library, away from the event loop."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        if len(secret) > LONGEST:
            return False
        try:
            return await anyio.to_thread.run_sync(self._library().verify, verifier, _bytes(secret))
        except (Argon2Error, InvalidHashError):  # an altered verifier fits nothing
            return False

    def _library(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        self._hasher = self._hasher or PasswordHasher()
        return self._hasher


def refuse_easy(secret: str) -> str:
    """Return a secret that may become the PIN.

    It is 6 digits or more that are no run and not all the same, or a passphrase of 8 characters or
    more; 128 at most. Raises BadInput for any other, without repeating it.
    """
    secret = _spelled(secret)
    digits = secret.isascii() and secret.isdigit()
    if not (SHORTEST_PIN if digits else SHORTEST_PHRASE) <= len(secret) <= LONGEST:
        raise BadInput(
            f"A PIN has {SHORTEST_PIN} digits or more, a passphrase {SHORTEST_PHRASE} characters or"
            f" more, and neither more than {LONGEST}; choose another."
        )
    if len(set(secret)) == 1 or (digits and _is_run(secret)):
        raise BadInput("That PIN is too easy to guess; choose one that is no row of numbers.")
    return secret


def _is_run(digits: str) -> bool:
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps in ({1}, {9})


def _spelled(secret: str) -> str:
    """Return a secret as every keyboard spells it."""
    return unicodedata.normalize("NFKC", secret)


def _bytes(secret: str) -> bytes:
    """Return what is hashed; half a surrogate pair is no reason to break."""
    return _spelled(secret).encode("utf-8", "surrogatepass")
