"""Passkeys: a touch on a device, over the digest of the exact send (WebAuthn Level 3, 2026-05).

The challenge that the device signs is made from the digest of what was shown and a nonce of this
one ceremony. So an answer for one send approves no other, and nothing once anything changed; it
works once, within minutes, from the page that asked, and only where the device checked who touched
it. A page reaches this by the name `localhost`, which browsers take for a safe place.

The PIN adds the first passkey and no other: else whoever overheard it would have one of their own.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from xdm_mcp.approvals.factors import (
    ADD_PASSKEY,
    REMOVE_LOST_PASSKEY,
    REMOVE_PASSKEY,
    Proof,
    attest,
    deed,
)
from xdm_mcp.clock import Clock
from xdm_mcp.digests import digest
from xdm_mcp.errors import BadInput, NotFound, NotProven
from xdm_mcp.ledger.factors import FactorLedger
from xdm_mcp.models.factors import Ceremony, Passkey
from xdm_mcp.models.sends import Assurance
from xdm_mcp.sanitizer import clean_name

RP_ID = "localhost"
"""The name that passkeys are bound to: the page's host, never an address."""

RP_NAME = "xdm-mcp approvals"
"""What an authenticator calls us."""

LASTS = timedelta(minutes=3)
"""How long a ceremony may take."""

ORIGIN = re.compile(r"https?://localhost(:[0-9]{1,5})?\Z")
"""A page that may ask for a passkey."""

ADD_FIRST = deed("add the first passkey")
"""What a ceremony is about that the PIN began: its answer counts only while there is no passkey."""

TAKES_PASSKEY = (
    "There is a passkey, so that takes one; where every device is lost, forget its passkey with"
    " `xdm-mcp approvals passkeys remove` in a terminal."
)

UNFIT = "That passkey does not fit, and nothing was approved; ask for it anew on the page."

Draw = Callable[[int], str]
"""Draws `n` random bytes as hex; injected so that tests repeat."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a page hands to the browser: `options` for `navigator.credentials` as JSON, and the id
    under which the answer comes back."""

    ceremony_id: str
    options: dict[str, Any]


class Passkeys:
    """The owner's passkeys; of each, the ledger keeps a public key."""

    def __init__(self, ledger: FactorLedger, clock: Clock, draw: Draw = secrets.token_hex) -> None:
        """Keep public keys, counters and open ceremonies in `ledger`."""
        self._ledger = ledger
        self._clock = clock
        self._draw = draw

    async def known(self) -> tuple[Passkey, ...]:
        """Return the owner's passkeys, the oldest first."""
        return await self._ledger.passkeys()

    async def ask_to_add(self, origin: str, proof: Proof) -> Asking:
        """Return what `navigator.credentials.create` needs to make a passkey.

        `proof` is about `ADD_PASSKEY`, by PIN for the first and by passkey for any other; `origin`
        is the page's own, such as `http://localhost:8767`, never what a request says. Raises
        NotProven and BadInput.
        """
        from webauthn import generate_registration_options
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers import structs as given

        _expect(proof, ADD_PASSKEY, Assurance.PERSON)
        known = await self.known()
        first = proof.assurance < Assurance.PASSKEY
        if known and first:
            raise NotProven(TAKES_PASSKEY)
        ceremony = await self._begin("add", ADD_FIRST if first else ADD_PASSKEY, origin)
        options = generate_registration_options(
            rp_id=RP_ID,
            rp_name=RP_NAME,
            user_name="owner",
            user_id=b"owner",
            user_display_name="The owner of this computer's X messages",
            challenge=challenge_of(ceremony),
            authenticator_selection=given.AuthenticatorSelectionCriteria(
                user_verification=given.UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[
                given.PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in known
            ],
            timeout=_milliseconds(LASTS),
        )
        return _asking(ceremony, options)

    async def add(
        self, ceremony_id: str, credential: Mapping[str, Any], name: str, by: str
    ) -> Passkey:
        """Keep the passkey that a browser made for `ask_to_add`; `credential` is its answer as
        JSON.

        `name` is the owner's word for it, 1 to 50 characters once cleaned. Raises NotProven where
        the answer does not fit, BadInput where there is no name.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        ceremony = await self._take(ceremony_id, "add", ADD_PASSKEY, ADD_FIRST)
        called = clean_name(name)
        if not called:
            raise BadInput("A passkey needs a name, such as that of the device; add it again.")
        try:
            made = verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge_of(ceremony),
                expected_rp_id=RP_ID,
                expected_origin=ceremony.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, LookupError):
            raise NotProven(UNFIT) from None
        passkey = Passkey(
            id=bytes_to_base64url(made.credential_id),
            name=called,
            public_key=bytes_to_base64url(made.credential_public_key),
            sign_count=made.sign_count,
            added_at=self._clock.now(),
        )
        if not await self._ledger.add_passkey(passkey, by, first=ceremony.about == ADD_FIRST):
            raise BadInput("That passkey is known already, or another came first; add it anew.")
        return passkey

    async def remove(self, passkey_id: str, proof: Proof) -> None:
        """Forget a passkey, with a proof about `REMOVE_PASSKEY` by a passkey. Raises NotProven,
        NotFound."""
        _expect(proof, REMOVE_PASSKEY, Assurance.PASSKEY)
        await self._forget(passkey_id, proof)

    async def remove_lost(self, passkey_id: str, proof: Proof) -> None:
        """Forget a passkey whose device is lost, with a proof about `REMOVE_LOST_PASSKEY`, which
        the PIN gives. Only a terminal offers this. Raises NotProven, NotFound."""
        _expect(proof, REMOVE_LOST_PASSKEY, Assurance.PERSON)
        await self._forget(passkey_id, proof)

    async def _forget(self, passkey_id: str, proof: Proof) -> None:
        if not await self._ledger.remove_passkey(passkey_id, proof.by, self._clock.now()):
            raise NotFound("There is no such passkey; list them with `xdm-mcp approvals passkeys`.")

    async def ask(self, about: str, origin: str) -> Asking:
        """Return what `navigator.credentials.get` needs to sign `about`: the digest of a send as it
        is shown, or of a deed.

        Raises NotProven where the owner has no passkey, BadInput for a page that cannot ask.
        """
        from webauthn import generate_authentication_options
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers import structs as given

        known = await self.known()
        if not known:
            raise NotProven("There is no passkey yet; add one on the approval page.")
        ceremony = await self._begin("use", about, origin)
        options = generate_authentication_options(
            rp_id=RP_ID,
            challenge=challenge_of(ceremony),
            allow_credentials=[
                given.PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in known
            ],
            user_verification=given.UserVerificationRequirement.REQUIRED,
            timeout=_milliseconds(LASTS),
        )
        return _asking(ceremony, options)

    async def check(self, ceremony_id: str, credential: Mapping[str, Any], about: str) -> Proof:
        """Return a proof about `about` if the browser's answer signs exactly it; an answer counts
        once.

        Raises NotProven where it does not fit in any way.
        """
        from webauthn import verify_authentication_response
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.exceptions import WebAuthnException

        ceremony = await self._take(ceremony_id, "use", about)
        passkey = next((k for k in await self.known() if k.id == credential.get("id")), None)
        if passkey is None:
            raise NotProven(UNFIT)
        try:
            signed = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge_of(ceremony),
                expected_rp_id=RP_ID,
                expected_origin=ceremony.origin,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, LookupError):
            raise NotProven(UNFIT) from None
        if not await self._ledger.use_passkey(passkey, signed.new_sign_count, self._clock.now()):
            raise NotProven(UNFIT)
        return attest(Assurance.PASSKEY, f"passkey {passkey.name}", about)

    async def _begin(self, kind: Literal["add", "use"], about: str, origin: str) -> Ceremony:
        if not ORIGIN.match(origin):
            raise BadInput("A passkey works only on a page of http://localhost.")
        now = self._clock.now()
        ceremony = Ceremony(self._draw(16), kind, about, origin, self._draw(32), now + LASTS)
        await self._ledger.begin_ceremony(ceremony, now)
        return ceremony

    async def _take(self, ceremony_id: str, kind: str, *about: str) -> Ceremony:
        ceremony = await self._ledger.take_ceremony(ceremony_id, self._clock.now())
        if ceremony is None or ceremony.kind != kind or ceremony.about not in about:
            raise NotProven(UNFIT)
        return ceremony


def challenge_of(ceremony: Ceremony) -> bytes:
    """Return what a device signs: 32 bytes that no other send and no other ceremony has."""
    told = [ceremony.kind, ceremony.about, ceremony.nonce]
    return bytes.fromhex(digest("passkey/1", told))


def _expect(proof: Proof, about: str, least: Assurance) -> None:
    if proof.about != about or proof.assurance < least:
        also = "" if least is Assurance.PASSKEY else "the PIN or "
        raise NotProven(f"That takes {also}a passkey; nothing was changed.")


def _asking(ceremony: Ceremony, options: Any) -> Asking:
    from webauthn import options_to_json

    return Asking(ceremony.id, json.loads(options_to_json(options)))


def _milliseconds(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)
