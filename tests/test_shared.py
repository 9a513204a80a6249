"""Several crawls in one process: they share what is dear, take turns at sites, and never meet otherwise."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio

import crawler
from crawler.shared import Shared
from crawler.testing import Site, Web, html, open_web

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "workers": 1, "executor": "inline", "retry_delay_s": 0.02}


def web(pages: int) -> Web:
    """One host of so many pages, all listed on its first."""
    leaves = {f"/{n}": html(f"Page {n}") for n in range(pages)}
    return Web([Site("alpha.test", {"/": html("Alpha", list(leaves)), **leaves})])


async def run(shared: Shared, seeds: list[str], summaries: list[crawler.Summary], settings: dict[str, Any]) -> None:
    async with crawler.open_crawl(shared=shared, **(QUICK | settings)) as crawl:
        summaries.append(await crawl.run(seeds))


async def test_two_crawls_of_one_host_take_turns_and_keep_its_rest() -> None:
    summaries: list[crawler.Summary] = []
    async with open_web(web(12)) as served, crawler.open_shared(**QUICK) as shared:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for name in ("one", "two"):
                    polite = {"delay_s": 0.05, "user_agent": f"{name}/1.0"}
                    tasks.start_soon(run, shared, served.seeds, summaries, polite)
        agents = [hit.headers["user-agent"] for hit in served.of("alpha.test")]
        assert served.worst_concurrency("alpha.test") == 1
        assert min(served.pauses("alpha.test")) >= 0.045
    assert [one.pages for one in summaries] == [13, 13]
    assert sum(one != other for one, other in pairwise(agents)) >= 20
