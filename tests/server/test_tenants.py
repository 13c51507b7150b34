"""When a principal's tenant is there to be found, and when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from tests.server.pretend import PretendApp
from xdm_mcp.app import App
from xdm_mcp.server.tenants import Tenants


class Work:
    """The work of a principal's apps: it breaks when told to, and takes its time to close."""

    def __init__(self) -> None:
        """Nothing is broken yet."""
        self.breaks, self.closing, self.closed = anyio.Event(), anyio.Event(), anyio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[App]:
        """Open an app; the first that is told to break closes only when `closed` is set."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._break)
                yield PretendApp().real
                tasks.cancel_scope.cancel()
        finally:
            self.closing.set()
            with anyio.move_on_after(1, shield=True):
                await self.closed.wait()

    async def _break(self) -> None:
        await self.breaks.wait()
        self.breaks = anyio.Event()
        raise OSError("no such luck")


async def test_a_tenant_whose_work_broke_is_not_found_while_it_closes() -> None:
    """Whoever calls in the meantime is led to a new one, not to one with nothing behind it."""
    work = Work()
    tenants = Tenants(
        {"alice": work.open}, TransportSecuritySettings(), lambda _, __: nullcontext()
    )
    with anyio.fail_after(5):
        async with tenants.run():
            broken = await tenants.find("alice")
            assert await tenants.find("alice") is broken
            work.breaks.set()
            await work.closing.wait()
            anew = await tenants.find("alice")
            assert anew is not broken
            work.closed.set()
            await anyio.wait_all_tasks_blocked()
            assert await tenants.find("alice") is anew
