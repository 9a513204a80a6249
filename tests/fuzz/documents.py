"""Targets that read documents: pages, sitemaps, feeds, texts, codings, charsets, and what pages are compared by."""

from __future__ import annotations

import gzip
import pickle
import zlib
from collections.abc import Callable
from itertools import count

import brotli
import orjson
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import ParseError
from crawler.model import Disposition, Lease, Outcome, Page, Request, Response
from crawler.parse import (
    Document,
    ParseJob,
    blocked,
    charset,
    codings,
    directives,
    evidence,
    header,
    kinds,
    legacy,
    links,
    media,
    microsyntax,
    parse,
    scan,
    simhash,
    sitemap,
)
from crawler.parse.page import MAX_TEXT
from crawler.sinks.record import Wants, record
from tests.defaults import make_job, make_scope
from tests.fuzz.target import Target, encoded, fed, soup

URL = urls.parse("http://h.example/town/2026/harbour-17?page=17&sid=0123456789abcdef")
LIMIT = 1 << 20
_RUNS = count()
PAGES = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Harbour</title><base href='/a/'><p>Boats "
    "<a href=quay?a=1&amp;b=2#c>Quay</a><img src=a.png srcset='b.png 1x, c.png 2x'>"
    "<meta name=robots content='noindex, nofollow'>",
    "<html><head><link rel=canonical href=./><link rel='next' href=?p=2>"
    "<meta http-equiv=refresh content='0;url=x'></head>"
    "<body><table><tr><td>1<td>2</table><svg><a href=x></svg><template><a href=y></template>"
    "<script>var a='<a href=z>'</script>",
    "<?xml version='1.0' encoding='koi8-r'?><html xmlns='http://www.w3.org/1999/xhtml'><body>"
    "<a href='x'>&nbsp;<![CDATA[x]]></a></body></html>",
    "<title>Just a moment...</title><form action='https://consent.example/'>Before you continue</form><p>page 17 of 18",
)
TAGS = (
    "<a href=", "<a href='", '<a href="', ">", "</a>", "<", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<title>",
    "</title>", "<base href=",
    "<meta ", "http-equiv=refresh ", "content=", "name=robots ", "charset=", "<link ", "rel=canonical ", "rel=next ",
    "<img srcset='",
    "a 1x, ", "<svg>", "<template>", "<table>", "<td>", "<script>", "</script>", "<textarea>", "<p>", "<b>",
    "<html lang=", "&amp;",
    "&#99999999999999999999;", "&#x110000;", "&#xd800;", "&", "\\", "'", '"', "=", " ", "\n", "\0", "../", "//",
    "http://", "?", "#", "%",
    "ü", "\u202e", "\ud83d", "\U000e0001", "9" * 5000, "17 of 18", "2026-11-30", "Monday", "javascript:",
    "data:image/png;base64,", "\x1b[31m",
)  # fmt: skip
SITEMAPS = (
    "<?xml version='1.0'?><urlset xmlns='x'><url><loc>http://h.example/a</loc><lastmod>2026-01-01</lastmod><priority>0.7</priority></url></urlset>",
    "<sitemapindex><sitemap><loc>http://h.example/s.xml</loc></sitemap></sitemapindex>",
    "<rss><channel><title>T</title><item><link>http://h.example/1</link>"
    "<guid isPermaLink='true'>x</guid></item></channel></rss>",
    "<feed xml:base='/b/'><title>T</title><link rel='next' href='?2'/><entry><link href='x'/></entry></feed>",
)
XML = (
    "<url>", "</url>", "<loc>", "</loc>", "<lastmod>", "</lastmod>", "<priority>", "<sitemap>", "<item>", "<link ",
    "href='", "xml:base='", "'/>",
    "<entry>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "&amp;", "&#0;", "<![CDATA[", "]]>", "<!--", "-->", "<?x?>",
    "9" * 400, "-1", "nan", "1e999",
    "2026-13-45", "0001-01-01T00:00:00+23:59", "\0", "\ufeff", "http://", "ü", "<", ">", '"', " ",
)  # fmt: skip
TEXTS = (
    "http://h.example/a\nhttp://h.example/b\r\n",
    "Some words on page 17 of 18, 1,999.00 EUR, Monday 30 November 2026.",
    "",
)


def job(**given: object) -> ParseJob:
    """One that wants all there is, of a run that nobody remembers."""
    options = {
        "follow": frozenset(links.KINDS),
        "wants_links": True,
        "wants_text": True,
        "wants_markdown": True,
        "wants_metadata": True,
        "wants_structured": True,
        "agent": "crawld",
    } | given
    return make_job(b"sixteen bytes ...", f"fuzz-{next(_RUNS)}".encode(), make_scope("any"), **options)


def check_page(document: Document, asked: ParseJob) -> None:
    """A body becomes a page that travels and can be told, or a ParseError."""
    try:
        page = parse(document, asked)
    except ParseError as error:
        assert str(error).isprintable()
        return
    assert pickle.loads(pickle.dumps(page)) == page
    assert len(page.title) <= 1024 and len(page.description) <= 4096 and len(page.text) <= MAX_TEXT
    assert page.length <= asked.max_body_bytes
    found = orjson.loads(page.links_json)
    assert len(found) == page.n_links == len(set(found))
    for text in found[:100]:
        assert urls.parse(text).text == text and urls.parse(text, policy=asked.policy).text == text
    assert set(page.news.split()) <= set(found)
    assert page.canonical == "" or urls.parse(page.canonical).text == page.canonical
    check_record(page, Response(URL, 200, ((b"Content-Type", document.content_type.encode("latin-1", "replace")),)))


def check_record(page: Page, response: Response | None) -> None:
    """What is told of it is one line of JSON that a terminal may be shown."""
    outcome = Outcome(Lease(Request(URL), 1), Disposition.FETCHED, detail=page.note, page=page, response=response)
    line = record(outcome, Wants(True, True, True))
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert not set(line[:-1]) & {*range(0x20), 0x7F}
    assert orjson.loads(line)["title"] == (page.title or None)


def _page(content_type: str, **given: object) -> Callable[[bytes], None]:
    def check(body: bytes) -> None:
        check_page(Document(URL, body, content_type, **given), job(max_body_bytes=LIMIT))  # type: ignore[arg-type]

    return check


def _headed(given: tuple[bytes, str, str, str, str]) -> None:
    body, content_type, link, robots, refresh = given
    check_page(
        Document(URL, body, content_type, links=(link,), robots=(robots,), refresh=refresh), job(nofollow="links")
    )


def _scanned(body: bytes) -> None:
    found = scan.read(body, "", URL.text, job())
    assert found.is_scanned and len(found.title) <= 1024


def _unpacked(given: tuple[bytes, str]) -> None:
    body, coding = given
    for reads in (False, True):
        try:
            found = codings.decode_beginning(body, coding, 1000, is_cut=reads)
            assert len(found.body) <= 1001
            assert len(codings.decode(body, coding, 1000)) <= 1000
        except ParseError as error:
            assert str(error).isprintable()


def _packed_again(body: bytes) -> None:
    for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)), ("br",
    brotli.compress(body, quality=1)), ("gzip, br", brotli.compress(gzip.compress(body), quality=1))):  # fmt: skip
        assert codings.decode(packed, coding, LIMIT) == body


def _named(given: tuple[bytes, str]) -> None:
    body, content_type = given
    label = charset.label(content_type)
    name = charset.find_encoding(label)
    assert name == charset.find_encoding(name), "a name of the standard is a label of itself"
    for one in (
        charset.of_text(body, label),
        charset.of_xml(body, label),
        charset.html_label(body, label),
        charset.xml_declared(body),
    ):
        charset.decode(body, one).encode("utf-8", "surrogatepass")
    assert kinds.kind(content_type, body) in {"html", "sitemap", "feed", "text", "other"}
    assert kinds.essence(kinds.essence(content_type)) == kinds.essence(content_type)
    kinds.may_hold_gzip(content_type)


def _values(text: str) -> None:
    assert all(url and " " not in url for url in microsyntax.srcset_urls(text))
    assert (microsyntax.refresh_target(text) or "") in text
    for link in header.links(text):
        assert link.target in text and all(name == name.lower() for name in link.parameters)
        links.kinds_of_link(link.relations, link.parameters.get("type", ""))
    said = directives.for_us(text, "crawld")
    assert len(directives.summary([said, text])) <= 256
    assert directives.summary([directives.summary([text])]) == directives.summary([text]) or len(text) > 200
    directives.forbids_following([text])
    assert 0 <= sitemap.unix_time(text) < 1 << 32 and -5 <= sitemap.page_priority(text) <= 5


def _compared(given: tuple[str, list[str], bytes]) -> None:
    title, hrefs, text = given
    for url in ("http://h/2026/11/30", URL.text, "http://h/item/17"):
        shown = evidence.Shown(
            title, text, hrefs + media.downloads(hrefs), [urls.resolve_absolute(href, url) for href in hrefs]
        )
        found = evidence.evidence(shown, url)
        assert 0 <= found.numbers < 1 << 64 and len(found.media) <= 4 * evidence.MOST_MEDIA
        assert 0 <= simhash.gist(text, url) < 1 << 64
    assert 0 <= simhash.simhash(title) < 1 << 64


def _judged(given: tuple[bytes, str, int]) -> None:
    body, words, status = given
    by = blocked.by_page(body, words[:100], words, 0, status)
    assert by.isprintable() and blocked.is_weak(by) in (True, False)
    assert blocked.by_fields([(words.encode("utf-8", "replace"), body), (b"cf-mitigated", body)]).isprintable()
    blocked.by_target(f"https://{words}/sorry/")


def _in_charset(given: tuple[list[str], str]) -> None:
    hrefs, name = given
    found = legacy.encode_hrefs(hrefs, name)
    assert len(found) == len(hrefs)
    assert legacy.encode_hrefs(found, name)[: len(found)] is not None


_MARKUP = encoded(fed(PAGES, TAGS))
_LINE = fed(("<x>; rel=next; type=\"a/b\", <y>;rel=canonical", "0;url='x'", "a.png 1x, b.png 2x",
"noindex, crawld: nofollow", "2026-01-01T00:00Z", "0.7"),
            ("<", ">", ";", "rel=", '"', "\\", ",", "(", ")", "1x", "2w", "url=", "'", "=", ":", " ", "9" * 400,
            "\ud800", "ü", "e9", "nan", "inf", "-", "crawld:"))  # fmt: skip
_TYPES = fed(("text/html; charset=utf-8", 'text/plain;charset="big5"', "application/xhtml+xml",
"application/octet-stream"), (";", "charset=", '"', "\\", "/", " ", "gbk", "utf-16", "x", "ü"))  # fmt: skip
_PACKED = fed((gzip.compress(b"x" * 2000), gzip.compress(b"a") * 3, zlib.compress(b"x" * 2000),
zlib.compress(b"x")[2:-4], brotli.compress(b"x" * 2000), b"\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00x"),
              (b"\x1f\x8b\x08", b"\0", b"\xff", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", gzip.compress(b"x"),
              b"\x78\x9c"))  # fmt: skip
_CODINGS = st.sampled_from(
    ("gzip", "deflate", "br", "zstd", "gzip, br", "x-gzip,gzip,gzip", "identity", "unknown")
) | st.text(max_size=9)
_HREFS = st.lists(fed(("/a/1.png", "http://h.example/x?y=z", "?é=十", "data:image/png;base64,AAAA"), ("9" * 5000, "/",
"?", "ü", "\ud800", "#", ".png", "captcha", "%")), max_size=8)  # fmt: skip

TARGETS = [
    Target("a page", _MARKUP, _page("text/html")),
    Target("a page of XML", _MARKUP, _page("application/xhtml+xml")),
    Target("a page that was too much", _MARKUP, _page("text/html", is_suspect=True)),
    Target("a page and its header", st.tuples(_MARKUP, _TYPES, _LINE, _LINE, _LINE), _headed),
    Target("a scan", _MARKUP, _scanned),
    Target("a sitemap or feed", encoded(fed(SITEMAPS, XML)), _page("application/xml")),
    Target(
        "a sitemap of text",
        encoded(fed(TEXTS, ("http://", "\n", "\r", " ", "\ufeff"))),
        _page("text/plain", is_sitemap=True),
    ),
    Target("a text", encoded(fed(TEXTS, TAGS)), _page("text/plain")),
    Target("a file", _PACKED | _MARKUP.map(gzip.compress), _page("application/gzip")),
    Target("content codings", st.tuples(_PACKED, _CODINGS), _unpacked),
    Target("content codings there and back", st.binary(max_size=5000), _packed_again),
    Target("charsets and types", st.tuples(_MARKUP | st.binary(), _TYPES), _named),
    Target("attributes and fields of a page", _LINE, _values),
    Target("what pages are compared by", st.tuples(soup(TAGS), _HREFS, st.binary() | _MARKUP), _compared),
    Target(
        "marks of protections",
        st.tuples(
            _MARKUP,
            soup(("captcha", "Reference #", "error code: 1020", "google.", "consent.", "/", ".")),
            st.sampled_from((200, 403, 503)),
        ),
        _judged,
    ),
    Target(
        "links in legacy charsets",
        st.tuples(
            _HREFS,
            st.sampled_from(
                ("big5", "euc-jp", "shift_jis", "gb18030", "gbk", "euc-kr", "iso-2022-jp", "koi8-r", "utf-8", "x")
            ),
        ),
        _in_charset,
    ),
]
