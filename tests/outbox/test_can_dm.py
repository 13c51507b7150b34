"""What is said of being able to write, where the service knows of nobody in particular."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rigs import IRIS, JUNE, MIRA
from tests.services import books


@pytest.mark.parametrize("name", ["getxapi", "twitterapi-io"])
async def test_who_wrote_to_us_can_be_answered(name: str, tmp_path: Path) -> None:
    """Though their inbox is closed to strangers: history beats what is told of everybody. Who never
    wrote is judged by that."""
    async with books(tmp_path, name) as here:
        await here.app.reads.page(20, with_user=IRIS)
        report = await here.app.standing.check([IRIS, JUNE, MIRA])
        told = {row.user_id: (row.can_dm, row.basis) for row in report.recipients}
        assert told == {
            IRIS: (True, "history"),
            JUNE: (True, "absolute"),
            MIRA: (False, "absolute"),
        }
