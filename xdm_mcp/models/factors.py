"""What the ledger keeps of an owner's factors: a verifier, never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class PinTry:
    """One try at the PIN that was counted before it is judged.

    `verifier` is what to judge it by, None where no try was granted: then `locked_until` says when
    there is one again, or is None where the tries left are kept for elsewhere. `left` is how many
    wrong tries remain before a lock.
    """

    verifier: str | None
    left: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class WrongPins:
    """How many wrong PINs there were since `since`, when the last was, and where (`page`)."""

    count: int
    since: datetime
    last: datetime
    where: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of the owner: `id` and `public_key` in base64url, `name` the owner's own word.

    `sign_count` is the highest that it ever showed; 0 where it does not count.
    """

    id: str
    name: str
    public_key: str
    sign_count: int
    added_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One exchange with an authenticator that was begun: it is ended once, and soon.

    `about` is what the person decides, `origin` the page that asked, `nonce` makes the challenge
    like no other.
    """

    id: str
    kind: Literal["add", "use"]
    about: str
    origin: str
    nonce: str
    expires_at: datetime
