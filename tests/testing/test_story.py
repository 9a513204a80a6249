"""The example in the package's docstring, run: a small honest crawler meets a fake web and is judged by it."""

import asyncio
import re
import textwrap
from collections.abc import Awaitable, Callable
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import aiohttp

from crawler import testing

REST_S = 0.1


async def test_the_example_in_the_docstring_holds(client: aiohttp.ClientSession) -> None:
    async def my_crawl(seeds: list[str]) -> None:
        await small_crawl(client, seeds)

    story: dict[str, Callable[[], Awaitable[None]]] = {"my_crawl": my_crawl}  # type: ignore[dict-item]
    exec(example(), story)
    await story["test_the_crawl_asks_for_everything_once"]()


async def small_crawl(client: aiohttp.ClientSession, seeds: list[str]) -> None:
    """One request after the other, with a rest after each; robots.txt is obeyed."""
    robots: dict[str, RobotFileParser] = {}
    queue = list(seeds)
    for url in queue:  # it grows while we walk it
        host = urlsplit(url).netloc
        if host not in robots:
            robots[host] = rules = RobotFileParser()
            rules.parse((await get(client, f"http://{host}/robots.txt"))[1].splitlines())
        if robots[host].can_fetch("small", url):
            target, body = await get(client, url)
            links = [urljoin(url, href) for href in [target, *re.findall('href="([^"]*)"', body)] if href]
            queue += [link for link in dict.fromkeys(links) if link not in queue]
            await asyncio.sleep(REST_S)


async def get(client: aiohttp.ClientSession, url: str) -> tuple[str, str]:
    """Where it redirects to, and the body (none, if it is an error)."""
    async with client.get(url, allow_redirects=False) as response:
        return response.headers.get("location", ""), await response.text() if response.ok else ""


def example() -> str:
    indented = re.search(r"::\n\n((?:    .*\n|\n)+)", testing.__doc__ or "")
    assert indented is not None
    return textwrap.dedent(indented[1])
