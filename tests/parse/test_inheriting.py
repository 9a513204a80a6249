"""Data of a request goes down to the requests that its page leads to, where that is asked for."""

from __future__ import annotations

from itertools import count

from crawler import Content, Link, Page, Parsed, Request, Response, urls
from crawler.parse import make_document, parse
from tests.defaults import make_job, make_scope

RUNS = count()
BODY = b"<title>List</title><a href=/1>one</a> <a href=//b.test/2>two</a> <img src=p.png> <a href=/1#again>"
DATA = {"shop": 7}


def read(request: Request, **named: object) -> Page:
    request = urls.check_request(request)
    response = Response.decoded(request.url, 200, {"content-type": "text/html"}, BODY)
    job = make_job(b"sixteen bytes ...", f"inheriting-{next(RUNS)}".encode(), make_scope(), **named)
    return parse(make_document(request, response, is_for_function=job.wants_headers), job)


def test_links_become_requests_with_the_data_of_their_page() -> None:
    page = read(Request("http://a.test/", 2, data=DATA, label="list"), data_follows=True)
    assert (page.news.split(), page.n_links) == ([], 2)
    [found] = page.asked
    assert (found.url.text, found.depth, found.data, found.label) == ("http://a.test/1", 3, DATA, "")
    assert found.via is not None
    assert found.via.text == "http://a.test/"


def test_links_that_leave_the_reach_by_a_hop_take_it_along() -> None:
    page = read(Request("http://a.test/", data=DATA), data_follows=True, extra_hops=1)
    assert {one.url.text: (one.extra_hop, one.data) for one in page.asked} == {
        "http://a.test/1": (0, DATA), "http://b.test/2": (1, DATA),
    }  # fmt: skip
    assert not page.beyond


def give_link(content: Content) -> Parsed[None]:
    return Parsed(links=[Link("/own", data={"mine": 1}), "/plain"])


def test_links_of_a_parse_function_keep_the_data_that_they_bring() -> None:
    page = read(Request("http://a.test/", data=DATA), data_follows=True, extract=give_link)
    data = {one.url.path: one.data for one in page.asked}
    assert data == {"/own": {"mine": 1}, "/plain": DATA, "/1": DATA}


def test_a_request_without_data_or_a_crawl_that_does_not_ask_changes_nothing() -> None:
    for request, follows in ((Request("http://a.test/"), True), (Request("http://a.test/", data=DATA), False)):
        page = read(request, data_follows=follows)
        assert (page.news.split(), page.asked) == (["http://a.test/1"], ())
