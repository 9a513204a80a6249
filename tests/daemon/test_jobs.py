"""The door as a whole: one job from being asked for to its end, and what can be seen of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from crawler import Ending
from crawler.daemon import State
from crawler.testing import link_graph, open_web

from .conftest import Open, pages, submit, until


async def test_a_job_runs_to_its_end(open_daemon: Open) -> None:
    async with open_web(link_graph(seed=3, sites=3, pages_per_site=10, links_per_page=5)) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, name="all of it", labels={"for": "test"})
            assert (job.name, job.labels, job.seeds.given) == ("all of it", {"for": "test"}, len(served.seeds))
            job = await until(jobs, job.id, State.COMPLETED)
            assert job.ended is Ending.EXHAUSTED
            assert job.created_at <= (job.started_at or 0) <= (job.ended_at or 0)
            assert not job.seeds.is_reading
            urls = pages(jobs, job.id)
            assert job.pages <= len(urls) == len(set(urls))
            assert set(urls) == served.web.reachable()
            lines = (jobs.folder(job.id) / "pages.jsonl").read_text().splitlines()
            assert job.bytes == sum(json.loads(line)["length"] or 0 for line in lines) > 0
            assert [event.data["to"] for event in await jobs.history(job.id)] == ["queued", "running", "completed"]


@pytest.mark.slow
def test_whoever_crawls_without_a_daemon_imports_none() -> None:
    script = "import sys, crawler; crawler.open_crawl; print([name for name in sys.modules if 'daemon' in name])"
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"
