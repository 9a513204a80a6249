"""JSON, XML, HTML, archives of the web and their indexes: each names its URLs in its own place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from crawler.errors import SeedError

from .got import got

A, B = "https://a.example/", "https://b.example/x"
SURT = "example,a)/ 20200101000000"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f'{{"url": "{A}", "img": "https://i.example/"}}\n{{"url": "{B}"}}\n', "field 'url' of JSON"),
        (f'{{"name": "x.com", "home": "{A}"}}\n\n{{"home": "{B}", "name": "y.com"}}', "field 'home' of JSON"),
        (f'{{"v": 1, "page": {{"url": "{A}"}}}}\n{{"page": {{"url": "{B}"}}}}\n', "field 'page.url' of JSON"),
        (f'["{A}", "{B}"]', "texts of JSON"),
        (f'[\n  "{A}",\n  "{B}"\n]\n', "texts of JSON"),
        (f'[{{"url": "{A}"}}, {{"url": null}}, {{"url": "{B}"}}]', "field 'url' of JSON"),
        (f'{{"v": 1, "urls": ["{A}", "{B}"]}}', "field 'urls' of JSON"),
        (f'{{\n "items": [{{"id": 1, "u": "{A}"}},\n {{"id": 2, "u": "{B}"}}]\n}}', "field 'items.u' of JSON"),
        (f'{{"url": "{A}"}} {{"url": "{B}"}}', "field 'url' of JSON"),
        (f'\ufeff{{"url": "{A}"}}\r\n{{"url": "{B}"}}\r\n', "field 'url' of JSON"),
        (f'"{A}"\n"{B}"\n', "one URL a line"),
    ],
)
def test_json_is_read_by_its_fields(tmp_path: Path, content: str, told: str) -> None:
    for data in (content.encode(), content.encode("utf-16"), content.encode("utf-16-le")):
        read = got(tmp_path, data)
        assert (read.urls, read.bad) == ([A, B], [])
        assert read.told[0].startswith(f"urls.txt: {told}, 2 URLs")


def test_a_field_of_json_may_be_named(tmp_path: Path) -> None:
    lines = f'{{"url": "{A}", "page": {{"old": "{B}"}}, "all": ["{A}", "{B}"]}}\n'
    assert got(tmp_path, lines, column="page.old").urls == [B]
    assert got(tmp_path, lines, column="all").urls == [A, B]
    with pytest.raises(SeedError, match=r"urls\.txt: no field 'x' in its JSON; there are: url, page\.old, all"):
        got(tmp_path, lines, column="x")


def test_json_that_breaks_is_told_where_it_does(tmp_path: Path) -> None:
    read = got(tmp_path, f'{{"url": "{A}"}}\nnonsense\n{{"url": "{B}"}}\n{{"url": "{A} {B}"}}\n')
    assert read.urls == [A, B]
    assert [line for line, _ in read.bad] == [2, 4]
    read = got(tmp_path, f'[\n"{A}",\n"{B}",\n{{"url": ]\n')
    assert (read.urls, read.bad) == ([A, B], [(4, "the JSON breaks here, so the rest was not read")])
    deep = "[" * 100_000 + "]" * 100_000
    assert got(tmp_path, f'["{A}", {deep}]').urls == [A]


def test_a_long_array_is_read_in_pieces(tmp_path: Path) -> None:
    urls = [f"https://a.example/{'x' * 50}/{n}" for n in range(20_000)]
    large = [{"text": "y" * 300_000, "url": A}, {"url": B}]
    assert got(tmp_path, json.dumps(urls)).urls == urls
    assert got(tmp_path, json.dumps(large, indent=1)).urls == [A, B]
    assert got(tmp_path, "".join(f"{json.dumps(one)}\n" for one in large)).urls == [A, B]


def test_our_own_records_are_a_list_too(tmp_path: Path) -> None:
    records = [{"v": 1, "url": url, "final": "https://c.example/", "seed": A, "via": None} for url in (A, B)]
    assert got(tmp_path, "".join(f"{json.dumps(one)}\n" for one in records), "pages.jsonl").urls == [A, B]


BOOKMARKS = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<!-- This is an automatically generated file.
     <A HREF="https://never.example/"> -->
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<TITLE>Bookmarks</TITLE>
<DL><p>
    <DT><H3 ADD_DATE="1">Folder</H3>
    <DL><p>
        <DT><A HREF="https://a.example/?a=1&amp;b=%20" ADD_DATE="1" ICON="data:image/png;base64,AA">A &amp; B</A>
        <DT><A ADD_DATE='1' HREF='https://b.example/x'>B
        two</A><DT><a
          href=https://c.example/>C</a>
        <DT><A HREF="javascript:alert(1)">run</A><DT><A HREF="place:sort=8">recent</A><DT><A HREF="#top">top</A>
        <DT><A HREF="about.html">relative</A>
        <DT><A HREF="ftp://d.example/">files</A>
    </DL><p>
</DL><p>"""


def test_bookmarks_of_browsers_are_read(tmp_path: Path) -> None:
    read = got(tmp_path, BOOKMARKS, "bookmarks.html")
    assert read.urls == ["https://a.example/?a=1&b=%20", B, "https://c.example/"]
    assert read.bad == [(14, "a relative link, or not http"), (15, "not http or https")]
    assert read.told == ["bookmarks.html: links of an HTML file, 3 URLs, 2 unusable lines"]


@pytest.mark.parametrize("start", ["<!doctype html>", "<ul>\n<li>", "<html lang=en>", '<a class="x" name=y>', "<p>"])
def test_any_page_of_links_is_read(tmp_path: Path, start: str) -> None:
    assert got(tmp_path, f'{start}<p><a title="x > y" href="{A}">A</a> <a href={B}>B</a>').urls == [A, B]


def test_a_long_page_of_links_is_read_in_blocks(tmp_path: Path) -> None:
    links = [f"https://a.example/{n}" for n in range(10_000)]
    page = "<html>" + "".join(f'<!-- {n} --><a href="{link}" title="> {n}">\n' for n, link in enumerate(links))
    assert got(tmp_path, page).urls == links


@pytest.mark.parametrize("torn", ['<a "', "<a ", "<!--", '<a x="', "<a 'x' ", "<"])
def test_a_page_of_beginnings_takes_no_quadratic_time(tmp_path: Path, torn: str) -> None:
    assert got(tmp_path, f'<html><a href="{A}">{torn * 100_000}').urls == [A]


OPML = f"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Feeds</title></head><body><outline text="Folder">
<outline type="rss" text="A" xmlUrl="{A}" htmlUrl="{B}"/><outline text="no link"/>
<outline type="link" text="C" url="https://c.example/"/></outline></body></opml>"""


def test_opml_and_feeds_name_their_urls(tmp_path: Path) -> None:
    read = got(tmp_path, OPML, "feeds.opml")
    assert read.urls == [A, B, "https://c.example/"]
    assert read.told == ["feeds.opml: OPML, 3 URLs"]
    rss = f"<rss><channel><link>https://c.example/</link><item><link> {A} </link></item><item><link>{B}</link></item>"
    assert got(tmp_path, f"{rss}</channel></rss>").urls == [A, B]
    edit = "<link rel='edit' href='https://c.example/'/>"
    atom = f"<entry><link href='{A}'/>{edit}</entry><entry><link href='{B}'/></entry>"
    assert got(tmp_path, f"<feed xmlns='http://www.w3.org/2005/Atom'>{atom}</feed>").urls == [A, B]


def _record(kind: str, url: str, body: bytes = b"x" * 100, version: str = "1.1") -> bytes:
    target = f"WARC-Target-URI: {url}\r\n" if url else ""
    header = f"WARC/{version}\r\nWARC-Type: {kind}\r\n{target}Content-Length: {len(body)}\r\n\r\n"
    return header.encode() + body + b"\r\n\r\n"


RECORDS = [
    _record("warcinfo", ""),
    _record("request", "https://never.example/"),
    _record("response", A, b"HTTP/1.1 200 OK\r\n\r\nWARC/1.1\r\n\r\n" + b"y" * 200_000),
    _record("metadata", "https://never.example/"),
    _record("revisit", f"<{B}>", b"", "1.0"),
    _record("response", "dns:a.example"),
    _record("resource", "https://c.example/"),
]


@pytest.mark.parametrize(
    "data", [b"".join(RECORDS), gzip.compress(b"".join(RECORDS)), b"".join(map(gzip.compress, RECORDS))],
    ids=["plain", "gzip", "gzip-records"],
)  # fmt: skip
def test_an_archive_names_what_it_holds(tmp_path: Path, data: bytes) -> None:
    read = got(tmp_path, data, "x.warc.gz")
    assert (read.urls, read.bad) == ([A, B, "https://c.example/"], [])
    assert read.told == ["x.warc.gz: WARC records, 3 URLs"]


def test_an_archive_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    read = got(tmp_path, b"".join(RECORDS)[:-50])
    assert read.urls[:2] == [A, B]
    assert read.bad == [(7, "the last record is incomplete")]
    read = got(tmp_path, b"".join([*RECORDS[:3], b"nonsense\r\n\r\n", *RECORDS[3:]]))
    assert (read.urls, read.bad) == ([A], [(4, "not a WARC record, so the rest was not read")])


@pytest.mark.parametrize(
    "lines",
    [
        f' CDX N b a m s k r M S V g\nexample,a)/ 20200101000000 {A} text/html 200 AA - - 1 2 x.warc.gz\n'
        f"example,b)/x 20200101000000 {B} text/html 200 BB - - 1 2 x.warc.gz\n",
        f" CDX a b\n{A} 20200101000000\n{B} 20200101000000\n",
        f"{SURT} {A} text/html 200 AA - - 1 2 x\nexample,b)/x 20200101 {B} text/html 200 BB - - 1\n",
        f'!meta {{"format": "x"}}\n{SURT} {{"url": "{A}"}}\nexample,b)/x 20200101000000 {{"url": "{B}"}}\n',
        f'{SURT} {{"url": "{A}", "mime": "text/html"}}\nexample,a)/ 20200102000000 {{"url": "{A}"}}\n'
        f'example,b)/x 20200101000000 {{"mime": "text/html", "url": "{B}"}}\n',
    ],
    ids=["eleven", "header", "bare", "meta", "cdxj"],
)  # fmt: skip
def test_an_index_of_captures_is_read(tmp_path: Path, lines: str) -> None:
    read = got(tmp_path, lines, "index.cdxj")
    assert (read.urls, read.bad) == ([A, B], [])
    assert read.told == ["index.cdxj: an index of captures, 2 URLs"]


def test_numbers_of_thousands_of_digits_are_no_error(tmp_path: Path) -> None:
    digits = "9" * 5000
    assert got(tmp_path, f'[{{"n": {digits}, "url": "{A}"}}, {{"url": "{B}"}}]').urls == [A, B]
    assert (
        got(tmp_path, f'<!doctype html><a href="{A}">&#{digits};</a><a href="https://b.example/&#{digits};">').urls[0]
        == A
    )
    warc = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {A}\r\nContent-Length: {digits}\r\n\r\n"
    with pytest.raises(SeedError, match="no line that could be used"):
        got(tmp_path, warc)


def test_bookmarks_that_come_a_byte_at_a_time_are_read(tmp_path: Path) -> None:
    lines = f'<!doctype html>\n<a href="{A}">A</a>\n<!-- {B} -->\n<a href="{B}">B</a>'.encode()
    assert got(tmp_path, b"".join(gzip.compress(bytes([byte])) for byte in lines)).urls == [A, B]


def test_a_tag_without_end_ends_a_list_in_xml(tmp_path: Path) -> None:
    read = got(tmp_path, f"<urlset><url><loc>{A}</loc></url>\n<a b='" + "x" * (5 << 18))
    assert (read.urls, [line for line, _ in read.bad]) == ([A], [2])
