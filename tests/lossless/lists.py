"""Lists as people keep them: they name the right URLs, and no host is asked that they do not mean."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from functools import partial

from crawler.testing import Site
from tests.lossless.bench import Bench, Kind
from tests.lossless.webs import essay, page

HOSTS = [f"s{n}.test" for n in range(8)]
DECOY = "decoy{}.example"
"""Looks like a host and is a name."""
INVISIBLE = ("\u200b", "\ufeff", "\u00a0", "\u2060")
Make = Callable[[list[str]], bytes]
"""URLs -> the file."""


def lines(line: Callable[[int, str], str], head: str = "") -> Make:
    return lambda urls: (head + "".join(line(n, url) + "\n" for n, url in enumerate(urls))).encode()


def bare(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def bookmarks(urls: list[str]) -> bytes:
    items = "".join(f'<DT><A HREF="{url}" ADD_DATE="1">{DECOY.format(n)}</A>\n' for n, url in enumerate(urls))
    return f"<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<TITLE>Bookmarks</TITLE>\n<DL><p>\n{items}</DL><p>\n".encode()


def opml(urls: list[str]) -> bytes:
    items = "".join(f'<outline text="{DECOY.format(n)}" type="rss" xmlUrl="{url}"/>\n' for n, url in enumerate(urls))
    head = '<?xml version="1.0"?>\n<opml version="2.0"><head><title>Feeds</title></head><body>'
    return f"{head}\n{items}</body></opml>\n".encode()


def zipped(urls: list[str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("urls.txt", plain(urls))
    return file.getvalue()


def array(urls: list[str]) -> bytes:
    return json.dumps([{"name": DECOY.format(n), "url": url} for n, url in enumerate(urls)], indent=1).encode()


def cdxj(urls: list[str]) -> bytes:
    return "".join(
        f"test,s{n})/ 20260101000000 {json.dumps({'url': url, 'mime': 'text/html', 'status': '200'})}\n"
        for n, url in enumerate(urls)
    ).encode()


def warc(urls: list[str]) -> bytes:
    """Response records, uncompressed (WARC 1.1)."""
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=http://decoy1.example/>x</a>"
    return b"".join(
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:0000000{n}-0000-4000-8000-000000000000>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        + b"\r\n\r\n"
        for n, url in enumerate(urls)
    )


plain = lines(lambda n, url: url)

LISTS: Sequence[tuple[str, str, Make, Sequence[str]]] = (
    ("plain", "urls.txt", plain, ()),
    ("rows", "urls.txt", lines(lambda n, url: f"{url},NLD,City {n}"), ()),
    ("trailing-comma", "urls.txt", lines(lambda n, url: f"{url},"), ()),
    ("invisible", "urls.txt", lines(lambda n, url: f"{INVISIBLE[n % 4]}{url}{INVISIBLE[n % 4]}"), ()),
    ("semicolons", "urls.csv", lines(lambda n, url: f"{url};Title {n}"), ()),
    ("semicolons-header", "urls.csv", lines(lambda n, url: f"{n};{url};Title", "Nr;URL;Title\n"), ()),
    ("tabs", "urls.txt", lines(lambda n, url: f"Title {n}\t{url}", "title\turl\n"), ()),
    ("pipes", "urls.csv", lines(lambda n, url: f"{n}|{url}|x", "id|link|note\n"), ()),
    ("name-homepage", "urls.csv", lines(lambda n, url: f"{DECOY.format(n)},{url}", "name,homepage\n"), ()),
    ("website-url", "urls.csv", lines(lambda n, url: f"Firm {n},{url},Town", "Company,Website URL,City\n"), ()),
    ("page-url", "urls.csv", lines(lambda n, url: f"{n},{url}", "id,page_url\n"), ()),
    ("rank", "top.csv", lines(lambda n, url: f"{n + 1},{bare(url)}"), ()),
    ("quoted", "urls.csv", lines(lambda n, url: f'"Firm, the {n}.","{url}"', '"name","url"\n'), ()),
    ("excel", "urls.csv", lambda urls: b"sep=;\r\n" + lines(lambda n, url: f"{n};{url}", "No;Link\n")(urls), ()),
    ("column-name", "urls.csv", lines(lambda n, url: f"http://{DECOY.format(n)}/,{url}", "old,new\n"),
     ("--column", "new")),
    ("column-number", "urls.csv", lines(lambda n, url: f"http://{DECOY.format(n)}/,{url}", "old,new\n"),
     ("--column", "2")),
    ("jsonl", "urls.jsonl", lines(lambda n, url: json.dumps({"id": DECOY.format(n), "url": url})), ("--column", "url")),
    ("json", "urls.json", array, ("--column", "url")),
    ("bookmarks", "bookmarks.html", bookmarks, ()),
    ("opml", "feeds.opml", opml, ()),
    ("cdxj", "index.cdxj", cdxj, ()),
    ("warc", "pages.warc", warc, ()),
    ("zip", "urls.zip", zipped, ()),
    ("xz", "urls.txt.xz", lambda urls: lzma.compress(plain(urls)), ()),
    ("bz2", "urls.txt.bz2", lambda urls: bz2.compress(plain(urls)), ()),
    ("utf-16-le", "urls.txt", lambda urls: plain(urls).decode().encode("utf-16-le"), ()),
    ("utf-16-be", "urls.txt", lambda urls: plain(urls).decode().encode("utf-16-be"), ()),
)  # fmt: skip


def _sites() -> list[Site]:
    return [Site(host, {"/": page(host, [], essay(host))}, address="127.0.8.1") for host in HOSTS]


async def listed(bench: Bench, file: str, make: Make, options: Sequence[str]) -> None:
    """Each URL of the file arrives, and no other name is looked up."""
    async with bench.crawl(*_sites(), by_name=True, options=("--depth", "0")) as crawl:
        urls = [crawl.served.url(host) for host in HOSTS]
        path = bench.folder / file
        path.write_bytes(make(urls))
        await crawl.run(*options, seeds=[str(path)])
        crawl.is_exactly(urls)
        assert crawl.names is not None
        if strangers := sorted(crawl.names.asked - set(HOSTS)):
            crawl.wrong(f"{len(strangers)} other names were looked up: {' '.join(strangers[:3])}")


async def rows_on_standard_input(bench: Bench) -> None:
    async with bench.crawl(*_sites(), by_name=True, options=("--depth", "0")) as crawl:
        urls = [crawl.served.url(host) for host in HOSTS]
        await crawl.run(seeds=["-"], given=[("", f"{url},NLD,City\n") for url in urls])
        crawl.is_exactly(urls)


async def two_on_a_line(bench: Bench) -> None:
    """Lines of one URL arrive; of two on a line both do or the line is listed, and they are never glued."""
    async with bench.crawl(*_sites(), by_name=True, options=("--depth", "0")) as crawl:
        urls = [crawl.served.url(host) for host in HOSTS]
        path = bench.folder / "urls.txt"
        path.write_text("\n".join([*urls[:4], f"{urls[4]} {urls[5]}", f"{urls[6]},{urls[7]}", ""]))
        await crawl.run(seeds=[str(path)])
        crawl.has(urls[:4])
        if strange := set(crawl.known) - set(urls):
            crawl.wrong(f"glued: {sorted(strange)}")
        bad = crawl.folder / "bad-seeds.txt"
        told = bad.read_text() if bad.exists() else ""
        for url in urls[4:]:
            if url not in crawl.arrived and url not in told:
                crawl.wrong(f"{url} is neither crawled nor listed")


KINDS = (
    *(
        Kind(f"lists/{name}", partial(listed, file=file, make=make, options=options), is_quick=name == "rows")
        for name, file, make, options in LISTS
    ),
    Kind("lists/standard-input", rows_on_standard_input),
    Kind("lists/two-on-a-line", two_on_a_line),
)
