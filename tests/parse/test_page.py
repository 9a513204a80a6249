"""The life of one body in a worker."""

from __future__ import annotations

import gzip
import pickle
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from hashlib import sha256
from typing import Literal

import brotli
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import ParseError
from crawler.model import LeftOut, Page, Reason
from crawler.parse import Content, Document, ParseJob, parse
from crawler.parse.data import MAX_BYTES as MAX_DATA
from crawler.parse.page import MAX_LINK_BYTES, MAX_TEXT
from crawler.testing import SAMPLES, Sample, charset_page
from crawler.testing.pages import Asked
from tests.defaults import make_job, make_scope

RUNS = iter(range(10**9))
HTML = b"""<!doctype html><html lang=en><title>Harbour</title><meta name=description content="Boats and such">
<link rel=canonical href="./"><p>The harbour lies still.
<a href="quay?a=1&amp;b=2#boats">Quay</a> <a href=/>Home</a></p>"""
URLSET = b"<urlset><url><loc>http://h/1</loc></url><url><loc>http://elsewhere/2</loc></url></urlset>"


def fresh_job() -> ParseJob:
    return make_job(key=b"sixteen bytes ...", run=f"test-page-{next(RUNS)}".encode(), bounds=make_scope())


def document(body: bytes, content_type: str = "text/html", content_encoding: str = "") -> Document:
    return Document(urls.parse("http://h/town/harbour"), body, content_type, content_encoding)


def test_a_page_is_all_there_is_to_know_about_a_body() -> None:
    page = parse(document(gzip.compress(HTML), "text/html; charset=utf-8", "gzip"), fresh_job())
    assert page == Page(
        digest=sha256(HTML).digest(),
        length=len(HTML),
        kind="html",
        charset="utf-8",
        title="Harbour",
        description="Boats and such",
        language="en",
        canonical="http://h/town/",
        simhash=page.simhash,
        gist=page.gist,
        numbers=page.numbers,
        n_links=2,
        news=page.news,
        left_out=LeftOut.KINDS | LeftOut.REQUISITES,
    )
    assert page.simhash
    assert page.news.split() == ["http://h/town/quay?a=1&b=2", "http://h/"]


def test_links_and_text_are_written_out_when_they_are_wanted() -> None:
    job = replace(fresh_job(), wants_links=True, wants_text=True)
    for _ in range(2):  # known links are still links
        page = parse(document(HTML), job)
        assert orjson.loads(page.links_json) == ["http://h/town/quay?a=1&b=2", "http://h/"]
        assert "The harbour lies still." in page.text
    assert page.news.split() == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_titles_are_right_in_every_alphabet(sample: Sample) -> None:
    answer = charset_page(sample).answer(Asked("GET", "/", {}, 1, lambda href: href))
    page = parse(document(answer.body, dict(answer.headers)["Content-Type"]), fresh_job())
    assert (page.kind, page.title, page.language) == ("html", sample.title, sample.lang)


def test_a_sitemap_names_pages_as_near_as_itself_and_everything_else_one_hop_away() -> None:
    job = replace(fresh_job(), max_depth=0)
    page = parse(document(URLSET, "application/xml"), job)
    assert (page.kind, page.n_links, page.news.split()) == ("sitemap", 2, ["http://h/1"])
    assert parse(document(b"<a href=/2>"), job).news.split() == []
    feed = b"<rss><channel><item><link>/3</link></item></channel></rss>"
    assert parse(document(feed, "application/rss+xml"), job).news.split() == []


def test_what_a_sitemap_says_of_its_entries_is_packed_beside_the_news() -> None:
    entries = "<loc>http://h/1</loc><priority>1.0</priority>", "<loc>http://h/2#x</loc><lastmod>1970-01-02</lastmod>"
    other = "<url><loc>http://elsewhere/</loc></url><url><loc>http://h/3</loc></url>"
    body = f"<urlset>{other}{''.join(f'<url>{entry}</url>' for entry in entries)}</urlset>".encode()
    news = parse(document(body, "text/xml"), fresh_job()).news
    assert news.split() == ["http://h/3", "http://h/1", "http://h/2"]
    assert list(memoryview(news.priorities).cast("b")) == [0, -5, 0]
    assert struct.unpack("<3I", news.modified) == (0, 0, 86400)
    silent = parse(document(URLSET, "text/xml"), fresh_job()).news
    assert (len(silent), silent.priorities, silent.modified) == (1, b"", b"")


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_list_of_urls_is_a_sitemap_where_someone_says_so(is_gzip: bool) -> None:
    text = b"http://h/1\nhttp://h/2\nhttp://elsewhere/\n"
    asked = document(gzip.compress(text) if is_gzip else text, "application/gzip" if is_gzip else "text/plain")
    page = parse(replace(asked, is_sitemap=True), replace(fresh_job(), max_depth=0))
    assert (page.kind, page.n_links, page.news.split()) == ("sitemap", 3, ["http://h/1", "http://h/2"])
    assert parse(asked, fresh_job()).n_links == 0


def test_a_gzipped_sitemap_that_ends_too_early_is_still_a_sitemap() -> None:
    page = parse(document(gzip.compress(URLSET)[:-9], "application/gzip"), fresh_job())
    assert (page.kind, page.n_links) == ("sitemap", 2)
    assert page.note == "read up to an error: decompression: gzip: ends too early"


@pytest.mark.slow
def test_a_sitemap_bomb_is_cut_where_the_protocol_ends() -> None:
    begun = b"<urlset><url><loc>http://h/1</loc></url>"
    bomb = gzip.compress(begun + b" " * (60 << 20) + b"<url><loc>http://h/2</loc></url></urlset>", 1)
    page = parse(document(bomb, "application/gzip"), fresh_job())
    assert (page.n_links, page.note) == (1, "only the first 50 MiB were read")


@pytest.mark.parametrize(
    ("body", "robots", "nofollow", "news", "said"),
    [
        ("<meta name=robots content='NoIndex, nofollow'>", (), "pages", 0, "noindex, nofollow"),
        ("<meta name=ourbot content=none>", (), "pages", 0, "none"),
        ("<meta name=otherbot content=nofollow>", (), "pages", 1, ""),
        ("<meta name=robots content=nofollow>", (), "ignore", 1, "nofollow"),
        ("<meta name=robots content=nofollow>", (), "links", 0, "nofollow"),
        ("<meta name=robots content=noindex>", (), "pages", 1, "noindex"),
        ("", ("noarchive", "ourbot: nofollow"), "pages", 0, "noarchive, nofollow"),
        ("", ("otherbot: nofollow",), "pages", 1, ""),
        ("<meta name=robots content=noindex>", ("noindex, nosnippet",), "pages", 1, "noindex, nosnippet"),
    ],
)
def test_a_page_may_ask_that_its_links_be_left_alone(
    body: str, robots: tuple[str, ...], nofollow: Literal["ignore", "pages", "links"], news: int, said: str
) -> None:
    asked = replace(document(f"{body}<a href=x>".encode()), robots=robots)
    page = parse(asked, replace(fresh_job(), agent="ourbot", nofollow=nofollow))
    assert (len(page.news), page.n_links, page.robots) == (news, 1, said)


def test_header_fields_speak_for_pages_that_cannot() -> None:
    asked = document(b"%PDF-1.7", "application/pdf")
    page = parse(replace(asked, links=("</b>; rel=next, <c>; rel=canonical",), robots=("noindex",)), fresh_job())
    assert (page.kind, page.news.split()) == ("other", ["http://h/b"])
    assert (page.canonical, page.robots) == ("http://h/town/c", "noindex")


def test_a_refresh_is_a_link_and_that_of_the_header_comes_first() -> None:
    asked = document(b"<base href=/b/><meta http-equiv=refresh content='1;x'>")
    assert parse(asked, fresh_job()).news.split() == ["http://h/b/x"]
    assert parse(replace(asked, refresh="1;y"), fresh_job()).news.split() == ["http://h/town/y"]
    assert parse(asked, replace(fresh_job(), follow=frozenset({"anchors"}))).n_links == 0


@pytest.mark.parametrize(
    "content_type", ["application/gzip", "application/x-gzip", "application/octet-stream", "text/xml", ""]
)
def test_a_gzipped_sitemap_is_opened_and_its_digest_is_that_of_the_file(content_type: str) -> None:
    body = gzip.compress(URLSET)
    page = parse(document(body, content_type), fresh_job())
    assert (page.kind, page.n_links, page.digest, page.length) == ("sitemap", 2, sha256(body).digest(), len(body))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"any file", mtime=0),
        gzip.compress(bytes(64 << 20), mtime=0),
        gzip.compress(URLSET, mtime=0)[:12],
        b"\x1f\x8b",
    ],
)
def test_any_other_gzip_file_is_left_closed(body: bytes) -> None:
    page = parse(document(body, "application/gzip"), fresh_job())
    assert (page.kind, page.n_links, page.digest) == ("other", 0, sha256(body).digest())


def test_a_binary_that_claims_to_be_html_is_recorded_and_not_read() -> None:
    page = parse(document(b"\x89PNG\r\n\x1a\n<a href=/x>", "text/html"), fresh_job())
    assert (page.kind, page.n_links, page.title, page.charset, page.simhash) == ("other", 0, "", "", 0)


@pytest.mark.parametrize(
    ("body", "content_type", "charset", "text"),
    [
        ("größe".encode(), "text/plain; charset=utf-8", "utf-8", "größe"),
        ("größe".encode("latin-1"), "text/plain; charset=latin1", "windows-1252", "größe"),
        ("größe".encode(), "text/plain", "utf-8", "größe"),
        ("\ufeffgröße".encode("utf-16-le"), "text/plain", "utf-16le", "größe"),
        ("größe".encode(), "text/plain; charset=nonsense", "utf-8", "größe"),
    ],
)
def test_plain_text_is_its_own_text(body: bytes, content_type: str, charset: str, text: str) -> None:
    page = parse(document(body, content_type), replace(fresh_job(), wants_text=True))
    assert (page.kind, page.charset, page.text) == ("text", charset, text)
    assert page.simhash


def test_an_empty_body_is_a_page_too() -> None:
    page = parse(document(b""), fresh_job())
    assert (page.length, page.n_links, page.digest) == (0, 0, sha256(b"").digest())


@pytest.mark.parametrize(
    ("body", "coding", "reason"),
    [
        (b"not gzip at all", "gzip", Reason.DECOMPRESSION),
        (gzip.compress(HTML, mtime=0)[:10], "gzip", Reason.DECOMPRESSION),
        (brotli.compress(bytes(1 << 20)), "br", Reason.TOO_LARGE),
        (bytes(1 << 17), "", Reason.TOO_LARGE),
    ],
)
def test_a_body_that_cannot_be_read_says_why(body: bytes, coding: str, reason: Reason) -> None:
    with pytest.raises(ParseError) as error:
        parse(document(body, content_encoding=coding), replace(fresh_job(), max_body_bytes=1 << 16))
    assert error.value.reason is reason


LONG = HTML + b"".join(b"<p>%d</p>" % (n * 7919 % 10007) for n in range(3000)) + b"<a href=/last>"
PACKED = gzip.compress(LONG, mtime=0)
ZLIBBED = zlib.compress(LONG)


@pytest.mark.parametrize(
    ("coding", "body", "note"),
    [
        pytest.param("gzip", PACKED[:-8], "gzip: its checksum is missing", id="gzip-no-trailer"),
        pytest.param("gzip", PACKED[:-3], "gzip: its checksum is missing", id="gzip-half-a-trailer"),
        pytest.param("gzip", PACKED[:-8] + b"abcd" + PACKED[-4:], "gzip: its checksum is wrong", id="gzip-wrong-sum"),
        pytest.param("gzip", PACKED[:-4] + b"abcd", "gzip: its checksum is wrong", id="gzip-wrong-length"),
        pytest.param("gzip", PACKED + b"garbage", "", id="gzip-garbage-after-it"),
        pytest.param("deflate", ZLIBBED[:-4], "deflate: its checksum is missing", id="zlib-no-trailer"),
        pytest.param("deflate", ZLIBBED[:-4] + b"abcd", "deflate: its checksum is wrong", id="zlib-wrong-sum"),
        pytest.param("deflate", ZLIBBED + b"garbage", "", id="zlib-garbage-after-it"),
        pytest.param("br", brotli.compress(LONG) + b"garbage", "", id="br-garbage-after-it"),
        pytest.param("gzip, br", brotli.compress(PACKED[:-8]), "gzip: its checksum is missing", id="in-another"),
    ],
)
def test_a_coding_that_is_wrong_at_its_end_is_read_as_browsers_read_it(coding: str, body: bytes, note: str) -> None:
    """As Chromium 156 did with each of them, but for a wrong checksum of zlib, where it stopped amid the page."""
    page = parse(document(body, content_encoding=coding), fresh_job())
    assert (page.length, page.digest) == (len(LONG), sha256(LONG).digest())
    assert "http://h/last" in page.news.split()
    assert (page.note, page.truncated) == (note, "")


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", PACKED), ("deflate", ZLIBBED), ("deflate", ZLIBBED[2:-4]), ("br", brotli.compress(LONG))],
    ids=["gzip", "zlib", "deflate", "br"],
)
def test_what_came_of_a_body_whose_coding_ends_too_early_is_read_and_that_is_said(coding: str, body: bytes) -> None:
    page = parse(document(body[: len(body) // 2], content_encoding=coding), fresh_job())
    assert (page.title, page.truncated) == (parse(document(HTML), fresh_job()).title, "unspecified")
    assert len(HTML) < page.length < len(LONG)
    assert page.note == f"{coding}: ends too early, so only the beginning was read"


def described(content: Content) -> object:
    return {
        "url": content.url.text,
        "status": content.status,
        "type": content.content_type,
        "charset": content.charset,
        "bytes": len(content.body),
        "text": content.text,
        "title": content.page.title,
    }


def test_the_users_own_function_sees_the_content_and_adds_its_data() -> None:
    body = "<meta charset=koi8-r><title>Маяк</title>".encode("koi8-r")
    page = parse(document(gzip.compress(body), "text/html", "gzip"), replace(fresh_job(), extract=described))
    assert orjson.loads(page.data_json) == {
        "url": "http://h/town/harbour",
        "status": 200,
        "type": "text/html",
        "charset": "koi8-r",
        "bytes": len(body),
        "text": body.decode("koi8-r"),
        "title": "Маяк",
    }
    assert page.data_error == ""


def stumbling(content: Content) -> object:
    return len(content.page.nothing_of_the_kind)  # type: ignore[attr-defined]


def unwritable(content: Content) -> object:
    return {"a set": {1, 2}}


def silent(content: Content) -> object:
    return None


@pytest.mark.parametrize(("extract", "error"), [(stumbling, "AttributeError: "), (unwritable, "TypeError: ")])
def test_a_failing_function_loses_its_data_and_not_the_pages_links(extract: object, error: str) -> None:
    page = parse(document(HTML), replace(fresh_job(), extract=extract))  # type: ignore[arg-type]
    assert page.data_json == b""
    assert page.data_error.startswith(error)
    assert len(page.news) == 2


def test_a_function_may_have_nothing_to_say() -> None:
    page = parse(document(HTML), replace(fresh_job(), extract=silent))
    assert (page.data_json, page.data_error) == (b"", "")


def talkative(content: Content) -> object:
    return "x" * MAX_DATA


@pytest.mark.parametrize("number", [10, 30])
def test_no_more_links_of_a_page_are_followed_than_the_job_allows(number: int) -> None:
    body = "".join(f"<a href=/{n}><a href=/{n}>" for n in range(number)).encode()
    page = parse(document(body), replace(fresh_job(), max_links=10))
    assert page.news.split() == [f"http://h/{n}" for n in range(10)]
    assert page.n_links == 10
    assert page.note == ("" if number == 10 else "only the first 10 of 30 links were read")


def test_a_sitemap_has_a_bound_of_its_own() -> None:
    body = "".join(f"<url><loc>http://h/{n}</loc></url>" for n in range(30))
    page = parse(document(f"<urlset>{body}</urlset>".encode(), "application/xml"), replace(fresh_job(), max_links=10))
    assert (page.n_links, page.note) == (30, "")


def test_short_hrefs_do_not_make_an_answer_without_bound() -> None:
    body = f"<base href='http://h/{'a' * 2000}/'>" + "".join(f"<a href={n}>" for n in range(9000))
    page = parse(document(body.encode()), replace(fresh_job(), wants_links=True))
    size = sum(map(len, page.news.split()))
    assert MAX_LINK_BYTES - 2100 < size <= MAX_LINK_BYTES
    assert page.n_links == len(orjson.loads(page.links_json)) < 9000
    assert page.note == f"only the first {page.n_links} of 9000 links were kept: together they are too long"


def test_links_longer_than_any_url_we_take_are_counted() -> None:
    far, near = f"/{'a' * 3000}", "/å" + "ä" * 400  # the latter takes six characters for each of its letters
    other = f"javascript:{'x' * 3000}"
    hrefs = [far, "/good", far, near, other, f"/{'b' * 3000}", f"https://[{'x' * 3000}"]
    body = "".join(f"<a href='{href}'>" for href in hrefs).encode()
    job = fresh_job()
    for _ in range(2):  # what is remembered of them is counted as well
        page = parse(document(body, "text/html; charset=utf-8"), job)
        assert page.n_links == 1
        assert page.note == f"left out 3 links: their URLs are longer than {urls.MAX_LENGTH} characters"


def test_text_has_bounds() -> None:
    page = parse(document(b"ab " * MAX_TEXT, "text/plain"), replace(fresh_job(), wants_text=True))
    assert len(page.text) == MAX_TEXT
    assert page.note == f"only the first {MAX_TEXT} of {3 * MAX_TEXT} characters of text were kept"


def test_a_function_may_not_say_too_much() -> None:
    page = parse(document(HTML), replace(fresh_job(), extract=talkative))
    assert (page.data_json, len(page.news)) == (b"", 2)
    assert page.data_error == f"ValueError: more than {MAX_DATA} bytes of JSON"


def test_document_job_and_page_travel_between_processes() -> None:
    job = replace(fresh_job(), extract=described)
    there = pickle.loads(pickle.dumps((document(HTML), job)))
    assert there == (document(HTML), job)
    page = parse(*there)
    assert pickle.loads(pickle.dumps(page)) == page


def test_a_worker_starts_without_the_event_loop_and_the_settings() -> None:
    unwanted = ("asyncio", "anyio", "aiohttp", "pydantic", "numpy", "publicsuffixlist")
    program = f"import sys, crawler.parse; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


TYPES = [
    "text/html",
    "text/html; charset=utf-16",
    "text/xml",
    "application/rss+xml",
    "text/plain",
    "",
    "application/gzip",
]
BODIES = [
    HTML,
    URLSET,
    gzip.compress(URLSET, mtime=0),
    b"<rss><channel><item><link>/3</link></item></channel></rss>",
    "größe".encode(),
]


@given(st.data())
def test_no_bytes_do_worse_than_a_refusal(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(BODIES)) + data.draw(st.binary(max_size=50)))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=8)):
        body[place] = data.draw(st.integers(0, 255))
    coding = data.draw(st.sampled_from(["", "", "", "gzip", "br"]))
    asked = Document(urls.parse("http://h/x"), bytes(body), data.draw(st.sampled_from(TYPES)), coding)
    job = replace(fresh_job(), wants_links=True, wants_text=True, extract=described)
    try:
        page = parse(asked, job)
    except ParseError:
        return
    assert page.digest == sha256(asked.body).digest() or coding
    assert len(orjson.loads(page.links_json)) == page.n_links
    assert len(page.news) == len(page.news.split())
    assert page.data_error == ""
