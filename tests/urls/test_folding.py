"""What the policy folds is fetched once, by whichever way it was found; and no URL writes more than its own line."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

import crawler
from crawler import urls
from crawler.errors import UrlError
from crawler.model import Request, Url
from crawler.settings import FetchConfig
from crawler.testing import Page, Site, Web, html, open_web, redirect, robots, sitemap
from tests.defaults import open_fetcher

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}
ID = "0123456789abcdef0123456789abcdef"


async def fetched(pages: dict[str, Page], *seeds: str, **options: Any) -> list[str]:
    """The paths that a crawl of one site asked for, sorted."""
    web = Web([Site("a.test", pages, robots.missing())], [])
    async with open_web(web) as served:
        with anyio.fail_after(30):
            await crawler.crawl([served.url("a.test", seed) for seed in seeds], **(QUICK | options))
        return sorted(Url(text).path for text in served.counts(robots=False).elements())


async def test_a_page_found_by_many_spellings_is_fetched_once() -> None:
    pages = {
        "/": html("Home", ["/a?utm_source=home", "/a;jsessionid=1", "/a", "/moved", f"/a?sid={ID}#x", "/map.xml"]),
        "/a": html("A", ["/?", "/?gclid=1", "/a?fbclid=2"]),
        "/moved": redirect("/a?gclid=3"),
        "/map.xml": sitemap(["/a?utm_medium=map", "/?utm_source=map"]),
    }
    assert await fetched(pages, "/?utm_source=letter", "/?", "/") == ["/", "/a", "/map.xml", "/moved"]


async def test_without_a_policy_every_spelling_is_a_page() -> None:
    pages = {"/": html("Home", ["/a?utm_id=1", "/a?utm_id=2"]), "/a?utm_id=1": html("1"), "/a?utm_id=2": html("2")}
    assert await fetched(pages, "/") == ["/", "/a"]
    assert await fetched(pages, "/", strip_params=[]) == ["/", "/a?utm_id=1", "/a?utm_id=2"]


async def test_a_request_of_ones_own_is_folded_too() -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})], [])) as served:
        home = served.url("a.test", "/")
        async with crawler.open_crawl(**QUICK) as crawl:
            assert await crawl.add([home, Url(f"{home}?utm_id=1"), Request(Url(f"{home}?gclid=1"))]) == 1


async def test_a_server_that_insists_on_its_session_id_is_given_it_once() -> None:
    """A redirect from a page to another spelling of it would else lead nowhere."""
    pages = {
        "/": redirect("/;jsessionid=1"),
        "/;jsessionid=1": html("Home", ["/next;jsessionid=1", "/;jsessionid=1"]),
        "/next": html("Next"),
    }
    assert await fetched(pages, "/") == ["/", "/;jsessionid=1", "/next"]


async def test_session_ids_without_end_are_followed_one_step() -> None:
    pages = {"/": redirect("/;jsessionid=1")} | {
        f"/;jsessionid={n}": redirect(f"/;jsessionid={n + 1}") for n in range(1, 9)
    }
    assert await fetched(pages, "/") == ["/", "/;jsessionid=1"]


nasty = st.sampled_from(
    ["\r\n", "\n", "\r", "\0", "\t", " ", "HTTP/1.1", "Host: evil", "/", "?", "%0d%0a", "%00", "\u2028", "\x85", "\x7f"]
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(nasty | st.text(max_size=3), max_size=8).map("".join), min_size=5, max_size=20))
def test_no_url_writes_more_than_its_own_request_line(rests: list[str]) -> None:
    found = asyncio.run(_request_heads(rests))
    fields = {head.partition(b"\r\n")[2] for _, head in found}
    assert len(fields) <= 1  # the fields are the same, whatever the URL
    for url, head in found:
        line = head.partition(b"\r\n")[0]
        assert line == b"GET %b HTTP/1.1" % url.path.encode()
        assert all(0x20 < byte < 0x7F for byte in url.path.encode())


async def _request_heads(rests: list[str]) -> list[tuple[Url, bytes]]:
    """What a server reads when we fetch what parses of these texts, put behind its address."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    site = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asked = []
    async with open_fetcher(FetchConfig(allow_networks=("127.0.0.0/8",)), "storybot/1.0") as fetcher:
        for rest in rests:
            try:
                asked.append(urls.parse(f"{site}/{rest}"))
            except UrlError:
                continue
            await fetcher.fetch(Request(asked[-1]))
    server.close()
    await server.wait_closed()
    return list(zip(asked, heads, strict=True))
