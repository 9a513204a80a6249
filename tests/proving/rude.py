"""Crawls whose fetcher is rude in one way: it asks too early, too much at a time, or for what robots.txt forbids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from crawler import Config, Fetcher, Folder, Request, Response, SinkConfig, Url, crawl, read_folder
from crawler.testing import Robots, Site, Web, disallowing, error, failing, html, open_web, slow

DELAY_S = 0.05
SETTINGS: dict[str, Any] = {
    "delay_s": DELAY_S, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "retry_delay_s": 0.05,
}  # fmt: skip
ROBOTS = disallowing("/private/", allow=("/private/open",))


def web(robots: Robots = ROBOTS) -> Web:
    """A site of five pages."""
    pages = {"/": html("A", ["/b", "/c", "/d", "/private/x", "/private/open"])}
    pages |= {path: html(path) for path in ("/b", "/c", "/d", "/private/x", "/private/open")}
    pages["/c"] = slow(pages["/c"], 0.02)
    return Web([Site("a.test", pages, robots=robots)])


class Rude:
    """A Fetcher around the crawl's own one. Once, at the page /c, it does what it should not."""

    def __init__(self, inner: Fetcher, act: Callable[[Fetcher, Request], Any]) -> None:
        self._inner = inner
        self._act = act

    async def fetch(self, request: Request) -> Response:
        if request.url.path == "/c":
            await self._act(self._inner, request)
        return await self._inner.fetch(request)


async def ask_early(inner: Fetcher, request: Request) -> None:
    await inner.fetch(request)


async def ask_beside(inner: Fetcher, request: Request) -> None:
    await asyncio.gather(inner.fetch(request), inner.fetch(request))


async def ask_forbidden(inner: Fetcher, request: Request) -> None:
    await inner.fetch(replace(request, url=Url(f"{request.url.site}/private/x")))


async def crawl_rudely(folder: Path, act: Callable[[Fetcher, Request], Any], **settings: Any) -> Folder:
    """Crawls into a folder and returns it."""
    async with open_web(web()) as served:
        given = {**SETTINGS, **settings}
        await crawl(served.seeds, folder=folder, fetcher=lambda inner: Rude(inner, act), **given)
    return read_folder(folder, Config())


async def crawl_politely(
    folder: Path, *, times: int = 1, robots: Robots = ROBOTS, outputs: tuple[str, ...] = ("jsonl",), **settings: Any
) -> Folder:
    """Crawls into a folder, in several runs, and returns it."""
    async with open_web(web(robots)) as served:
        for _ in range(times):
            config = Config(sinks=tuple(SinkConfig(kind=kind) for kind in outputs))
            await crawl(served.seeds, config, folder=folder, **{**SETTINGS, **settings})
    return read_folder(folder, Config())


async def crawl_busy_site(folder: Path, fetcher: Any = None) -> Folder:
    """Crawls a site that asks once, with 503, to be left alone for a second."""
    busy = failing(html("C"), times=1, by=error(503, retry_after_s=1))
    site = Site("a.test", {"/": html("A", ["/b", "/c"]), "/b": html("B"), "/c": busy})
    async with open_web(Web([site])) as served:
        await crawl(served.seeds, folder=folder, fetcher=fetcher, **SETTINGS)
    return read_folder(folder, Config())


def reseal(folder: Folder, change: Callable[[bytes], bytes]) -> None:
    """Changes lines and seals all of them anew: as a crawl would have written them that did what they say."""
    audit, before, written = folder.path / "requests.audit", "", []
    for line in audit.read_bytes().splitlines():
        text = change(line[:-33]).decode()
        before = sha256(f"{before} {text}".encode()).hexdigest()[:32]
        written.append(f"{text} {before}\n")
    audit.write_text("".join(written))
