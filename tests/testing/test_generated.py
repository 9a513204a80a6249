"""The webs made by number: complete, the same every time, and readable by an independent client."""

import asyncio
import re
import subprocess
import sys
from collections import Counter
from html import unescape
from pathlib import Path

import aiohttp
import pytest

from crawler import urls
from crawler.testing import SAMPLES, Site, Web, charset_page, demo_web, link_graph, open_web, open_web_process, traps
from crawler.testing.web import Trap, resolve


def test_every_page_of_a_graph_can_be_reached_from_its_own_home() -> None:
    web = link_graph(seed=5, sites=3, pages_per_site=200, links_per_page=8)
    for site in web.sites:
        assert len(web.reachable([web.url(site.host)], [site.host])) == 200
    assert len(web.reachable(web.seeds[:1])) == 600


def test_equal_numbers_give_equal_graphs_and_others_give_others() -> None:
    def links(seed: int) -> list[tuple[str, ...]]:
        return [page.links for site in link_graph(seed).sites for page in site.pages.values()]

    assert links(1) == links(1) != links(2)


def test_a_graph_writes_its_links_in_every_way() -> None:
    hrefs = [href for site in link_graph(1, 4, 100, 20).sites for page in site.pages.values() for href in page.links]
    forms = [
        r"/",
        r"\.\./",
        r"//site",
        r"http://site",
        r"[^/]*\?page=",
        r"mailto:",
        r".*#",
        r"/.*/\.\./",
        r"#",
        r".*%C3",
    ]
    assert [form for form in forms if not any(re.match(form, href) for href in hrefs)] == []


async def test_a_graph_page_holds_the_links_and_the_size_it_promises(client: aiohttp.ClientSession) -> None:
    web = link_graph(seed=3, sites=2, pages_per_site=60, links_per_page=60, median_bytes=30_000)
    async with open_web(web) as served:
        bodies = {url: await text(client, url) for url in served.web.reachable()}
        for url, body in bodies.items():
            assert links_in(url, body) == served.web.links(url)
            assert f"<title>{served.web.expected(url).title}</title>" in body
            assert len(re.findall("<a ", body)) == 60
    assert 20_000 < sorted(map(len, bodies.values()))[60] < 45_000


async def test_titles_survive_in_every_charset(client: aiohttp.ClientSession) -> None:
    web = Web([Site("babel.test", {f"/{sample.name}": charset_page(sample, ["/x"]) for sample in SAMPLES})])
    codecs = {
        "utf-8-bom": "utf-8-sig",
        "utf-16le-bom": "utf-16",
        "iso-8859-1-meta": "cp1252",
        "shift_jis-meta": "cp932",
    }
    async with open_web(web) as served:
        for sample in SAMPLES:
            async with client.get(served.url("babel.test", f"/{sample.name}")) as response:
                body = (await response.read()).decode(codecs.get(sample.name, sample.charset))
                assert f"<title>{sample.title}</title>" in body
                assert (sample.charset in response.headers["content-type"]) == (sample.declared == "header")
                assert (f'<meta charset="{sample.charset}">' in body) == (sample.declared == "meta")


def test_the_demo_is_a_few_hundred_pages_on_many_hosts_all_within_reach() -> None:
    web = demo_web()
    truth = web.truth()
    counts = Counter(expected.disposition for expected in truth.values())
    assert len(web.sites) == 24
    assert 280 <= counts["fetched"] <= 320
    assert counts.keys() == {"fetched", "redirected", "duplicate", "excluded", "failed"}
    unreached = truth.keys() - web.reachable(web.seeds[:1])
    assert {url for url in unreached if truth[url].disposition != "excluded"} == {
        url for url in truth if url.endswith("/sitemap.xml")
    }
    titles = Counter(
        expected.title for expected in truth.values() if expected.disposition == "fetched" and expected.title
    )
    assert titles.most_common(1)[0][1] == 1


@pytest.mark.slow
async def test_whoever_follows_the_demos_links_finds_what_its_truth_says(client: aiohttp.ClientSession) -> None:
    async with open_web(demo_web()) as served:
        found: dict[str, int] = {}
        todo = set(served.seeds[:1])
        while todo:
            answers = await asyncio.gather(*(visit(client, url) for url in todo))
            found |= {url: status for url, (status, _) in zip(todo, answers, strict=True)}
            links = {link for _, links in answers for link in links}
            todo = {link for link in links if served.web.is_allowed(link)} - found.keys()
        assert found.keys() == served.web.reachable()
        assert {url: served.web.expected(url).status for url in found} == found
        assert not served.strays


def test_a_calendar_may_end_and_others_go_on() -> None:
    bounded, forever = traps.calendar("/c/", first=2027 * 12, months=2), traps.calendar("/c/")
    assert bounded("/c/2027-01").links == ("/c/2027-02",)
    assert bounded("/c/2027-03").status == 404
    assert forever("/c/2027-01").links == ("/c/2026-12", "/c/2027-02")
    assert forever("/c/yesterday").status == 404


@pytest.mark.parametrize(
    ("trap", "start"),
    [(traps.repeating_paths(), "/loop/"), (traps.growing_queries(), "/filter"), (traps.calendar(), "/calendar/")],
)
def test_traps_have_no_end(trap: Trap, start: str) -> None:
    web = Web([Site("a.test", traps={start: trap})], [f"http://a.test{start}"])
    assert len(web.reachable(max_depth=6)) > len(web.reachable(max_depth=5)) > 5


async def test_session_ids_change_with_every_answer(client: aiohttp.ClientSession) -> None:
    web = Web([Site("a.test", traps={"/shop/": traps.session_ids()})])
    async with open_web(web) as served:
        first, second = [await text(client, served.url("a.test", "/shop/a")) for _ in range(2)]
    assert "?sid=" in first
    assert first != second


async def test_a_web_process_serves_until_its_context_ends(client: aiohttp.ClientSession) -> None:
    async with open_web_process("--sites", "2", "--pages", "3", "--print-seeds") as seeds:
        assert len(seeds) == 2
        assert "<title>Arrivals, sheet 0 of site-001.test</title>" in await text(client, seeds[1])
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get(seeds[0])


async def test_a_web_process_that_cannot_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="stderr says why"):
        async with open_web_process("--no-such-option"):
            pass


async def test_a_web_process_ends_by_signal_and_leaves_its_hits(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    hits = tmp_path / "hits.tsv"
    command = (sys.executable, "-m", "crawler.testing", "--sites", "1", "--pages", "2", "--hits", str(hits))
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    home = (await process.stdout.readline()).decode().strip()
    assert (await process.stdout.readline()).strip() == b""
    await text(client, home)
    process.terminate()
    assert await process.wait() == 0
    assert [line.split("\t")[1:] for line in hits.read_text().splitlines()] == [["200", home]]


@pytest.mark.parametrize("web", [demo_web(), link_graph(seed=9, sites=3, pages_per_site=100)])
async def test_described_urls_are_canonical_for_the_crawler_too(web: Web) -> None:
    async with open_web(web) as served:
        assert [url for url in served.web.truth() if urls.parse(url).text != url] == []


async def visit(client: aiohttp.ClientSession, url: str) -> tuple[int, list[str]]:
    """The final status (after the demo's passing failures) and the links."""
    for _ in range(2):
        try:
            async with client.get(url, allow_redirects=False) as response:
                body = (await response.read()).decode("latin-1")
                if response.status not in (500, 503):
                    break
        except aiohttp.ClientError:
            continue
    target = response.headers.get("location")
    hrefs = [resolve(url, target)] if target else links_in(url, body) if response.status == 200 else []
    return response.status, hrefs


async def text(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(url) as response:
        return await response.text()


def links_in(url: str, body: str) -> list[str]:
    """The page's http links, each once: a reading of our regular markup that shares no code with the description."""
    hrefs = [resolve(url, unescape(href)) for href in re.findall(r'<a [^>]*href="([^"]*)"', body)]
    return list(dict.fromkeys(filter(None, hrefs)))
