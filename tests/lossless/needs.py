"""Webs of pages that need others to be shown, and the truth about how far a crawl of them goes."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.parse.page import MOST_STEPS
from crawler.testing import Answer, Asked, Page, Site, redirect

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
        return any(urlsplit(url).netloc == urlsplit(seed).netloc for seed in self.seeds)


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


def sites_of(web: WebOf) -> list[Site]:
    """Returns the web as sites that can be served."""
    books: dict[str, dict[str, Page]] = {}
    for url, text in web.items():
        parts = urlsplit(url)
        books.setdefault(parts.netloc, {})[parts.path] = redirect(text.moves_to) if text.moves_to else _page(text)
    return [Site(host, pages) for host, pages in books.items()]


def _page(text: Text) -> Page:
    def answer(asked: Asked) -> Answer:
        here = Text([asked.place(url) for url in text.links], [asked.place(url) for url in text.needs], text.kind)
        return Answer(200, (("Content-Type", text.kind),), here.body.encode())

    return Page(answer, 200, "", ())
