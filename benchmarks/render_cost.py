"""What a page made by scripts costs: CPU of all processes, memory, and whether both stay flat over many pages."""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import NamedTuple

import psutil
from aiohttp import web

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from crawler import Config, open_crawl, stream

MOST_CPU_MS, MOST_MB = 160.0, 450.0
"""The goals: CPU a page of a light application, and memory of the browser at four pages at a time."""
LINKS = 200
SHELL = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>app</title><script type=module src=/app.js></script>"
    "</script></head><body><div id=root></div></body></html>"
)
APP = """
const data = await (await fetch('/data' + location.pathname)).json();
document.title = data.title;
document.getElementById('root').innerHTML = '<h1>' + data.title + '</h1>' +
  data.items.map(one => `<article><a href="${one}">${one}</a><p>about ${one}</p></article>`).join('');
"""


class Sample(NamedTuple):
    pages: int
    cpu_s: float
    browser_mb: float
    processes: int
    own_mb: float


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    if given.serve:
        web.run_app(_site(given.pages), host="127.0.0.1", port=given.serve, access_log=None, print=None)
        return 0
    print(describe(PYTHON))
    return asyncio.run(_measure(given.pages, given.at_once))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments or None)


async def _measure(pages: int, at_once: int) -> int:
    async with _serving(pages) as url:
        plain_s = await _plain(url, pages)
        samples = [one async for one in _crawl(url, pages, at_once)]
    first, last = samples[1], samples[-1]  # the start of the browser is not what a page costs
    cpu_ms = (last.cpu_s - first.cpu_s) * 1000 / (last.pages - first.pages)
    print("pages  CPU s  browser MB (PSS)  processes  own MB")
    for one in samples:
        print(f"{one.pages:5} {one.cpu_s:6.1f} {one.browser_mb:17.0f} {one.processes:10} {one.own_mb:7.0f}")
    print(f"\nCPU a page: {cpu_ms:.0f} ms, all processes (goal {MOST_CPU_MS:.0f}); not rendered: {plain_s:.1f} ms")
    most = max(one.browser_mb for one in samples)
    print(f"browser at {at_once} pages at a time: {most:.0f} MB at most (goal {MOST_MB:.0f})")
    return int(cpu_ms > MOST_CPU_MS or most > MOST_MB)


async def _plain(url: str, pages: int) -> float:
    """Returns the CPU milliseconds of a page of the same site that is not rendered."""
    before, n = time.process_time(), 0
    async with stream([f"{url}/p{number}" for number in range(pages)], _config(4, "never")) as outcomes:
        async for _ in outcomes:
            n += 1
    return (time.process_time() - before) * 1000 / n


async def _crawl(url: str, pages: int, at_once: int) -> AsyncIterator[Sample]:
    """Crawls the site and yields a sample now and then."""
    done = 0
    every = max(1, pages // 8)
    async with stream([f"{url}/p{number}" for number in range(pages)], _config(at_once, "always")) as outcomes:
        async for outcome in outcomes:
            done += 1
            page = outcome.page
            if page is None or page.n_links != LINKS:
                raise SystemExit(f"{outcome.url}: {page and page.n_links} links: {outcome.reason} {outcome.detail}")
            if not done % every:
                yield _sample(done)


def _config(at_once: int, mode: str) -> Config:
    return Config.model_validate(
        {
            "scope": {"max_depth": 0, "traps": "off"},
            "politeness": {"delay_s": 0, "per_site": at_once},
            "fetch": {"allow_networks": ["127.0.0.0/8"]},
            "offload": {"executor": "inline"},
            "render": {"mode": mode, "pages_at_once": at_once},
        }
    )


def _sample(pages: int) -> Sample:
    own, cpu_s, memory, number = psutil.Process(), 0.0, 0.0, 0
    for one in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):  # it has just ended
            if "--serve" in one.cmdline():
                continue
            cpu_s += sum(one.cpu_times()[:4])
            if one != own:
                memory += one.memory_full_info().pss / 1e6
                number += 1
    return Sample(pages, cpu_s, memory, number, own.memory_info().rss / 1e6)


# -- the site ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _serving(pages: int) -> AsyncIterator[str]:
    port = 18931
    site = subprocess.Popen([PYTHON, "-m", "benchmarks.render_cost", "--serve", str(port), "--pages", str(pages)])  # noqa: ASYNC220
    try:
        async with open_crawl(allow_networks=["127.0.0.0/8"], delay_s=0.0, executor="inline") as crawl:
            for _ in range(100):
                try:
                    await crawl.fetch(f"http://127.0.0.1:{port}/p0", obeys_robots=False)
                    break
                except Exception:  # noqa: BLE001 - it is not up yet
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        site.kill()
        site.wait()


def _site(pages: int) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/app.js":
            return web.Response(text=APP, content_type="text/javascript")
        if request.path == "/robots.txt":
            return web.Response(status=404)
        if request.path.startswith("/data"):
            words = Random(request.path)  # pages that differ in numbers alone would look like an outage
            items = [f"/{_word(words)}-{_word(words)}-{number}" for number in range(LINKS)]
            return web.json_response({"title": f"{_word(words)} {_word(words)}", "items": items})
        return web.Response(text=SHELL, content_type="text/html")

    site = web.Application()
    site.router.add_get("/{path:.*}", answer)
    return site


def _word(words: Random) -> str:
    return "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=7))


if __name__ == "__main__":
    sys.exit(main())
