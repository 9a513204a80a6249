"""The library whole: real pages over real sockets, parsed by real workers."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, Ending, Outcome, Reason
from crawler.testing import (
    Served,
    Site,
    Web,
    charset_pages,
    disallowing,
    error,
    failing,
    html,
    link_graph,
    open_web,
    plain,
    redirect,
    redirect_chain,
    redirect_loop,
    slow,
)
from tests import list_sink

QUICK: dict[str, Any] = {
    "delay_s": 0.0,
    "retry_delay_s": 0.02,
    "allow_networks": ["127.0.0.0/8"],
    "workers": 1,
}


class ListSink(list_sink.ListSink):
    def by_path(self) -> dict[str, Outcome]:
        return {outcome.url.path: outcome for outcome in self.got}


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]


async def crawl_into(served: Served, sink: ListSink, **settings: Any) -> crawler.Summary:
    with anyio.fail_after(60):
        return await crawler.crawl(served.seeds, sinks=[sink], **(QUICK | settings))


@pytest.mark.slow
async def test_every_reachable_page_is_fetched_once_with_its_title() -> None:
    web = link_graph(seed=3, sites=6, pages_per_site=50, links_per_page=10)
    sink = ListSink()
    async with open_web(web) as served:
        summary = await crawl_into(served, sink, reach="any", per_site=4)
        truth = served.web.truth()
        fetched = {o.url.text: o.page.title for o in sink.got if o.disposition is Disposition.FETCHED and o.page}
        asked = served.counts(robots=False)
    reachable = served.web.reachable()
    assert set(asked) == reachable
    assert set(asked.values()) == {1}
    assert len(sink.got) == len({o.url for o in sink.got}) == len(reachable)
    assert all(title == truth[url].title for url, title in fetched.items())
    assert summary.ended is Ending.EXHAUSTED
    assert summary.pages == len(fetched)


async def test_after_a_run_the_figures_are_those_of_the_run_and_nothing_is_under_way() -> None:
    web = Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B"), "/c": html("C")})])
    async with open_web(web) as served, crawler.open_crawl(**QUICK) as crawl:
        assert crawl.snapshot().pages == 0
        first = await crawl.run(served.seeds)
        then = crawl.snapshot()
        assert (then.pages, then.bytes, then.dispositions) == (2, first.bytes, first.dispositions)
        assert (then.in_flight, then.pages_per_s, then.bound_by, then.advice) == (0, 0, crawler.Bound.IDLE, "")
        await crawl.add([served.url("a.test", "/c")])
        assert (crawl.snapshot().pages, crawl.snapshot().counts.queued) == (2, 1)
        await crawl.run()
        assert (crawl.snapshot().pages, crawl.snapshot().counts.queued) == (1, 0)


async def test_titles_are_right_in_every_charset() -> None:
    pages = charset_pages()
    web = Web([Site("words.test", {"/": html("Home", list(pages)), **pages})])
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink, per_site=8)
        truth = {url.partition("//")[2].partition("/")[2]: seen.title for url, seen in served.web.truth().items()}
    got = {o.url.path[1:]: o.page.title for o in sink.got if o.page}
    assert len(got) >= 9
    assert got == {path: truth[path] for path in got}


async def test_robots_are_obeyed_and_said() -> None:
    web = Web([Site("a.test", {"/": html("A", ["/open", "/private/x"]), "/open": html("O"), "/private/x": html("X")},
                    robots=disallowing("/private/"))])  # fmt: skip
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink)
        assert "/private/x" not in {hit.path for hit in served.hits}
    private = sink.by_path()["/private/x"]
    assert (private.disposition, private.reason) == (Disposition.EXCLUDED, Reason.ROBOTS)
    assert private.request.via is not None


async def test_robots_can_be_ignored_by_those_who_may() -> None:
    web = Web([Site("a.test", {"/": html("A", ["/private/x"]), "/private/x": html("X")},
                    robots=disallowing("/private/"))])  # fmt: skip
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink, robots="ignore")
        assert "/robots.txt" not in {hit.path for hit in served.hits}
    assert sink.by_path()["/private/x"].disposition is Disposition.FETCHED


async def test_a_site_rests_between_requests_robots_included() -> None:
    web = Web([Site("a.test", {"/": html("A", ["/1", "/2"]), "/1": html("1"), "/2": html("2")})])
    async with open_web(web) as served:
        await crawl_into(served, ListSink(), delay_s=0.15)
        assert len(served.hits) == 4
        assert served.worst_concurrency("a.test") == 1
        assert min(served.pauses("a.test")) >= 0.149


async def test_setbacks_are_tried_again_and_end() -> None:
    web = Web([Site("a.test", {
        "/": html("A", ["/tired", "/dead", "/gone"]),
        "/tired": failing(html("Tired"), times=2, by=error(503)),
        "/dead": error(500),
        "/gone": error(404),
    })])  # fmt: skip
    sink = ListSink()
    async with open_web(web) as served:
        summary = await crawl_into(served, sink, per_site=4)
        asked = Counter(hit.path for hit in served.hits)
    got = sink.by_path()
    assert got["/tired"].disposition is Disposition.FETCHED
    assert got["/tired"].request.attempt == 3
    assert (got["/dead"].reason, asked["/dead"]) == (Reason.STATUS_5XX, 3)
    assert (got["/gone"].reason, asked["/gone"]) == (Reason.STATUS_4XX, 1)
    assert summary.failed == 2


async def test_redirects_in_a_circle_end_by_themselves() -> None:
    circle = redirect_loop("/r", 3)
    web = Web([Site("a.test", {"/": html("A", ["/r1", "/same"]), "/same": redirect("/same"), **circle})])
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink)
        assert max(served.counts().values()) == 1
    got = sink.by_path()
    fates = [got[path].disposition for path in ("/r1", "/r2", "/r3")]
    assert fates == [Disposition.REDIRECTED, Disposition.REDIRECTED, Disposition.FAILED]
    assert got["/r3"].reason is Reason.TOO_MANY_REDIRECTS
    assert (got["/same"].disposition, got["/same"].reason) == (Disposition.FAILED, Reason.TOO_MANY_REDIRECTS)


async def test_a_long_chain_of_redirects_is_cut() -> None:
    chain = redirect_chain("/r", 20, "/end")
    sink = ListSink()
    async with open_web(Web([Site("a.test", {"/": html("A", ["/r1"]), "/end": html("E"), **chain})])) as served:
        await crawl_into(served, sink, max_redirects=5)
    assert sink.by_path()["/r6"].reason is Reason.TOO_MANY_REDIRECTS
    assert "/r7" not in sink.by_path()


async def test_a_seed_may_move_and_its_new_home_is_in_scope_where_that_is_wanted() -> None:
    web = Web([
        Site("old.test", {"/": redirect("//new.test/")}),
        Site("new.test", {"/": html("New", ["/page", "//other.test/"]), "/page": html("Page")}),
        Site("other.test", {"/": html("Other")}),
    ], seeds=["http://old.test/"])  # fmt: skip
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink, follow_moved_seeds=True)
        old, new = served.url("old.test", "/"), served.url("new.test", "/page")
    got = {o.url.text: o for o in sink.got}
    assert got[old].disposition is Disposition.REDIRECTED
    assert got[new].disposition is Disposition.FETCHED
    assert got[new].request.origin.text == old
    assert len(got) == 3


async def test_depth_counts_hops_and_zero_fetches_the_list_alone() -> None:
    ladder = {"/": html("0", ["/1"]), "/1": html("1", ["/2"]), "/2": html("2", ["/3"]), "/3": html("3")}
    web = Web([Site("a.test", ladder)])
    for depth in (0, 1, 2):
        sink = ListSink()
        async with open_web(web) as served:
            await crawl_into(served, sink, max_depth=depth)
        assert sorted(o.request.depth for o in sink.got) == list(range(depth + 1))


async def test_the_page_limit_is_exact_on_a_real_site() -> None:
    web = link_graph(seed=1, sites=3, pages_per_site=40, links_per_page=8)
    sink = ListSink()
    async with open_web(web) as served:
        summary = await crawl_into(served, sink, limit=17, reach="any", per_site=8)
    assert sum(o.disposition is Disposition.FETCHED for o in sink.got) == 17 == summary.pages
    assert summary.ended is Ending.PAGE_LIMIT


async def test_the_same_content_twice_is_a_duplicate_whose_links_count() -> None:
    twin = html("Twin", ["below"])
    web = Web([Site("a.test", {"/": html("A", ["/x/", "/y/"]), "/x/": twin, "/y/": twin,
                               "/x/below": html("X"), "/y/below": html("Y")})])  # fmt: skip
    sink = ListSink()
    async with open_web(web) as served:
        await crawl_into(served, sink)
    got = sink.by_path()
    twins = {got["/x/"].disposition, got["/y/"].disposition}
    assert twins == {Disposition.FETCHED, Disposition.DUPLICATE}
    assert {"/x/below", "/y/below"} <= set(got)


async def test_a_folder_continues_and_a_finished_crawl_fetches_nothing(tmp_path: Path) -> None:
    web = link_graph(seed=5, sites=2, pages_per_site=30, links_per_page=6)
    folder = tmp_path / "crawl"
    async with open_web(web) as served:
        settings = QUICK | {"reach": "any", "per_site": 4}
        first = await crawler.crawl(served.seeds, folder=folder, **(settings | {"limit": 10}))
        assert first.pages == 10
        async with crawler.open_crawl(folder=folder, **(settings | {"limit": None})) as opened:
            rest = await opened.run(served.seeds)
        assert rest.ended is Ending.EXHAUSTED
        assert set(served.counts(robots=False)) == served.web.reachable()
        hits = len(served.hits)
        done = await crawler.crawl(served.seeds, folder=folder, **settings)
        assert (done.pages, len(served.hits)) == (0, hits)
    urls = [record["url"] for record in records(folder)]
    assert len(urls) == len(set(urls)) == len(served.web.reachable())


@pytest.mark.slow
async def test_a_stream_goes_no_faster_than_it_is_read() -> None:
    web = link_graph(seed=2, sites=4, pages_per_site=50, links_per_page=10)
    async with open_web(web) as served, crawler.stream(served.seeds, **(QUICK | {"reach": "any"})) as outcomes:
        async for _ in outcomes:
            break
        await anyio.sleep(0.5)
        assert len(served.hits) < 200, "the crawl ran on while nobody read"
        seen = 1 + len([outcome async for outcome in outcomes])
    assert seen == len(served.web.reachable())


async def test_a_stream_can_be_left_early() -> None:
    web = link_graph(seed=2, sites=4, pages_per_site=50, links_per_page=10)
    async with open_web(web) as served:
        with anyio.fail_after(20):
            async with crawler.stream(served.seeds, **QUICK) as outcomes:
                async for outcome in outcomes:
                    assert outcome.is_final
                    break


async def test_two_crawls_in_one_loop_never_meet() -> None:
    web = link_graph(seed=4, sites=2, pages_per_site=30, links_per_page=6)
    sinks = [ListSink(), ListSink()]
    async with open_web(web) as served, anyio.create_task_group() as tasks:
        for sink in sinks:
            tasks.start_soon(crawl_into, served, sink)
    assert len(sinks[0].got) == len(sinks[1].got) == 30 * 2


async def test_a_crawl_may_run_again_after_a_stop() -> None:
    web = link_graph(seed=4, sites=2, pages_per_site=30, links_per_page=6)
    sink = ListSink()
    async with open_web(web) as served, crawler.open_crawl(sinks=[sink], **QUICK) as crawl:
        assert await crawl.add(served.seeds) == 2
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crawl.run)
            while not sink.got:
                await anyio.sleep(0.01)
            crawl.stop()
        part = len(sink.got)
        assert 0 < part < 60
        await crawl.run()
    assert len({o.url for o in sink.got}) == len(sink.got) == 60


def count_words(content: crawler.Content) -> dict[str, object]:
    """A parse function as a user would write it."""
    return {"words": len(content.text.split()), "status": content.status}


async def test_a_parse_function_of_the_users_own_fills_data(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": plain("three little words")})])
    async with open_web(web) as served:
        await crawler.crawl(served.seeds, folder=tmp_path / "c", parse=count_words, **QUICK)
    assert [record["data"] for record in records(tmp_path / "c")] == [{"words": 3, "status": 200}]


def give_up(content: crawler.Content) -> object:
    raise KeyError("price")


async def test_a_parse_function_that_fails_costs_its_data_and_not_the_page(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B")})])
    async with open_web(web) as served:
        summary = await crawler.crawl(served.seeds, folder=tmp_path / "c", parse=give_up, **QUICK)
    assert summary.pages == 2
    got = records(tmp_path / "c")
    assert {(r["disposition"], r["reason"], r["detail"]) for r in got} == {("fetched", "parse", "KeyError: 'price'")}


async def test_a_parse_function_that_cannot_travel_is_refused_at_once() -> None:
    with pytest.raises(crawler.ConfigError, match=r"lambda.*top of a module"):
        async with crawler.open_crawl(parse=lambda content: 1):
            pass


@pytest.mark.slow
async def test_a_parse_function_typed_into_a_prompt_is_refused_and_runs_in_a_thread() -> None:
    typed = """
import asyncio, crawler
def mine(content): return 1
async def main(**settings):
    async with crawler.open_crawl(parse=mine, **settings): print("opened")
try: asyncio.run(main())
except crawler.ConfigError as error: print(error)
asyncio.run(main(executor="thread"))
"""
    ran = await anyio.run_process([sys.executable, "-c", typed])
    refused, opened = ran.stdout.decode().splitlines()
    assert "'mine'" in refused
    assert "interactive session" in refused
    assert opened == "opened"


async def test_a_fetcher_of_the_users_own_is_used() -> None:
    class Canned:
        async def fetch(self, request: crawler.Request) -> crawler.Response:
            headers = ((b"content-type", b"text/html"),)
            body = b"" if request.url.path == "/robots.txt" else b"<title>Canned</title><a href=/next>"
            return crawler.Response(request.url, 200, headers, body)

    sink = ListSink()
    summary = await crawler.crawl(["https://a.example/"], sinks=[sink], fetcher=Canned(), delay_s=0, workers=1)
    assert summary.pages == 1
    assert {o.url.path for o in sink.got} == {"/", "/next"}


async def test_a_failing_sink_ends_the_crawl_with_its_own_error() -> None:
    class Full(ListSink):
        async def write(self, outcomes: Sequence[Outcome]) -> crawler.Position:
            raise crawler.StorageFull("no space left")

    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        with pytest.raises(crawler.StorageFull, match="no space left"):
            await crawl_into(served, Full())


async def test_private_addresses_are_refused_unless_named() -> None:
    sink = ListSink()
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        await crawl_into(served, sink, allow_networks=[])
        assert not served.hits
    assert {o.reason for o in sink.got} <= {Reason.BLOCKED_ADDRESS, Reason.ROBOTS_UNREACHABLE}
    assert [o.disposition for o in sink.got] == [Disposition.FAILED]


@pytest.mark.slow
async def test_many_slow_answers_are_under_way_at_once() -> None:
    pages = {f"/{n}": slow(html(str(n)), 1.5) for n in range(300)}
    web = Web([Site("a.test", {"/": html("Home", list(pages)), **pages})])
    async with open_web(web) as served:
        await crawl_into(served, ListSink(), per_site=400, concurrency=400)
        assert served.worst_concurrency("a.test") >= 250
