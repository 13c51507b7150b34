"""The access token of a stored login, renewed ahead of its end by one process among all."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
from pydantic import SecretStr

from xdm_mcp.clock import Clock
from xdm_mcp.credentials.locks import locked
from xdm_mcp.credentials.record import Record, mark
from xdm_mcp.credentials.redaction import watch
from xdm_mcp.credentials.renewing import Renewal
from xdm_mcp.credentials.store import again, open_store
from xdm_mcp.errors import BackendUnavailable, ConfigError, Refused, Unavailable

log = logging.getLogger(__name__)

LOOK_EVERY = 0.02
"""Seconds between looks at a child that renews."""

PAUSE = timedelta(seconds=30)
"""How long a renewal that failed, or whose end nobody knows, is not tried again."""


class Starting(Protocol):
    """Starts what renews a login; see `Renewal`."""

    def __call__(self, home: Path, backend: str, replaces: str, lock: int) -> Renewal:
        """Start it."""
        ...


class StoredBearer:
    """See `backends.auth.Bearer`. Speaks for one account: a login as another one is refused."""

    def __init__(
        self,
        home: Path,
        backend: str,
        origin: str,
        clock: Clock,
        start: Starting | None = None,
        ledger_url: str = "",
    ) -> None:
        """Take the login at `backend` in the home `home`, or in the database of its ledger, for
        requests to `origin` alone. Nothing is read before the first call."""
        self._home = home
        self._store = open_store(home, ledger_url)
        self._backend = backend
        self._origin = origin
        self._clock = clock
        self._start = start or partial(Renewal, variables=self._store.variables)
        self._record: Record | None = None
        self._account = ""
        self._turn = anyio.Lock()
        self._not_before: datetime | None = None

    @property
    def account_id(self) -> str | None:
        """The account of the login, None before it was first asked for."""
        return self._account or None

    async def token(self) -> SecretStr:
        """See Bearer.token."""
        record = self._record or await self._load()
        if self._clock.now() >= (record.renew_at or record.expires_at or self._clock.now()):
            record = await self._renewed(record.access, refused=False)
        return SecretStr(record.access)

    async def renewed(self, refused: SecretStr) -> SecretStr:
        """See Bearer.renewed."""
        record = await self._renewed(refused.get_secret_value(), refused=True)
        return SecretStr(record.access)

    async def _renewed(self, access: str, *, refused: bool) -> Record:
        """Return a login with another access token than `access`; the old one as long as it holds
        and no other can be had."""
        async with self._turn:
            record = await self._load()
            if record.access != access:
                return record
            usable = not refused and self._clock.now() < (record.expires_at or self._clock.now())
            paused = self._not_before is not None and self._clock.now() < self._not_before
            if record.refresh and not paused:
                async with locked(self._store.lock_of(self._backend)) as lock:
                    record = await self._settled()
                    if record.access == access and not await self._risky(record, usable):
                        await self._renew(record, lock)
                record = await self._load()
                if record.access != access:
                    return record
                self._not_before = self._clock.now() + PAUSE
            return self._as_is(record, usable)

    async def _settled(self) -> Record:
        """Return the login once no other machine renews it."""

        def wait() -> None:
            with self._store.alone(self._backend):
                pass

        try:
            await anyio.to_thread.run_sync(wait)
        except Unavailable as error:
            raise BackendUnavailable(str(error)) from None
        return await self._load()

    async def _risky(self, record: Record, usable: bool) -> bool:
        """Whether an earlier renewal was cut off, which may have spent the refresh token, and it is
        too early to try again: without a usable access token there is nothing to lose.

        Asked under the lock, so that no renewal is on its way.
        """
        cut_off = await anyio.to_thread.run_sync(self._store.cut_off_at, record)
        return cut_off is not None and (usable or self._clock.now() < cut_off + PAUSE)

    def _as_is(self, record: Record, usable: bool) -> Record:
        """Return the login as it is where it is still usable, else say why it is not."""
        if usable:
            return record
        if not record.refresh:
            raise Refused("auth", f"The login has ended: {again(self._backend)}.")
        raise BackendUnavailable("The login could not be renewed now; try again in half a minute.")

    async def _renew(self, record: Record, lock: int) -> None:
        """Have a child renew the login. Being cancelled leaves it to the child."""
        renewal = self._start(self._home, self._backend, mark(record.access), lock)
        try:
            while (end := renewal.end) is None:  # noqa: ASYNC110 - a process tells nobody
                await anyio.sleep(LOOK_EVERY)
        finally:
            renewal.leave()
        if end:
            log.warning("a renewal of the login ended with code %d", end)

    async def _load(self) -> Record:
        """Return the stored login. Raises Refused where nobody usable is logged in, or who is not
        whom we began with, BackendUnavailable where the keyring does not answer."""
        try:
            record = await anyio.to_thread.run_sync(self._store.load, self._backend)
        except ConfigError as error:
            raise Refused("auth", str(error)) from None
        except Unavailable as error:
            raise BackendUnavailable(str(error)) from None
        says = self._wrong(record)
        if record is None or says:
            self._record = None
            raise Refused("auth", says)
        for secret in record.secrets.values():
            watch(secret)
        self._record, self._account = record, record.account_id
        return record

    def _wrong(self, record: Record | None) -> str:
        """Return why a login cannot be used, empty where it can."""
        step = again(self._backend)
        if record is None:
            return f"Nobody is logged in: {step}."
        if record.origin != self._origin:
            return f"The stored login is for {record.origin} and goes nowhere else: {step}."
        if self._account and record.account_id != self._account:
            return "Somebody logged in as another account; start the server again."
        if record.broken:
            cut_off = self._store.cut_off_at(record)
            why = ", because an earlier renewal was cut off" if cut_off else ""
            return f"X no longer renews the login{why}: {step}."
        return ""
