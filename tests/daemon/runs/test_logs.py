"""Each job's log lies in its folder, holds what concerns that job alone, and does not grow without end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.daemon import State
from crawler.daemon.runs.logs import keep_logs
from crawler.runtime.log_format import LogFile
from crawler.testing import Site, Web, html, open_web

from ..conftest import Open, submit, until

LIBRARY = logging.getLogger("crawler")


@pytest.fixture(autouse=True)
def _says_everything() -> Iterator[None]:
    before = LIBRARY.level
    LIBRARY.setLevel(logging.DEBUG)
    yield
    LIBRARY.setLevel(before)


async def test_each_job_has_a_log_of_its_own(open_daemon: Open) -> None:
    web = Web([Site(name, {"/": html(name)}) for name in ("a.test", "b.test")])
    async with open_web(web) as served, open_daemon() as jobs:
        seeds = [served.url(name, "/") for name in ("a.test", "b.test")]
        both = [await submit(jobs, [seed]) for seed in seeds]
        for job, own, other in zip(both, seeds, reversed(seeds), strict=True):
            await until(jobs, job.id, State.COMPLETED)
            await jobs._scheduler.wait_until_idle(job.id)
            log = (jobs.folder(job.id) / "crawl.log").read_text()
            assert f"job {job.id} starts" in log
            assert f"fetched {own}" in log
            assert f"job {job.id} stops: exhausted" in log
            assert other not in log
    assert not [handler for handler in LIBRARY.handlers if type(handler).__module__.startswith("crawler")]


async def test_what_a_job_died_of_is_in_its_log(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)
        (jobs.folder(job.id) / "frontier.sqlite").write_bytes(b"no database at all")
        await jobs.resume(job.id)
        failed = await until(jobs, job.id, State.FAILED)
        assert f"cannot continue: {failed.error}" in (jobs.folder(job.id) / "crawl.log").read_text()


def test_a_log_is_harmless_and_bounded(tmp_path: Path) -> None:
    with keep_logs() as logs, logs.keep("j-1", tmp_path):
        LIBRARY.warning("from outside: %s", "\x1b[31m\nred\u202e")
    assert "from outside: \\x1b[31m\\nred\\u202e\n" in (tmp_path / "crawl.log").read_text()
    file = LogFile(tmp_path / "small.log", 1000)
    for n in range(100):
        file.handle(LIBRARY.makeRecord("crawler", logging.INFO, "", 0, f"line {n}", (), None))
    file.close()
    sizes = [path.stat().st_size for path in tmp_path.glob("small.log*")]
    assert len(sizes) == 2
    assert sum(sizes) <= 2000


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    with keep_logs() as logs, logs.keep("j-1", tmp_path / "gone"):
        LIBRARY.warning("nobody hears this")
