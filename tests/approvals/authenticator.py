"""An authenticator in software, as a browser and a device make one together (WebAuthn Level 3).

It signs what it is asked to, and lies where a test tells it to: about origin, relying party,
challenge, user verification, counter and its key.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of authenticator data: somebody touched it, it knows who, it brings a new key."""

ORIGIN = "http://localhost:8767"
"""The page that asks."""


@dataclass
class Authenticator:
    """One device with one passkey."""

    credential_id: bytes = b"credential-0001"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    counter: int = 0

    def create(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        client = self._client("webauthn.create", options["challenge"], lies)
        key = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: key.x.to_bytes(32, "big"), -3: key.y.to_bytes(32, "big")}
        )
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id
        told = (
            self._told(options["rp"]["id"], ATTESTED, lies) + attested + lies.get("public", public)
        )
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told})
        return self._answer(
            {"clientDataJSON": _b64(client), "attestationObject": _b64(attestation)}
        )

    def get(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.counter = lies.get("counter", self.counter + 1)
        client = self._client("webauthn.get", options["challenge"], lies)
        told = self._told(options["rpId"], 0, lies)
        signature = self.key.sign(told + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": _b64(client),
                "authenticatorData": _b64(told),
                "signature": _b64(signature),
                "userHandle": None,
            }
        )

    def _client(self, kind: str, challenge: str, lies: dict[str, Any]) -> bytes:
        told = {
            "type": lies.get("kind", kind),
            "challenge": lies.get("challenge", challenge),
            "origin": lies.get("origin", ORIGIN),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()

    def _told(self, rp_id: str, more: int, lies: dict[str, Any]) -> bytes:
        flags = lies.get("flags", PRESENT | VERIFIED) | more
        party = hashlib.sha256(lies.get("rp_id", rp_id).encode()).digest()
        return party + struct.pack(">BI", flags, self.counter)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = _b64(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }


def _b64(raw: bytes) -> str:
    return bytes_to_base64url(raw)


def unsealed(challenge: str) -> bytes:
    """Return the bytes of a challenge."""
    return base64url_to_bytes(challenge)
