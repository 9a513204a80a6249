"""`crawl forecast` tells how large a crawl would be, in words and as JSON, and says so where nothing can be told."""

from __future__ import annotations

import json
import random

from benchmarks.generated_webs import make_site
from crawler.testing import Site, Web, disallowing, html, open_web
from tests.cli.conftest import ALLOWED, Crawl
from tests.forecast.webs import serve


async def test_it_tells_pages_bytes_time_sites_and_other_settings(crawl: Crawl) -> None:
    dice = random.Random(2)
    site = make_site(dice, "shop", most=200, sitemaps=1.0)
    async with open_web(serve([site, make_site(dice, "tree", most=900, sitemaps=0.0)])) as served:
        settings = ("forecast", *served.seeds, "--allow-network", "127.0.0.0/8", "--delay", "0.01", "--sample", "12")
        words = await crawl(*settings)
        told = json.loads((await crawl(*settings, "--json", "--limit", "30")).out)
    assert words.code == 0, words.err
    first, second, *_ = words.out.splitlines()
    assert first == "forecast of 2 sites, from 24 pages; intervals hold in 8 of 10 cases"
    assert second.startswith("  takes  at least ")
    assert "no more can be said: its 12 pages are too few to judge, and no sitemap helps" in words.out
    assert f"{len(site.sitemap)} URLs in 1 sitemap" in words.out
    for option in "--delay 0.005", "--delay 0.02", "--per-site 2", "--limit 100", "without the first of them:":
        assert f"\n  {option} " in words.out
    assert told["v"] == 1
    assert told["size"]["pages"] == {"low": 30, "likely": 30, "high": 30}
    assert told["limits"] == {"scope.limit": 30}
    by_site = {f"{one['site']}/": one["pages"] for one in told["sites"]}
    said = by_site[served.seeds[0]]
    assert said["low"] / 2 <= site.size <= 2 * said["high"], "how often intervals hold is shown in tests/forecast"
    assert by_site[served.seeds[1]]["high"] is None


async def test_a_forecast_of_nothing_says_so_with_exit_code_4(crawl: Crawl) -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")}, disallowing("/"))])) as served:
        ran = await crawl("forecast", *served.seeds, *ALLOWED)
        told = json.loads((await crawl("forecast", *served.seeds, *ALLOWED, "--json")).out)
    site = served.seeds[0].rstrip("/")
    assert (ran.code, ran.out) == (4, f"nothing to forecast: no page could be fetched\nnothing of {site}: robots\n")
    assert (told["size"], told["refused"][0]["reason"]) == (None, "robots")


async def test_seeds_that_cannot_be_read_are_named(crawl: Crawl) -> None:
    ran = await crawl("forecast", "no-such-file.txt", *ALLOWED)
    assert (ran.code, ran.out) == (2, "")
    assert "no-such-file.txt: no such file" in ran.err
    assert (await crawl("forecast", "-", *ALLOWED, stdin="\n")).code == 2
