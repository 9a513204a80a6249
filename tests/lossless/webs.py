"""Pages and sites of the generated webs, and breadth-first truth about webs of links."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from crawler.testing import Answer, Asked, Page, Site

_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_TEXT = """
    anchor barge beacon bell berth breeze bridge buoy canvas cargo channel chart cloud coast compass copper crane dawn
    deck dock drift dusk engine ferry fog gale gull harbour hatch heron hull island jetty kelp knot lantern ledge mast
    mist moor net oar otter pier pilot plank quay reef rope rudder sail salt sand shelf shoal slip spar star tide tower
"""
WORDS = _TEXT.split()
FRAME = "<p>" + " ".join(random.Random(11).choices(WORDS, k=120))
"""What stands on every page of a site, as menus and footers do."""
Graph = Mapping[str, Iterable[str]]
"""Target -> the targets its page links to."""


def page(title: str, links: Iterable[str] = (), *said: str, words: str = "") -> Page:
    """A page with links, each in these words or named after its target, and what else it says, as HTML."""
    hrefs = tuple(links)

    def answer(asked: Asked) -> Answer:
        anchors = "".join(f'<li><a href="{asked.place(href)}">{words or href.strip("/")}</a>' for href in hrefs)
        body = f"<title>{title}</title>{FRAME}<h1>{title}</h1>{''.join(said)}<ul>{anchors}</ul>"
        return Answer(200, _HTML, body.encode())

    return Page(answer, 200, title, hrefs)


def essay(number: int | str, words: int = 40) -> str:
    """A paragraph that no other number has."""
    return "<p>" + " ".join(random.Random(str(number)).choices(WORDS, k=words))


def answering(host: str, answer: Callable[[str], Page | None], address: str | None = None) -> Site:
    """A site whose pages are made as they are asked for; None: there is no such page."""
    absent = Page(lambda _: Answer(404, _HTML, b"<title>Not found</title>"), 404, disposition="failed")

    def trap(target: str) -> Page:
        return (answer(target) if target != "/robots.txt" else None) or absent

    return Site(host, traps={"/": trap}, address=address)


def linked(host: str, graph: Graph, address: str | None = None) -> Site:
    """A site of pages with words of their own that link as the graph says."""
    pages = {target: page(f"Page {target}", links, essay(f"{host}{target}")) for target, links in graph.items()}
    return Site(host, pages, address=address)


def within(
    seeds: Iterable[str],
    links: Callable[[str], Iterable[str]],
    max_depth: int | None = None,
    admits: Callable[[str], bool] = lambda url: True,
) -> dict[str, int]:
    """Every URL that belongs to a crawl, with its depth: seeds, and what is admitted, on the shortest way."""
    depths = dict.fromkeys(seeds, 0)
    queue = deque(depths)
    while queue:
        url = queue.popleft()
        if max_depth is not None and depths[url] == max_depth:
            continue
        for link in links(url):
            if link not in depths and admits(link):
                depths[link] = depths[url] + 1
                queue.append(link)
    return depths
