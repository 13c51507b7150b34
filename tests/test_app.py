"""The one composition root: what starting does, and does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.rigs import START, rig
from xdm_mcp.app import open_app
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError


async def test_opening_touches_nothing(tmp_path: Path) -> None:
    """Not even the home exists before something is asked for."""
    home = tmp_path / "home"
    async with open_app(load(home=home, env={}), clock=ManualClock(START)):
        assert not home.exists()


async def test_a_policy_that_cannot_be_stops_the_start(tmp_path: Path) -> None:
    """Without rules nothing starts."""
    settings = load(home=tmp_path, env={}, guard={"haltt": {}})

    with pytest.raises(ConfigError, match="halt"):
        async with open_app(settings):
            pass


@pytest.mark.parametrize("place", ["/proc/xdm", "{tmp}/file/home"])
async def test_a_home_that_cannot_be_written_is_named_in_one_sentence(
    tmp_path: Path, place: str
) -> None:
    """The first thing that is asked for says what to do; nothing is stored anywhere."""
    (tmp_path / "file").write_text("no folder")
    async with rig(Path(place.format(tmp=tmp_path))) as here:
        with pytest.raises(ConfigError, match="XDM_HOME"):
            await here.send()


async def test_the_home_is_for_its_owner_only(tmp_path: Path) -> None:
    """What the program makes, nobody else may open."""
    home = tmp_path / "deep" / "home"
    async with rig(home) as here:
        await here.send()

    assert home.stat().st_mode & 0o777 == 0o700
    private = [path for path in home.rglob("*") if path.is_file()]
    assert private
    assert [path.name for path in private if path.stat().st_mode & 0o077] == []


async def test_the_policy_is_told_in_sentences(tmp_path: Path) -> None:
    """Each rule says what it does, in the order of the policy."""
    async with rig(tmp_path) as here:
        told = here.app.policy_text()

        assert [reason.rule for reason in told][:2] == ["halt", "recipients"]
        assert all(reason.says.endswith(".") for reason in told)


async def test_closing_twice_and_using_again_is_harmless(tmp_path: Path) -> None:
    """A closed app opens its parts again when it is asked."""
    async with rig(tmp_path) as here:
        await here.send()
        await here.app.close()
        await here.app.close()

        assert len(await here.app.outbox.waiting()) == 1


async def test_background_work_outlives_trouble_and_tells_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An unwritable home stops no server: it says so once and goes on trying."""
    (tmp_path / "file").write_text("no folder")
    settings = load(home=tmp_path / "file" / "home", env={})
    clock = ManualClock(START)
    async with open_app(settings, clock=clock) as app:
        with anyio.move_on_after(5) as patience:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(app.run)
                while clock.now() < START + timedelta(minutes=1):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()

    assert not patience.cancelled_caught
    assert sorted(record.getMessage().split(":")[0] for record in caplog.records) == [
        "background work",
        "inbox",
        "retention",
    ]
