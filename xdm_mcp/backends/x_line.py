"""The line to X that its two APIs share: who asks, what the headers of answers said, and how a
refusal becomes an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import SecretStr

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.auth import Bearer, Credential, Keys, usable
from xdm_mcp.backends.http import Answer, Wire
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, read_windows
from xdm_mcp.clock import Clock
from xdm_mcp.errors import AskAgain, Refused
from xdm_mcp.models.quota import Limit, ServerWindow

if TYPE_CHECKING:
    import httpx2

Secrets = SecretStr | Bearer | Keys
"""What an X backend may speak with: a fixed token, one that is renewed, or keys that sign."""

RENEWED = "X no longer took the access token, which is renewed now: ask again."


class Line:
    """One backend's connection, the account that it speaks for, and the windows it heard of."""

    def __init__(
        self,
        origin: str,
        secrets: Secrets | None,
        clock: Clock,
        *,
        reads: Mapping[str, Limit],
        missing: str,
        worded: Mapping[str, str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` with `secrets`; without usable ones each call says `missing`.

        `reads` are the limits of the endpoints by name; `worded` has other sentences for some codes
        of refusals. Raises ConfigError for an origin that must not be talked to.
        """
        credential = credential_of(secrets)
        self.wire = Wire(origin, credential, clock, transport=transport, seed=seed)
        self.able = credential is not None
        self.missing = missing
        self.account = ACCOUNT
        self._clock = clock
        self._reads = reads
        self._worded = worded or {}
        self._observed: dict[str, ServerWindow] = {}

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self._clock.now()

    async def ready(self) -> None:
        """See Backend.ready."""
        self._require_able()
        await self.wire.ready()

    async def ask(
        self,
        endpoint: str | None,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        share: float = 1.0,
    ) -> Answer:
        """Return the answer to a read, and remember what it says of the endpoint's window.

        Raises AskAgain where the credential was refused and renewed: X counts the next try as well,
        so that is for whoever charges it. What has no window (`endpoint` None) is asked once more
        here.
        """
        self._require_able()
        answer = await self.wire.read(path, params, share=share)
        if answer.renewed and endpoint is None:
            answer = await self.wire.read(path, params, share=share)
        self._hear(answer, endpoint)
        if answer.renewed:
            raise AskAgain(RENEWED)
        return answer

    async def act(self, path: str, method: str = "POST", **body: Any) -> Answer:
        """Return the answer to a change that is no send. Raises as reads do where it is refused."""
        self._require_able()
        answer = await self.wire.write(path, method=method, **body)
        if not answer.ok:
            self.refuse(answer)
        return answer

    def refuse(self, answer: Answer) -> NoReturn:
        """Raise what an answer says that is of no use. See `refuse_read`."""
        try:
            outcomes.refuse_read(answer, self.now)
        except Refused as error:
            refused = Refused(error.code, self._worded.get(error.code, str(error)))
        raise refused

    def windows(self) -> tuple[ServerWindow, ...]:
        """Return and forget the windows heard of; scopes keep `{account}` until it is known."""
        observed, self._observed = self._observed, {}
        return tuple(
            replace(window, scope=window.scope.replace(ACCOUNT, self.account))
            for window in observed.values()
        )

    def _hear(self, answer: Answer, endpoint: str | None) -> None:
        if endpoint is None:
            return
        scope = self._reads[endpoint].scope
        for window in read_windows(answer.headers, scope, self.now):
            self._observed[window.scope] = window

    def _require_able(self) -> None:
        if not self.able:
            missing = Refused("auth", self.missing)
            missing.left = False
            raise missing


def credential_of(secrets: Secrets | None) -> Credential | Keys | None:
    """Return what a request can show of `secrets`, None where they cannot be part of a header."""
    if secrets is None:
        return None
    if isinstance(secrets, Keys):
        return secrets if secrets.usable else None
    if isinstance(secrets, SecretStr) and not usable(secrets):
        return None
    return Credential(secrets)
