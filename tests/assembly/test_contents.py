"""What a parse function gets is made for its tests as a crawl makes it."""

from __future__ import annotations

import pytest

import crawler
from crawler import Content, Request, Response, Url
from crawler.errors import RequestError
from crawler.testing import Site, Web, html, open_web
from tests.list_sink import ListSink

URL = "http://shop.test/tea"


def test_a_text_is_read_as_a_page() -> None:
    response = Response.decoded(URL, 200, {"X-Shelf": "3"}, "<title>Grüner Tee</title><p class=price>4.20")
    content = crawler.make_content(response, Request(URL, label="item", data={"n": 1}))
    assert (content.url, content.status, content.header("x-shelf")) == (Url(URL), 200, "3")
    assert (content.page.title, content.charset, content.page.kind) == ("Grüner Tee", "utf-8", "html")
    assert (content.request.label, content.request.data, content.seed, content.depth) == ("item", {"n": 1}, Url(URL), 0)
    assert content.tree is not None
    found = content.tree.select_one(".price")
    assert found is not None
    assert found.text.strip() == "4.20"


def test_settings_count_as_in_a_crawl() -> None:
    response = Response.decoded(URL, 200, {}, "<p>" * 10_000)
    assert crawler.make_content(response).tree is not None
    small = crawler.Config(page_memory_bytes=16 << 20)
    assert crawler.make_content(Response.decoded(URL, 200, {}, "<p>" * 1_000_000), config=small).tree is None


def test_what_a_crawl_would_not_send_is_refused() -> None:
    response = Response.decoded(URL, 200, {}, "")
    with pytest.raises(RequestError, match="Host"):
        crawler.make_content(response, Request(URL, headers={"Host": "other"}))


def summarize(content: Content) -> dict[str, object]:
    heading = content.tree.select_one("h1") if content.tree else None
    return {"title": content.page.title, "heading": heading.text if heading else "", "text": content.text}


async def test_it_is_what_the_function_gets_in_a_crawl() -> None:
    sink = ListSink()
    async with open_web(Web([Site("shop.test", {"/": html("Shop")})])) as served:
        await crawler.crawl(
            served.seeds, sinks=[sink], parse=summarize, delay_s=0, allow_networks=["127.0.0.0/8"], executor="inline"
        )
    [outcome] = sink.got
    assert outcome.response is not None
    assert summarize(crawler.make_content(outcome.response, outcome.request)) == outcome.data
