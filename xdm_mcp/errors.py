"""Every failure that we foresee. Each says in one sentence what happened and what to do next.

    XdmError
    ├── BadInput            the caller asked for something that cannot be: correct it and call again
    │   ├── NotFound        there is no such person, conversation, message or approval
    │   ├── Unsupported     the active backend cannot do this
    │   └── NotProven       a PIN or passkey does not fit, or there is none
    │       ├── FactorLocked    after too many wrong PINs, until `until`
    │       └── Declined        a person was asked and said no
    ├── ConfigError         a setting or the policy file is wrong
    ├── Unavailable         not now: nothing was done
    │   ├── LedgerUnavailable   the ledger cannot be opened or written
    │   ├── BackendUnavailable  the backend did not answer a read
    │   │   ├── AskAgain        what was in the way is gone: the same read may be made once more
    │   │   └── Unserved        it answered that it failed, and nothing came with the answer
    │   ├── RateLimited         a read was refused until `retry_at`
    │   └── OverBudget          a read would cost more than the owner allows
    └── Refused             the backend definitely refused, with a `code` of ours

Texts are ours: never a backend's own words, never message text, never a secret.
"""

from __future__ import annotations

from datetime import datetime


class XdmError(Exception):
    """A foreseen failure: `str()` is one sentence that is safe to show to a model and to a
    person."""

    code = "error"

    left = True
    """Whether something may have left for the backend before: False only where it is known that
    nothing did, so that a read costs nothing."""


class BadInput(XdmError):
    """The caller must change the request: seen here, before anything left."""

    code = "bad_input"
    left = False


class NotFound(BadInput):
    """What was asked for does not exist, or belongs to somebody else, which looks the same.
    A backend may have been asked."""

    code = "not_found"
    left = True


class Unsupported(BadInput):
    """The active backend cannot do this; the sentence names the backend and the alternative."""

    code = "unsupported"


class NotProven(BadInput):
    """A PIN or a passkey does not fit, or there is none: nothing was approved."""

    code = "not_proven"


class FactorLocked(NotProven):
    """The PIN takes no try before `until` (aware, UTC)."""

    code = "locked"

    def __init__(self, says: str, until: datetime) -> None:
        """Say `says`."""
        super().__init__(says)
        self.until = until


class Declined(NotProven):
    """A person was asked for their PIN and gave none."""

    code = "declined"


class ConfigError(XdmError):
    """A setting or the policy is wrong; nothing starts until the owner corrects it."""

    code = "config"


class Unavailable(XdmError):
    """Not possible now; nothing was sent or spent, and nothing changed but what its words name."""

    code = "unavailable"


class LedgerUnavailable(Unavailable):
    """The ledger cannot be opened, read or written; without it nothing is sent."""

    code = "ledger_unavailable"


class BackendUnavailable(Unavailable):
    """The backend could not be reached, or its answer could not be understood."""

    code = "backend_unavailable"


class AskAgain(BackendUnavailable):
    """A read was refused for something that has been put right since, such as a token that was
    renewed: it may be made once more. Whoever charges reads does, because each try counts."""


class Unserved(BackendUnavailable):
    """The backend answered a read, but not with success: nothing that was asked for came with it,
    as it may have with an answer that was lost or could not be understood."""


class RateLimited(Unavailable):
    """A read is refused until `retry_at` (aware, UTC)."""

    code = "rate_limited"

    def __init__(self, says: str, retry_at: datetime | None = None) -> None:
        """Say `says`; `retry_at` is None when nobody knows."""
        super().__init__(says)
        self.retry_at = retry_at


class OverBudget(Unavailable):
    """A read would cost more than the owner's budget has left."""

    code = "over_budget"


class Refused(XdmError):
    """The backend definitely refused a read or look-up; `code` is the normalised class of the
    refusal."""

    def __init__(self, code: str, says: str) -> None:
        """Say `says` under the class `code`."""
        super().__init__(says)
        self.code = code
