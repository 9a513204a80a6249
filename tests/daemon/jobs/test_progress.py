"""How far a job is, towards the end that comes first."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.daemon.jobs.job import Progress, Record
from crawler.daemon.jobs.progress import progress
from crawler.daemon.jobs.states import State
from crawler.model import Disposition
from crawler.settings import Config
from crawler.settings.loading import amend
from crawler.standing import Counts
from crawler.testing import open_web

from ..conftest import Open, submit, until
from ..runs.test_limits import WEB


def counts(pages: int, failed: int = 0, queued: int = 0) -> Counts:
    return Counts(queued=queued, settled={Disposition.FETCHED: pages, Disposition.FAILED: failed})


@pytest.mark.parametrize(
    ("scope", "base", "stands", "spent", "expected"),
    [
        ({}, {}, counts(30, 10, 60), (0, 0), Progress(40, 100, "URLs")),
        ({}, {}, counts(0), (0, 0), Progress(0, 0, "URLs")),
        ({"limit": 100}, {}, counts(30, 10, 5000), (0, 0), Progress(30, 100, "pages")),
        ({}, {"limit": 100}, counts(30, 10, 5000), (0, 0), Progress(30, 100, "pages")),
        ({"limit": None}, {"limit": 100}, counts(30, 10, 60), (0, 0), Progress(40, 100, "URLs")),
        ({"limit": 100}, {}, counts(30, 10, 20), (0, 0), Progress(40, 60, "URLs")),
        ({"limit": 100}, {}, counts(120, 0, 9), (0, 0), Progress(100, 100, "pages")),
        ({"time_limit_s": 60}, {}, counts(10, 0, 90), (45, 0), Progress(45, 60, "seconds")),
        ({"time_limit_s": 60}, {}, counts(90, 0, 10), (45, 0), Progress(90, 100, "URLs")),
        ({"size_limit_bytes": 1000, "limit": 50}, {}, counts(10, 0, 90), (0, 900), Progress(900, 1000, "bytes")),
    ],
)
def test_progress_counts_limits(
    scope: dict[str, Any], base: dict[str, Any], stands: Counts, spent: tuple[float, int], expected: Progress
) -> None:
    record = Record("j", "j", "", State.RUNNING, 0.0, settings={"scope": scope})
    assert progress(record, amend(Config(), base), stands, *spent) == expected


async def test_a_job_with_a_limit_is_whole_when_it_has_reached_it(open_daemon: Open) -> None:
    async with open_web(WEB) as served, open_daemon() as jobs:
        job = await submit(jobs, [served.url("a.test", "/")], settings={"limit": 5})
        assert (await until(jobs, job.id, State.COMPLETED)).progress == Progress(5, 5, "pages")
        job = await submit(jobs, [served.url("a.test", "/")])
        assert (await until(jobs, job.id, State.COMPLETED)).progress == Progress(21, 21, "URLs")
