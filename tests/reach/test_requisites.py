"""Requisites and extra hops: random webs against the truth, whatever comes first, over stops and resumed runs."""

from __future__ import annotations

import asyncio
import heapq
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import Request, Response, urls
from crawler.frontier import Known, look
from crawler.parse.page import MOST_STEPS

REQUISITE = 256
HTML, STYLE, IMAGE = "text/html", "text/css", "image/png"


@dataclass(frozen=True)
class Text:
    """A document: where it leads, and what it needs to be shown."""

    links: Sequence[str] = ()
    needs: Sequence[str] = ()
    kind: str = HTML
    moves_to: str = ""

    @property
    def body(self) -> str:
        if self.kind == STYLE:
            return "".join(f"a{{background:url({url})}}" for url in self.needs)
        shown = "".join(f'<object data="{url}"></object>' for url in self.needs)
        return shown + "".join(f'<a href="{url}">x</a>' for url in self.links)


WebOf = Mapping[str, Text]


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


@dataclass(frozen=True)
class Rules:
    seeds: Sequence[str]
    requisites: bool = True
    extra_hops: int = 0
    max_depth: int | None = None

    @property
    def settings(self) -> dict[str, Any]:
        said = {"requisites": self.requisites, "extra_hops": self.extra_hops, "max_depth": self.max_depth}
        return {**said, "delay_s": 0.0, "per_site": 4, "executor": "inline", "durability": "process", "traps": "off"}

    def is_in_reach(self, url: str) -> bool:
        return any(urls.parse(url).site == urls.parse(seed).site for seed in self.seeds)


def truth(web: WebOf, rules: Rules) -> dict[str, int]:
    """Returns the way of every URL that belongs to the crawl: a shortest walk over all kinds of steps."""
    ways: dict[str, tuple[int, int]] = {}
    heap = [(0, 0, seed) for seed in rules.seeds]
    while heap:
        way, depth, url = heapq.heappop(heap)
        if url in ways:
            continue
        ways[url] = (way, depth)
        for step in _steps(web[url], rules, way, depth):
            heapq.heappush(heap, step)
    return {url: way for url, (way, _) in ways.items()}


def _steps(text: Text, rules: Rules, way: int, depth: int) -> list[tuple[int, int, str]]:
    found = []
    if text.moves_to and (way or rules.is_in_reach(text.moves_to)):
        found.append((way, depth, text.moves_to))
    elif text.moves_to and rules.extra_hops:
        found.append((1, depth, text.moves_to))
    for url in text.links if way < REQUISITE else ():
        is_in = rules.is_in_reach(url)
        if is_in and not way and (rules.max_depth is None or depth < rules.max_depth):
            found.append((0, depth + 1, url))
        elif not is_in and way < rules.extra_hops:
            found.append((way + 1, depth + 1, url))
    step = max(way, REQUISITE) + 1
    if rules.requisites and step <= REQUISITE + MOST_STEPS:
        found += [(step, depth, url) for url in text.needs]
    return found


def make_web(chance: random.Random) -> tuple[dict[str, Text], Sequence[str]]:
    """Returns random documents of hosts in reach and others, with the seeds."""
    hosts = ("a", "b", "x", "y", "z")
    pages = [f"http://{host}.test/{n}" for host in hosts for n in range(8)]
    sheets = [f"http://{host}.test/{n}.css" for host in ("a", "x", "cdn") for n in range(4)]
    images = [f"http://{host}.test/{n}.png" for host in ("a", "img") for n in range(6)]
    web = {url: Text(kind=IMAGE) for url in images}
    web |= {url: Text(needs=chance.sample(sheets + images, 2), kind=STYLE) for url in sheets}
    for url in pages:
        links, needs = chance.sample(pages + images, chance.randrange(4)), chance.sample(pages + sheets + images, 2)
        web[url] = Text(links, needs if chance.random() < 0.5 else ())
    for url in chance.sample(pages[2:], 4):
        web[url] = Text(moves_to=chance.choice(pages))
    seeds = [pages[0], pages[8]]
    web |= {seed: Text(chance.sample(pages, 4), chance.sample(sheets + pages, 3)) for seed in seeds}
    return _without_circles(web), seeds


def _without_circles(web: dict[str, Text]) -> dict[str, Text]:
    """Redirects lead to pages alone: circles of them are another test's matter."""
    return {
        url: Text(links=[text.moves_to]) if text.moves_to and web[text.moves_to].moves_to else text
        for url, text in web.items()
    }


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
