"""`crawl why-slow` tells what bound a crawl, in words and as JSON, of a folder or of a daemon's job."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Crawl
from tests.lookback.test_slowness import folder_of, line


async def test_it_tells_shares_stretches_and_gains(tmp_path: Path, crawl: Crawl) -> None:
    folder = folder_of(tmp_path, *[line(1000.0 + n, {"politeness": 3, "crawl-delay": 1}) for n in range(8)])
    ran = await crawl("why-slow", str(folder))
    assert ran.code == 0, ran.err
    assert "bound by  politeness 75%, crawl-delay 25%" in ran.out
    assert "38% of the time: --per-site 2 (it is 1), if the sites are yours or agree" in ran.out
    assert "no setting of the crawl changes crawl-delay" in ran.out
    told = json.loads((await crawl("why-slow", str(folder), "--json")).out)
    assert (told["v"], told["seconds"], told["shares"]) == (1, 8.0, {"politeness": 0.75, "crawl-delay": 0.25})


async def test_a_job_of_a_daemon_is_found_in_its_folder(tmp_path: Path, crawl: Crawl) -> None:
    job = tmp_path / "data" / "crawls" / "abc"
    job.mkdir(parents=True)
    folder_of(job, line(1000.0, {"network": 4}))
    ran = await crawl("why-slow", "abc", "--data", str(tmp_path / "data"))
    assert (ran.code, "network 100%" in ran.out) == (0, True), ran.err
    ran = await crawl("why-slow", "abd", "--data", str(tmp_path / "data"))
    assert (ran.code, "abd is neither a crawl folder nor a job" in ran.err) == (2, True)
