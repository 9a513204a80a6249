"""The figures of browsers add up over the crawls of a process, and what only grows never falls."""

from __future__ import annotations

from typing import Any

import pytest

import crawler
from crawler import Config, open_shared
from crawler.metrics.rendering import RenderFigures, RenderTotals
from crawler.testing import link_graph, open_web
from tests.render.webs import QUICK, made_by_scripts, needs_chromium


async def read(totals: RenderTotals) -> dict[str, float]:
    return {f"{one.metric.name} {' '.join(one.labels)}".strip(): one.value for one in await totals.read()}


async def test_figures_of_crawls_that_have_ended_are_kept_but_for_those_of_now() -> None:
    totals, first = RenderTotals(), RenderFigures(rendered=3, failed=1, seconds=2.0, started=1, open=2, memory_bytes=9)
    with totals.count(first), totals.count(RenderFigures(rendered=1, memory_bytes=1)):
        assert (await read(totals))["crawld_rendered_pages_total rendered"] == 4
        assert (await read(totals))["crawld_browser_memory_bytes"] == 10
    assert await read(totals) == {
        "crawld_rendered_pages_total rendered": 4,
        "crawld_rendered_pages_total failed": 1,
        "crawld_rendering_seconds_total": 2.0,
        "crawld_rendering_pages": 0,
        "crawld_browser_starts_total": 1,
        "crawld_browser_memory_bytes": 0,
    }


@needs_chromium
@pytest.mark.slow
async def test_a_crawl_that_renders_is_counted() -> None:
    web = made_by_scripts(link_graph(seed=3, sites=1, pages_per_site=3, links_per_page=2))
    settings: dict[str, Any] = QUICK | {"render": {"mode": "always"}}
    async with open_web(web) as served, open_shared(Config(**settings)) as shared:
        async with crawler.stream(served.seeds, shared=shared, **settings) as outcomes:
            seen = [outcome async for outcome in outcomes]
            assert (await read(shared.rendering))["crawld_browser_memory_bytes"] > 0
        told = await read(shared.rendering)
        assert told["crawld_rendered_pages_total rendered"] == len(seen) == 3
        assert told["crawld_browser_starts_total"] == 1
        assert told["crawld_rendering_seconds_total"] > 0
        shown = {one.metric.name for one in await shared.meters.read()}
        assert "crawld_rendered_pages_total" in shown
