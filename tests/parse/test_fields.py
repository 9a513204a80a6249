"""What header fields say of a page: links, refresh, directives."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.parse import Document, directives, fields
from crawler.parse.header import MAX_LINKS, links
from crawler.parse.links import KINDS
from crawler.parse.reading import Reading
from tests.defaults import make_job, make_scope

PAGE = urls.parse("http://h/a/page?q")


def noted(document: Document, *follow: str, agent: str = "ourbot") -> Reading:
    reading = Reading(base="http://elsewhere/")
    fields.note(reading, document, make_job(b"k", b"r", make_scope(), follow=frozenset(follow or KINDS), agent=agent))
    return reading


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<x>; rel=next", [("x", "next")]),
        ('<x>; rel="next"', [("x", "next")]),
        ('<x>;REL="Next Last"', [("x", "Next Last")]),
        ('<x> ; rel = "next"', [("x", "next")]),
        ("<x>;rel=next,<y>;rel=prev", [("x", "next"), ("y", "prev")]),
        (",, <x>;rel=next , ,<y>;rel=prev,", [("x", "next"), ("y", "prev")]),
        ("<x,y;z>;rel=next", [("x,y;z", "next")]),
        ("< x >;rel=next", [("x", "next")]),
        ("<>;rel=next", [("", "next")]),
        ("<x>", [("x", "")]),
        ("<x>;rel", [("x", "")]),
        ("<x>;rel=", [("x", "")]),
        ("<x>;rel=next;rel=prev", [("x", "next")]),
        ('<x>;title="a, <b>; c";rel=next', [("x", "next")]),
        ('<x>;title="\\"";rel=next', [("x", "next")]),
        ('<x>;rel="ne\\xt"', [("x", "next")]),
        ('<x>;rel="next', [("x", "next")]),
        ("<x>;;;rel=next;;", [("x", "next")]),
        ("<x>;title*=UTF-8''%e2;rel=next", [("x", "next")]),
        ("<x> oops;rel=next, <y>;rel=prev", [("x", ""), ("y", "prev")]),
        ('<x> "oops, <z>;rel=next", <y>;rel=prev', [("x", ""), ("y", "prev")]),
        ("x;rel=next", []),
        ("<x;rel=next", []),
        ("", []),
        (",", []),
    ],
)
def test_a_link_header_is_taken_apart_as_rfc_8288_has_it(value: str, found: list[tuple[str, str]]) -> None:
    assert [(link.target, link.parameters.get("rel", "")) for link in links(value)] == found


def test_headers_lead_where_elements_would_and_are_relative_to_the_page_itself() -> None:
    value = "<b>; rel=next, </c>; rel=canonical, <//o/d>; rel=alternate; hreflang=de, <e>; rel=up, <f>; rel=preload"
    reading = noted(Document(PAGE, b"", links=(value, "<g>; rel=stylesheet")))
    assert reading.hrefs == ["http://h/a/b", "http://h/c", "http://o/d", "http://h/a/g"]
    assert reading.canonical == "http://h/c"
    assert noted(Document(PAGE, b"", links=(value,)), "pagination").hrefs == ["http://h/a/b"]


@pytest.mark.parametrize(
    ("anchor", "is_ours"), [("", True), ("#part", True), ("?q", True), ("/b", False), ("?p", False)]
)
def test_a_link_of_another_document_is_not_ours(anchor: str, is_ours: bool) -> None:
    value = f'<b>; rel=next; anchor="{anchor}"'
    assert bool(noted(Document(PAGE, b"", links=(value,))).hrefs) is is_ours


def test_a_refresh_header_leads_somewhere_too() -> None:
    assert noted(Document(PAGE, b"", refresh="0;url=b")).refresh == "http://h/a/b"
    assert noted(Document(PAGE, b"", refresh="b")).refresh is None


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("noindex", "noindex"),
        ("NOINDEX, NoFollow", "noindex, nofollow"),
        ("ourbot: noindex", "noindex"),
        ("OurBot: noindex, nofollow", "noindex, nofollow"),
        ("otherbot: noindex, nofollow", ""),
        ("otherbot: noindex, ourbot: nofollow", "nofollow"),
        ("noarchive, otherbot: noindex, ourbot: nofollow, none", "noarchive, nofollow, none"),
        ("*: nofollow", "nofollow"),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST", "unavailable_after: 25 jun 2030 15:00:00 pst"),
        ("unavailable_after: Wed, 25 Jun 2030 15:00:00 GMT", "unavailable_after: wed, 25 jun 2030 15:00:00 gmt"),
        ("max-snippet:-1, max-image-preview: large", "max-snippet:-1, max-image-preview: large"),
        ("otherbot: max-snippet:-1", ""),
        ("", ""),
        (",,", ""),
        (":", ":"),
    ],
)
def test_an_x_robots_tag_speaks_to_all_or_to_one_by_name(header: str, ours: str) -> None:
    assert directives.summary([directives.for_us(header, "ourbot")]) == ours


@pytest.mark.parametrize(
    ("contents", "forbidden"),
    [
        (["nofollow"], True),
        (["NOINDEX, NoFollow"], True),
        (["none"], True),
        (["noindex nofollow"], True),
        (["all", "nofollow"], True),
        (["noindex"], False),
        (["index,follow"], False),
        (["nofollowing"], False),
        ([""], False),
        ([], False),
    ],
)
def test_one_refusal_among_many_words_is_a_refusal(contents: list[str], forbidden: bool) -> None:
    assert directives.forbids_following(contents) is forbidden


def test_directives_are_recorded_once_each_and_not_without_end() -> None:
    assert (
        directives.summary(["NoIndex,  nofollow", "noindex", "max-snippet: 3"]) == "noindex, nofollow, max-snippet: 3"
    )
    assert len(directives.summary([f"word{n}" for n in range(10_000)])) == 256


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["<a>;", "<", '"', ';rel="', "\\", ",", "<a>,", '<a>;rel=x"', "<a>;a=b,", ":", "a:,"])
def test_headers_made_to_confuse_are_read_in_one_pass(piece: str) -> None:
    began = time.process_time()
    for start in ("", "<a>", '<a>;x="'):
        assert sum(1 for _ in links(start + piece * 100_000)) <= MAX_LINKS
        directives.for_us(start + piece * 100_000, "a")
    assert time.process_time() - began < 20  # what is not linear takes hours


HEADER = st.lists(st.sampled_from(["<a>", "<", ">", ";", ",", "rel=next", 'rel="canonical"', '"', "\\", "=", " ", ":"])
                  | st.text(max_size=3)).map("".join)  # fmt: skip


@pytest.mark.slow
@given(HEADER, HEADER, HEADER)
def test_any_headers_can_be_read(link: str, robots: str, refresh: str) -> None:
    reading = noted(Document(PAGE, b"", links=(link,), robots=(robots,), refresh=refresh))
    assert all(urls.resolve_absolute(href, PAGE.text) in {href, ""} for href in reading.hrefs)
