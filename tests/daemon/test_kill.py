"""What `kill -9` leaves is what was acknowledged, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Open
from .kills import killed_right_after_it_said_yes, killed_under_running_jobs

pytestmark = pytest.mark.slow


async def test_killed_under_running_jobs_all_of_them_complete(tmp_path: Path) -> None:
    await killed_under_running_jobs(tmp_path / "data", jobs=4, size=40, kills=2)


async def test_what_was_acknowledged_survives_a_kill(open_daemon: Open, tmp_path: Path) -> None:
    await killed_right_after_it_said_yes(tmp_path / "data")
    async with open_daemon() as jobs:
        [job] = jobs.list()
        assert (job.name, job.settings) == ("kept", {"scope": {"limit": 7}})
