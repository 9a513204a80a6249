"""A document read without a tree: what an ordinary one says is found, and nothing takes long."""

from __future__ import annotations

from html.entities import html5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.model import Url
from crawler.parse import Document, ParseJob, parse
from crawler.parse.html import read as read_tree
from crawler.parse.reading import Reading
from crawler.parse.scan import read
from tests.defaults import make_job, make_scope

URL = "http://h/town/harbour"


def job(**settings: object) -> ParseJob:
    return make_job(key=b"k" * 16, run=b"test-scan", bounds=make_scope(), **settings)


def scanned(body: str | bytes, **settings: object) -> Reading:
    return read(body if isinstance(body, bytes) else body.encode(), "", URL, job(**settings))


def test_a_scan_finds_what_an_ordinary_page_says_of_itself() -> None:
    reading = scanned("""<!doctype html><html><head><meta charset=utf-8><title> The
    harbour &amp; the sea</title><base href="/quay/"><meta name="description" content='Boats'>
    <meta name=robots content=noindex><link rel=canonical href="./"><link rel="next" href=2></head>
    <body><A HREF="boat?a=1&amp;b=2">x</A> <area alt=y href=map> <iframe src='f'></iframe></body>""")
    assert reading.title == "The harbour & the sea"
    assert reading.description == "Boats"
    assert reading.base == "http://h/quay/"
    assert reading.canonical == "./"
    assert reading.directives == ["noindex"]
    assert reading.hrefs == ["2", "boat?a=1&b=2", "map", "f"]
    assert reading.is_scanned
    assert "linear scan" in reading.note


@pytest.mark.parametrize(
    "hidden",
    ["<!-- {} -->", "<script>'{}'</script>", "<style>{}</style>", "<textarea>{}</textarea>", "<!--{}", "<script>{}"],
)
def test_what_is_no_markup_leads_nowhere(hidden: str) -> None:
    assert scanned("<a href=1>" + hidden.format("<a href=x>")).hrefs == ["1"]


def test_markup_goes_on_after_what_is_none() -> None:
    assert scanned("<!-- --><a href=1><script>x</SCRIPT ><a href=2><!--><a href=3>").hrefs == ["1", "2", "3"]


def test_only_the_kinds_of_links_that_are_followed_are_found() -> None:
    body = "<a href=a><img src=i><script src=s></script><video src=v></video><link rel=stylesheet href=c>"
    assert scanned(body).hrefs == ["a"]
    assert scanned(body, follow=frozenset({"images", "scripts", "media", "styles"})).hrefs == ["i", "s", "v", "c"]


def test_nofollow_counts_where_the_crawl_says_so() -> None:
    body = "<a rel='x nofollow' href=a><a href=b>"
    assert scanned(body, nofollow="links").hrefs == ["b"]


def test_a_refresh_is_seen() -> None:
    assert scanned("<meta http-equiv=Refresh content='0; url=/next'>").refresh == "/next"


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "koi8-r", "shift_jis"])
def test_the_title_is_read_in_the_charset_the_page_declares(charset: str) -> None:
    title = {"koi8-r": "Гавань", "shift_jis": "港"}.get(charset, "Häfen")
    assert scanned(f"<meta charset={charset}><title>{title}</title>".encode(charset)).title == title


def test_utf_16_is_near_enough_to_ascii() -> None:
    assert scanned("\ufeff<a href=/x>".encode("utf-16-le")).hrefs == ["/x"]


def test_no_more_links_are_found_than_are_of_use() -> None:
    reading = scanned("".join(f"<a href={i}>" for i in range(100)), max_links=10)
    assert len(reading.hrefs) <= 21
    assert "not read" in reading.note


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", "<a href", "<a href='", '<a href="', "<a href=", "<!--", "<!---->", "<script>", "<title>", "</p>",
     "<meta name=robots content=a>", "<base href=/>", "&", "\0", "<a =", "<a href =  ", "<meta charset", "<p a=1 "],
)  # fmt: skip
def test_nothing_keeps_a_scan_busy(unit: str) -> None:
    """Quadratic, a megabyte would take hours."""
    assert scanned(unit * (1_000_000 // len(unit))).is_scanned


def test_a_page_whose_tree_would_be_too_large_is_scanned() -> None:
    body = b"<title>t</title><a href=/x>" + b"<p>" * 2000
    page = parse(Document(Url(URL), body, "text/html"), job(tree_bytes=100_000))
    assert (page.title, page.n_links, page.is_scanned) == ("t", 1, True)
    whole = parse(Document(Url(URL), body, "text/html"), job())
    assert not whole.is_scanned
    assert whole.digest == page.digest


def test_entities_of_thousands_of_digits_do_not_end_the_scan() -> None:
    found = scanned(b"<a href='/x&#" + b"9" * 5000 + b";'>x</a><a href=/y>")
    assert found.hrefs == ["/x\ufffd", "/y"]


REFERENCES = st.sampled_from(sorted(html5)) | st.sampled_from(["amp", "copy", "sect", "not", "lt", "#38", "#x26;", "#"])
PARTS = st.tuples(
    st.sampled_from(["&", "&amp;", "?a=1&", "&&", ""]), REFERENCES, st.sampled_from("= ;&x1-_.#") | st.just("")
)
VALUES = st.lists(PARTS, max_size=6).map(lambda parts: "".join(map("".join, parts)))


@given(VALUES, st.sampled_from(['"', "'", ""]))
@example("?a=1&section=2&copy=3&amp;b&notit;&notin;", '"')
def test_a_scan_reads_attributes_as_the_tree_does(value: str, quote: str) -> None:
    value = "/" + (value.replace(" ", "") if not quote else value)
    body = f"<meta charset=utf-8><a href={quote}{value}{quote}>x</a><meta name=description content='{value}'>".encode()
    tree = read_tree(body, "", URL, job())
    found = scanned(body)
    assert [href.strip() for href in tree.hrefs] == found.hrefs
    assert tree.description == found.description
