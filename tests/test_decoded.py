"""Responses made of what other HTTP clients give are parsed and recorded as if they had come over the wire."""

from __future__ import annotations

import gzip
import json
from email.message import Message
from pathlib import Path
from typing import Any

import anyio
import pytest
from multidict import CIMultiDict

import crawler
from crawler import Request, Response, Url
from crawler.model import NO_SHARE
from crawler.testing import Site, Web, compressed, html, open_web
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0}
WIRE = {"Content-Type": "text/html", "Content-Encoding": "gzip", "Transfer-Encoding": "chunked", "X-A": "1"}
HERE = "http://a.test/x?q=1"


class Pairs(dict[str, str]):
    """As httpx and curl_cffi have it: a mapping that joins, and `multi_items` that does not."""

    def multi_items(self) -> list[tuple[str, str]]:
        return [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


HEADERS: dict[str, tuple[Any, list[tuple[bytes, bytes]]]] = {
    "none": ((), []),
    "a mapping of text": ({"X-A": "1", "x-b": "ü"}, [(b"X-A", b"1"), (b"x-b", "ü".encode("latin-1"))]),
    "a mapping of bytes": ({b"X-A": b"1"}, [(b"X-A", b"1")]),
    "pairs of text": ([("X-A", "1"), ("X-A", "2")], [(b"X-A", b"1"), (b"X-A", b"2")]),
    "pairs of bytes": (iter([(b"X-A", b"1")]), [(b"X-A", b"1")]),
    "a multi dict": (CIMultiDict([("X-A", "a"), ("X-A", "b")]), [(b"X-A", b"a"), (b"X-A", b"b")]),
    "multi items": (Pairs(x="1"), [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]),
    "lines of a browser": ({"set-cookie": "a=1\nb=2"}, [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]),
    "fields of HTTP/2": ({":status": "200", "x": "1"}, [(b"x", b"1")]),
    "beyond latin-1": ({"x": "„"}, [(b"x", "„".encode())]),
    "of the wire": (WIRE, [(b"Content-Type", b"text/html"), (b"X-A", b"1")]),
    "of the wire, in bytes": ([(b"CONTENT-ENCODING", b"br"), (b"content-length", b"7")], []),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers_come_in_any_form_and_without_those_of_the_wire(name: str) -> None:
    given, wanted = HEADERS[name]
    response = Response.decoded(HERE, 200, given, b"body")
    assert list(response.headers) == [*wanted, (b"Content-Length", b"4")]
    assert (response.body, response.share, response.text) == (b"body", NO_SHARE, "body")


def test_a_message_of_the_standard_library_is_a_mapping_too() -> None:
    message = Message()
    message["X-A"] = "1"
    assert Response.decoded(HERE, 200, message).header("x-a") == "1"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (None, b"text/html; charset=utf-8"),
        ("text/html", b"text/html; charset=utf-8"),
        ("text/html; charset=iso-8859-1", b"text/html; charset=utf-8"),
        ('text/plain;charset="koi8-r"; a=b', b"text/plain; a=b; charset=utf-8"),
        ("application/json", b"application/json; charset=utf-8"),
    ],
)
def test_text_becomes_utf8_and_is_marked_as_such(kind: str | None, wanted: bytes) -> None:
    response = Response.decoded(HERE, 200, {"content-type": kind} if kind else (), "größer „")
    assert response.all("content-type") == (wanted.decode(),)
    assert (response.body, response.text) == ("größer „".encode(), "größer „")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Url("http://a.test/x"), "http://a.test/x"),
        ("http://a.test", "http://a.test/"),
        ("HTTPS://A.test:8443/X?q#f", "https://a.test:8443/X?q"),
    ],
)
def test_the_url_is_a_text_or_a_url(given: Any, wanted: str) -> None:
    assert Response.decoded(given, 200).url == Url(wanted)


@pytest.mark.parametrize("url", ["", "a.test/x", "ftp://a.test/", "http:///x", "http://ü.test/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no http\(s\) URL"):
        Response.decoded(url, 200)


@pytest.mark.parametrize("status", [99, 1000, True, 200.5])
def test_what_is_no_status_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match="is no HTTP status"):
        Response.decoded(HERE, status)


@pytest.mark.parametrize(("headers", "body"), [({"X-A": 5}, b""), (["x"], b""), ((), 5), ((), None)])
def test_other_types_are_refused(headers: Any, body: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Response.decoded(HERE, 200, headers, body)


BODIES: list[Any] = [b"x", bytearray(b"x"), memoryview(b"x")]


def test_bodies_may_be_any_bytes() -> None:
    assert [Response.decoded(HERE, 200, (), body).body for body in BODIES] == [b"x"] * 3


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/html; charset=iso-8859-1", b"gr\xfcn", "grün"),
        ("text/html", "grün".encode(), "grün"),
        ("text/html; charset=nonsense", "grün".encode(), "grün"),
        ("text/html", b"\xff", "�"),
    ],
)
def test_text_is_read_by_the_charset_of_the_header(kind: str, body: bytes, text: str) -> None:
    assert Response(Url(HERE), 200, ((b"Content-Type", kind.encode()),), body).text == text


def test_the_text_of_a_body_in_a_coding_is_not_guessed() -> None:
    response = Response(Url(HERE), 200, ((b"Content-Encoding", b"gzip"),), gzip.compress(b"x"))
    with pytest.raises(ValueError, match=r"in the content coding 'gzip': call crawl.decode\(response\) before"):
        _ = response.text


async def test_what_another_client_decoded_is_parsed_and_recorded_like_the_wire(tmp_path: Path) -> None:
    """The same site twice: over our own wire, and by a client that unpacks and keeps the fields of the wire."""

    class Client:
        async def fetch(self, request: Request) -> Response:
            site = served.web.page(request.url.text)
            assert site is not None
            title = {"/": "Home", "/a": "A"}.get(request.url.path)
            body = f"<title>{title}</title><a href=/a>a</a>" if title else ""
            return Response.decoded(str(request.url), 200 if title else 404, WIRE, body.encode())

    web = Web([Site("a.test", {"/": compressed(html("Home", ["/a"])), "/a": compressed(html("A"))})])
    async with open_web(web) as served:
        with anyio.fail_after(20):
            await crawler.crawl(served.seeds, folder=tmp_path / "ours", **QUICK)
            await crawler.crawl(served.seeds, folder=tmp_path / "theirs", fetcher=Client(), **QUICK)
    ours, theirs = (
        {
            (record["url"], record["disposition"], record["status"], record["title"])
            for record in map(json.loads, (tmp_path / name / "pages.jsonl").read_text().splitlines())
        }
        for name in ("ours", "theirs")
    )
    assert ours == theirs
    assert len(ours) == 2


async def test_the_url_of_a_response_is_that_of_its_request() -> None:
    class Elsewhere:
        async def fetch(self, request: Request) -> Response:
            return Response.decoded("https://cdn.test/moved", 200, (), "<title>x</title>")

    sink = ListSink()
    await crawler.crawl(["http://a.test/"], fetcher=Elsewhere(), sinks=[sink], **QUICK)
    assert [outcome.response.url for outcome in sink.got if outcome.response] == [Url("http://a.test/")]
