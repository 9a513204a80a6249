"""Nothing leads a crawler inward or to other schemes: no spelling of an address, no redirect, no file of a site."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

import crawler
from crawler import urls
from crawler.errors import FetchError, UrlError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback

INWARD = {
    "decimal": "http://2130706433/",
    "hexadecimal": "http://0x7f000001/",
    "octal": "http://017700000001/",
    "mixed": "http://0x7f.1/",
    "octal parts": "http://0177.0.0.01/",
    "short": "http://127.1/",
    "zero": "http://0/",
    "all zeros": "http://0.0.0.0/",
    "a dot at the end": "http://127.0.0.1./",
    "fullwidth digits": "http://１２７.０.０.１/",
    "circled digits": "http://⑯⑨.②⑤④.⑯⑨.②⑤④/",
    "fullwidth dots": "http://127。0．0｡1/",
    "percent-encoded": "http://%31%32%37.0.0.1/",
    "behind credentials": "http://example.org@127.0.0.1/",
    "behind a backslash": "http://127.0.0.1\\@example.org/",
    "IPv6": "http://[::1]/",
    "IPv6 unspecified": "http://[::]/",
    "mapped": "http://[::ffff:127.0.0.1]/",
    "mapped in hexadecimal": "http://[0:0:0:0:0:ffff:7f00:1]/",
    "compatible": "http://[::127.0.0.1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "NAT64": "http://[64:ff9b::127.0.0.1]/",
    "local NAT64": "http://[64:ff9b:1::127.0.0.1]/",
    "Teredo": "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "ISATAP": "http://[2600::5efe:127.0.0.1]/",
    "unique local": "http://[fd00::1]/",
    "cloud metadata": "http://169.254.169.254/latest/meta-data/",
    "cloud metadata over IPv6": "http://[fd00:ec2::254]/",
    "carrier-grade NAT": "http://100.64.0.1/",
    "broadcast": "http://255.255.255.255/",
    "multicast": "http://224.0.0.1/",
    "documentation": "http://203.0.113.9/",
}
NO_URLS = [
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://127.0.0.1%00.example.org/",
    "http://256.0.0.1/",
]
SCHEMES = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:25/",
    "javascript:alert(1)",
    "data:text/html,x",
    "ws://a.test/",
]


@pytest.mark.parametrize("name", INWARD)
async def test_no_spelling_of_an_inward_address_gets_through(name: str) -> None:
    async with open_loopback(allow_networks=()) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(urls.parse(INWARD[name])))
    assert (caught.value.reason, caught.value.transient) == (Reason.BLOCKED_ADDRESS, False)


@pytest.mark.parametrize("text", NO_URLS + SCHEMES)
def test_what_is_no_url_of_ours_never_becomes_one(text: str) -> None:
    with pytest.raises(UrlError):
        urls.parse(text)


async def test_a_url_that_two_parsers_read_in_two_ways_is_refused(fetcher: HttpFetcher) -> None:
    for text in ("http://a.test:80:81/", "http://a..test\u3002/", "http://127.1/", "http://exa%6dple.org/"):
        with pytest.raises(FetchError) as caught:  # no canonical URL looks like that: whoever made it skipped the door
            await fetcher.fetch(Request(Url(text)))
        assert caught.value.reason in (Reason.BAD_URL, Reason.DNS)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 alone is there without asking")
async def test_a_site_cannot_send_a_crawl_inward(serve: Serve, tmp_path: Path) -> None:
    """By links, redirects, robots.txt, sitemaps, or what it calls canonical."""
    inside = await serve(ok(b"secret"), "127.0.0.1")
    pages = {
        "/": ok(_page(inside.url), b"Content-Type: text/html"),
        "/redirect": _to(inside.url + "/redirected"),
        "/file": _to("file:///etc/passwd"),
        "/chain": _to("/redirect"),
        "/robots.txt": ok(f"Sitemap: {inside.url}/a.xml\nSitemap: file:///etc/b.xml\nSitemap: /c.xml".encode()),
        "/c.xml": ok(_sitemap(inside.url), b"Content-Type: application/xml"),
    }  # fmt: skip

    def site(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                path = (await raw.read_head(reader)).split()[1].decode()
                writer.write(pages.get(path) or b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        return talk

    server = await serve(site, "127.0.0.2")
    await crawler.crawl(
        [server.url + "/"], folder=tmp_path / "c", allow_networks=["127.0.0.2/32"], delay_s=0, reach="any",
        executor="inline", sitemaps=True,
    )  # fmt: skip
    records = [json.loads(line) for line in (tmp_path / "c" / "pages.jsonl").read_text().splitlines()]
    ends = {record["url"].removeprefix(server.url): record["reason"] for record in records}
    assert ends["/file"] == "blocked-scheme"
    inward = {url: reason for url, reason in ends.items() if url.startswith(inside.url)}
    assert set(inward.values()) == {"blocked-address"}
    assert {url.removeprefix(inside.url) for url in inward} == {"/linked", "/redirected", "/a.xml", "/listed"}
    assert all(url.startswith(("/", "http://127.0.0.1:")) for url in ends)
    assert inside.connections == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 alone is there without asking")
async def test_a_robots_txt_that_redirects_inward_is_not_asked_for_there(serve: Serve, tmp_path: Path) -> None:
    inside = await serve(ok(b"User-agent: *\nAllow: /"), "127.0.0.1")
    server = await serve(_to(inside.url + "/robots.txt"), "127.0.0.2")
    summary = await crawler.crawl(
        [server.url + "/"], allow_networks=["127.0.0.2/32"], delay_s=0, executor="inline", max_attempts=1
    )
    assert summary.counts.settled[crawler.Disposition.FAILED] == 1
    assert inside.connections == 0


def _to(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def _page(inside: str) -> bytes:
    links = [f"{inside}/linked", "/redirect", "/file", "/chain", *SCHEMES]
    anchors = "".join(f"<a href='{link}'>x</a>" for link in links)
    return f"<link rel=canonical href='{inside}/canonical'><base href='/'>{anchors}".encode()


def _sitemap(inside: str) -> bytes:
    locations = "".join(f"<url><loc>{url}</loc></url>" for url in (f"{inside}/listed", *SCHEMES[:3]))
    return f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{locations}</urlset>".encode()
