"""What shows that a person decides: a `Proof`, which only a check can make.

A proof says how sure it is, where it was given and what it is about. It answers one question: that
of the send whose digest it names, or of one deed of the owner (`deed`). It says nothing of another
send, and nothing of the same send once anything in it changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from xdm_mcp.digests import digest
from xdm_mcp.models.sends import Assurance

_SEAL: Final = object()
"""What `attest` has and nobody else: a proof is not made by hand."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A person's word as a check saw it.

    `by` says where it was given, for the ledger and for people (`PIN at the terminal`). `about` is
    the digest of the send as it was shown, or of a deed. Raises TypeError where no check made it.
    """

    assurance: Assurance
    by: str
    about: str
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what no check made."""
        if self.seal is not _SEAL:
            raise TypeError("a proof is made by a check of a factor, never by hand")


def attest(assurance: Assurance, by: str, about: str) -> Proof:
    """Return the proof of a check that has just succeeded. Only the checks of this room call it."""
    return Proof(assurance, by, about, _SEAL)


def client_form(by: str, about: str) -> Proof:
    """Return the proof that a client's own dialog was accepted about the send of digest `about`.

    It is worth `client` and no more: a client may answer in its user's place. `by` names the
    client.
    """
    return attest(Assurance.CLIENT, by, about)


def deed(kind: str, *what: str) -> str:
    """Return the digest that names a deed of the owner which is no send, such as `deed("rule",
    text)`: what a proof for it is about."""
    return digest("deed/1", [kind, *what])


CHANGE_PIN: Final = deed("change the PIN")
"""What a proof is about that lets the PIN be changed."""

ADD_PASSKEY: Final = deed("add a passkey")
"""What a proof is about that lets a passkey be added: the first by PIN, any other by passkey."""

REMOVE_PASSKEY: Final = deed("remove a passkey")
"""What a proof by passkey is about that lets one passkey be removed."""

REMOVE_LOST_PASSKEY: Final = deed("remove a passkey whose device is lost")
"""What a proof by PIN is about that lets one passkey be removed; asked for in a terminal alone."""


def settling(entry_id: int, outcome: str) -> str:
    """Return what a proof is about that lets a send of unknown outcome be settled just so."""
    return deed("settle a send", str(entry_id), outcome)
