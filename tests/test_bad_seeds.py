"""Seeds that are no URLs end a call, or are skipped and listed, as the program chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import crawler
from crawler.seeds.reports import MOST_NAMED
from crawler.testing import Site, Web, html, open_web

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}


def mixed(good: list[str]) -> list[str]:
    return ["no URL", *good, "ftp://a.test/"]


async def from_a_thread(good: list[str]) -> Iterator[str]:
    return iter(mixed(good))


async def from_the_loop(good: list[str]) -> AsyncIterator[str]:
    async def one_by_one() -> AsyncIterator[str]:
        for seed in mixed(good):
            yield seed

    return one_by_one()


@pytest.mark.parametrize("made", [from_a_thread, from_the_loop])
async def test_bad_seeds_are_skipped_counted_and_named_with_their_number(made: Any) -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        summary = await crawler.crawl(await made(served.seeds), on_bad_seed="skip", **QUICK)
    assert (summary.pages, summary.bad_seeds.count) == (1, 2)
    assert [(bad.line, bad.text) for bad in summary.bad_seeds.first] == [(1, "no URL"), (3, "ftp://a.test/")]
    assert all(bad.why for bad in summary.bad_seeds.first)


@pytest.mark.parametrize("made", [from_a_thread, from_the_loop])
async def test_bad_seeds_end_a_crawl_unless_it_skips_them(made: Any) -> None:
    with pytest.raises(crawler.UrlError, match="no URL"):
        await crawler.crawl(await made([]), **QUICK)


async def test_bad_seeds_that_are_added_count_for_the_next_run_alone() -> None:
    async with crawler.open_crawl(on_bad_seed="skip", **QUICK) as crawl:
        assert await crawl.add(["no URL"]) == 0
        assert (await crawl.run(["no URL either"])).bad_seeds.count == 2
        assert not (await crawl.run()).bad_seeds
    async with crawler.open_crawl(**QUICK) as crawl:
        with pytest.raises(crawler.UrlError):
            await crawl.add(["no URL"])


async def test_a_million_bad_seeds_take_no_memory() -> None:
    summary = await crawler.crawl(("no URL" for _ in range(5000)), on_bad_seed="skip", **QUICK)
    assert (summary.bad_seeds.count, len(summary.bad_seeds.first)) == (5000, MOST_NAMED)


async def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(crawler.ConfigError, match="on_bad_seed='ignore': should be one of raise, skip"):
        await crawler.crawl([], on_bad_seed="ignore", **QUICK)  # type: ignore[arg-type]


async def test_a_stream_skips_them_too() -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        async with crawler.stream(mixed(served.seeds), on_bad_seed="skip", **QUICK) as outcomes:
            assert len([outcome async for outcome in outcomes]) == 1
