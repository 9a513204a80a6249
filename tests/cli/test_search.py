"""`crawl search` and `crawl index`: pages by words."""

from __future__ import annotations

import json

from crawler.testing import Served

from .conftest import ALLOWED, Crawl


async def test_pages_are_found_by_words(crawl: Crawl, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", "--text", "--index", *ALLOWED)).code == 0
    records = await crawl("search", "a.crawl", "harbour", "--json", "--limit", "1")
    [hit] = [json.loads(line) for line in records.out.splitlines()]
    assert (records.code, hit["status"], hit["v"]) == (0, 200, 1)
    shown = await crawl("search", "a.crawl", "harbour", "--limit", "1")
    assert shown.out.splitlines()[:2] == [hit["title"], f"  {hit['url']}"]
    none = await crawl("search", "a.crawl", "xylophone")
    assert (none.code, none.out, none.err) == (0, "", "no page holds all these words\n")
    made = await crawl("index", "a.crawl")
    assert made.err.endswith(" can be found\n")


async def test_a_crawl_without_texts_is_told_what_to_crawl_with(crawl: Crawl, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", *ALLOWED)).code == 0
    for command in (("search", "a.crawl", "http"), ("index", "a.crawl")):
        assert "crawl with --text" in (await crawl(*command)).err


async def test_an_index_without_texts_is_told_while_it_is_made(crawl: Crawl, web: Served) -> None:
    for text, is_told in ((), True), (("--text",), False):
        folder = f"{len(text)}.crawl"
        ran = await crawl(web.url("a.test"), "-o", folder, "--index", *text, *ALLOWED)
        assert (ran.code, "only titles and addresses: crawl with --text, too" in ran.err) == (0, is_told)


async def test_bad_input_gets_one_line(crawl: Crawl, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", *ALLOWED)).code == 0
    for words in (("-- -a",), ("+",), ("a", "--status", "ok"), ("a", "--after", "soon"), ("a", "--limit", "0")):
        ran = await crawl("search", "a.crawl", *words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), words
