"""Requisites and extra hops: random webs against the truth, whatever comes first, over stops and resumed runs."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import crawler
from crawler import Request, Response, urls
from crawler.frontier import Known, look
from tests.lossless.needs import REQUISITE, Rules, WebOf, make_web, truth

ARRIVED = ("fetched", "redirected", "duplicate")


class Canned:
    """Serves a web without a network, in an order that chance gives; may stop the crawl after some answers."""

    def __init__(self, web: WebOf, chance: random.Random) -> None:
        self.web, self.chance = web, chance
        self.asked: list[str] = []
        self.call: tuple[int, Callable[[], None]] | None = None

    async def fetch(self, request: Request) -> Response:
        for _ in range(self.chance.randrange(12)):
            await asyncio.sleep(0)
        if request.url.path == "/robots.txt":
            return Response(request.url, 404, ())
        self.asked.append(request.url.text)
        if self.call and len(self.asked) >= self.call[0]:
            self.call[1]()
        text = self.web[request.url.text]
        if text.moves_to:
            return Response(request.url, 302, ((b"location", text.moves_to.encode()),))
        return Response(request.url, 200, ((b"content-type", text.kind.encode()),), text.body.encode())


async def run(folder: Path, fetcher: Canned, rules: Rules, stops: Sequence[int] = ()) -> crawler.Summary:
    """Crawls to the end, in as many runs as there are stops and one."""
    for after in (*stops, None):
        async with crawler.open_crawl(folder=folder, fetcher=fetcher, **rules.settings) as crawl:
            fetcher.call = (len(fetcher.asked) + after, crawl.abort) if after else None
            summary = await crawl.run(rules.seeds)
    return summary


def check(folder: Path, web: WebOf, rules: Rules, summary: crawler.Summary) -> None:
    """Holds the crawl folder against the truth: what was fetched, once each, and how each URL belongs to the crawl."""
    wanted = truth(web, rules)
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    times = Counter(record["url"] for record in records)
    assert set(times) == set(wanted)
    assert max(times.values()) == 1
    for record in records:
        assert record.get("requisite", False) or wanted[record["url"]] < REQUISITE
    found = {url: _find(folder, url) for url in wanted}
    ways = {url: known.requisite + REQUISITE if known.requisite else known.extra_hop for url, known in found.items()}
    assert ways == wanted
    fetched = [url for url in wanted if not web[url].moves_to]
    assert summary.counts.requisites == sum(wanted[url] > REQUISITE for url in fetched if times[url])
    assert summary.counts.queued == summary.counts.leased == 0


def _find(folder: Path, url: str) -> Known:
    known = look(folder / "frontier.sqlite", lambda opened: opened.find(urls.parse(url)))
    assert known is not None
    return known


@pytest.mark.parametrize("number", range(12))
async def test_a_random_web_is_crawled_as_far_as_the_rules_say_whatever_came_first(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    web, seeds = make_web(chance)
    rules = Rules(seeds, number % 4 != 3, number % 3, None if number % 2 else 2)
    stops = [chance.randint(1, 9) for _ in range(chance.randrange(4))]
    fetcher = Canned(web, chance)
    summary = await run(tmp_path / "crawl", fetcher, rules, stops)
    check(tmp_path / "crawl", web, rules, summary)


@pytest.mark.parametrize("number", range(6))
async def test_wider_settings_end_where_a_crawl_with_them_from_the_start_ends(number: int, tmp_path: Path) -> None:
    chance = random.Random(100 + number)
    web, seeds = make_web(chance)
    fetcher = Canned(web, chance)
    narrow = Rules(seeds, requisites=number % 2 == 1, extra_hops=0, max_depth=1)
    wide = Rules(seeds, requisites=True, extra_hops=1 + number % 2, max_depth=None if number % 3 else 2)
    await run(tmp_path / "crawl", fetcher, narrow)
    summary = await run(tmp_path / "crawl", fetcher, wide)
    check(tmp_path / "crawl", web, wide, summary)


@pytest.mark.parametrize("number", range(4))
async def test_narrower_settings_on_the_way_lose_nothing_that_wider_ones_want(number: int, tmp_path: Path) -> None:
    chance = random.Random(200 + number)
    web, seeds = make_web(chance)
    fetcher, folder = Canned(web, chance), tmp_path / "crawl"
    wide = Rules(seeds, requisites=True, extra_hops=1)
    async with crawler.open_crawl(folder=folder, fetcher=fetcher, **wide.settings) as crawl:
        fetcher.call = (3, crawl.abort)
        await crawl.run(seeds)
    fetcher.call = None
    narrow = Rules(seeds, requisites=False)
    await run(folder, fetcher, narrow)
    ended = {url for url, disposition in _last(folder).items() if disposition in ARRIVED}
    assert ended >= truth(web, narrow).keys()
    await run(folder, fetcher, wide)
    ended = {url for url, disposition in _last(folder).items() if disposition in ARRIVED}
    assert ended == truth(web, wide).keys()


def _last(folder: Path) -> dict[str, str]:
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    return {record["url"]: record["disposition"] for record in records}
