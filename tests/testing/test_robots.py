"""What a site says to robots, as a client reads it."""

import aiohttp
import pytest

from crawler.testing import Robots, Rules, Site, Web, html, open_web, robots

RULES = Rules(("/private/",), ("/private/open",), crawl_delay_s=1.5)
TOLD = "User-agent: *\nDisallow: /private/\nAllow: /private/open\nCrawl-delay: 1.5\n"


def test_the_longest_rule_wins_and_allow_wins_a_tie() -> None:
    rules = Rules(disallow=("/a", "/a/b/c", "/t"), allow=("/a/b", "/t"))
    verdicts = {path: rules.allows(path) for path in ("/", "/a", "/a/x", "/a/b", "/a/b/c/d", "/t")}
    assert verdicts == {"/": True, "/a": False, "/a/x": False, "/a/b": True, "/a/b/c/d": False, "/t": True}


@pytest.mark.parametrize(
    "told", [robots.stating(RULES), robots.slow(RULES, 0.05), robots.moved(RULES, hops=3), robots.worded(TOLD, RULES)]
)
async def test_rules_arrive_by_every_road(told: Robots, client: aiohttp.ClientSession) -> None:
    assert await asked(told, client) == [(200, TOLD)]


async def test_a_huge_robots_txt_begins_with_its_rules(client: aiohttp.ClientSession) -> None:
    [(status, text)] = await asked(robots.huge(RULES, size_bytes=600_000), client)
    assert status == 200
    assert text.startswith(TOLD)
    assert len(text) > 500 * 1024


async def test_a_broken_robots_txt_stays_broken_and_a_recovering_one_does_not(client: aiohttp.ClientSession) -> None:
    assert [status for status, _ in await asked(robots.broken(), client, times=2)] == [503, 503]
    assert [status for status, _ in await asked(robots.recovering(RULES, times=1), client, times=2)] == [503, 200]


async def test_a_missing_robots_txt_is_a_404_that_allows_everything(client: aiohttp.ClientSession) -> None:
    assert [status for status, _ in await asked(robots.missing(), client)] == [404]
    assert robots.missing().rules.allows("/anything")


async def test_robots_txt_names_sitemaps_as_they_are_served(client: aiohttp.ClientSession) -> None:
    told = robots.stating(Rules(sitemaps=("http://a.test/sitemap.xml",)))
    async with open_web(Web([Site("a.test", {"/": html("A")}, told)])) as served:
        async with client.get(served.url("a.test", "/robots.txt")) as response:
            assert f"Sitemap: {served.url('a.test', '/sitemap.xml')}\n" in await response.text()


async def asked(told: Robots, client: aiohttp.ClientSession, times: int = 1) -> list[tuple[int, str]]:
    """Status and text of robots.txt, asked for so many times."""
    answers = []
    async with open_web(Web([Site("a.test", {"/": html("A")}, told)])) as served:
        for _ in range(times):
            async with client.get(served.url("a.test", "/robots.txt")) as response:
                answers.append((response.status, await response.text()))
    return answers
