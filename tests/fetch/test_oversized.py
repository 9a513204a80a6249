"""Bodies larger than allowed: refused, or begun."""

from __future__ import annotations

import secrets
import zlib

import brotli
import pytest

from crawler.errors import FetchError, ParseError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Url
from crawler.parse import Document, ParseJob
from crawler.parse import page as pages
from tests.defaults import make_job, make_scope
from tests.fetch.conftest import Serve, ok, open_loopback

LIMIT = 1000
HEAD = b"HTTP/1.1 200 OK\r\n"
BODIES = {
    "declared": HEAD + b"Content-Length: 1500\r\n\r\n" + b"x" * 1500,
    "declared long": HEAD + b"Content-Length: 900000\r\n\r\n" + b"x" * 900_000,
    "in one chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5dc\r\n" + b"x" * 1500 + b"\r\n0\r\n\r\n",
    "without end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"a\r\nxxxxxxxxxx\r\n" * 1000,
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_too_large_is_refused_or_begun_as_settings_say(name: str, serve: Serve) -> None:
    server = await serve(BODIES[name])
    async with open_loopback(max_body_bytes=LIMIT) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
        assert (caught.value.reason, caught.value.transient) == (Reason.TOO_LARGE, False)
    async with open_loopback(max_body_bytes=LIMIT, oversized="keep") as fetcher:
        response = await fetcher.fetch(server.request())
        assert (response.body, response.truncated) == (b"x" * LIMIT, "length")
        assert fetcher.budget.used == LIMIT + len(response.heads.response)


async def test_a_body_that_fits_is_whole_whatever_settings_say(serve: Serve) -> None:
    server = await serve(ok(b"x" * LIMIT))
    async with open_loopback(max_body_bytes=LIMIT, oversized="keep") as fetcher:
        responses = [await fetcher.fetch(server.request()) for _ in range(2)]
    assert [response.truncated for response in responses] == ["", ""]
    assert server.connections == 1


async def test_what_a_capped_fetcher_leaves_is_nobody_elses_concern(serve: Serve, fetcher: HttpFetcher) -> None:
    response = await fetcher.capped(10).fetch((await serve(ok(b"x" * 100))).request())
    assert (response.body, response.truncated) == (b"x" * 10, "")


HTML = b"<title>big</title><a href=/first>1</a>" + bytes(range(256)) * 400
CODED = {
    "": HTML,
    "gzip": zlib.compress(HTML, wbits=31),
    "deflate": zlib.compress(HTML),
    "br": brotli.compress(HTML),
    "gzip, br": brotli.compress(zlib.compress(HTML, wbits=31)),
}


@pytest.mark.parametrize("coding", CODED)
def test_what_fits_of_a_page_is_read_and_its_links_count(coding: str) -> None:
    document = Document(Url("https://a.test/"), CODED[coding], "text/html", coding)
    with pytest.raises(ParseError, match="too-large"):
        pages.parse(document, _job(keeps=False))
    page = pages.parse(document, _job(keeps=True))
    assert (page.title, page.length, page.truncated) == ("big", LIMIT, "length")
    assert page.news.split() == ["https://a.test/first"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_coding_that_ends_early_is_told_only_where_it_is_not_we_who_cut_it(coding: str) -> None:
    half = CODED[coding][: len(CODED[coding]) // 2]
    job = _job(keeps=True, limit=len(HTML))
    cut = pages.parse(Document(Url("https://a.test/"), half, "text/html", coding, is_cut=True), job)
    assert cut.truncated == "length"
    assert cut.title == "big" or coding == "br"  # which may hold back what it has not finished
    sent = pages.parse(Document(Url("https://a.test/"), half, "text/html", coding), job)
    assert (sent.truncated, sent.digest) == ("unspecified", cut.digest)
    assert "ends too early" in sent.note
    assert not cut.note


def _job(*, keeps: bool, limit: int = LIMIT) -> ParseJob:
    run = secrets.token_bytes(8)
    return make_job(key=b"k", run=run, bounds=make_scope(reach="any"), max_body_bytes=limit, keeps_oversized=keeps)
