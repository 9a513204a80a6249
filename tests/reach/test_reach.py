"""Scope is the union of the seeds: what any seed admits belongs to the crawl, and a seed never takes a page away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crawler
from crawler import Outcome, Reason, urls
from crawler.dry_run import rehearse
from crawler.explanation import explain
from crawler.model import LeftOut, Request, Response
from crawler.protocols import Fetcher
from crawler.settings.loading import load
from crawler.testing import Page, Site, Web, html, open_web
from tests import list_sink

QUIET: dict[str, Any] = {"delay_s": 0.0, "retry_delay_s": 0.02, "robots": "ignore", "traps": "off", "workers": 1}
IN_PROCESS: dict[str, Any] = QUIET | {"executor": "inline"}


class Names:
    """A web of names: the links of each URL, or where it redirects to, as a text."""

    def __init__(self, pages: Mapping[str, Iterable[str] | str]) -> None:
        self.pages = pages

    async def fetch(self, request: Request) -> Response:
        await anyio.lowlevel.checkpoint()
        found = self.pages.get(request.url.text)
        if found is None:
            return Response(request.url, 404, ())
        if isinstance(found, str):
            return Response(request.url, 301, ((b"location", found.encode()),))
        body = f"<title>{request.url}</title>" + "".join(f'<a href="{href}">x</a>' for href in found)
        return Response(request.url, 200, ((b"content-type", b"text/html"),), body.encode())


class ListSink(list_sink.ListSink):
    @property
    def urls(self) -> list[str]:
        return [outcome.url.text for outcome in self.got]

    def of(self, url: str) -> Outcome:
        [outcome] = [outcome for outcome in self.got if outcome.url.text == url]
        return outcome


async def crawled(pages: Mapping[str, Iterable[str] | str], seeds: Iterable[str], **settings: Any) -> ListSink:
    return await crawled_by(Names(pages), seeds, **(IN_PROCESS | settings))


async def crawled_by(fetcher: Fetcher | None, seeds: Iterable[str], **settings: Any) -> ListSink:
    """All seeds are there before the first page is read."""
    sink = ListSink()
    with anyio.fail_after(60):
        async with crawler.open_crawl(sinks=[sink], fetcher=fetcher, **settings) as crawl:
            await crawl.add(seeds)
            await crawl.run()
    return sink


# -- the union -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["process", "thread", "inline"])
@pytest.mark.parametrize("seeds", [["/"], ["/", "/docs/"], ["/docs/", "/"]], ids=["one", "after", "before"])
async def test_a_page_inside_the_wider_of_two_prefixes_is_found_by_way_of_the_narrower(
    executor: str, seeds: list[str]
) -> None:
    web = Web([Site("a.org", {
        "/": html("Home", ["/docs/x"]), "/docs/": html("Docs", ["/docs/x"]), "/docs/x": html("X", ["/news/1"]),
        "/news/1": html("News"),
    })])  # fmt: skip
    chosen = QUIET | {"executor": executor, "allow_networks": ["127.0.0.0/8"], "reach": "prefix"}
    async with open_web(web) as served:
        sink = await crawled_by(None, [served.url("a.org", seed) for seed in seeds], **chosen)
        home = served.url("a.org")
    expected = {"/", "/docs/x", "/news/1"} | ({"/docs/"} if "/docs/" in seeds else set())
    assert {outcome.url.path for outcome in sink.got} == expected
    if len(seeds) == 1:
        assert {outcome.request.origin.text for outcome in sink.got} == {home}


@pytest.mark.parametrize("executor", ["process", "inline"])
async def test_a_page_of_one_seed_that_only_another_links_to_is_found_and_descends_from_the_other(
    executor: str,
) -> None:
    web = Web([
        Site("a.org", {"/": html("A", ["//b.org/hidden", "//c.org/"])}),
        Site("b.org", {"/": html("B"), "/hidden": html("H")}), Site("c.org", {"/": html("C")}),
    ], seeds=["http://a.org/", "http://b.org/"])  # fmt: skip
    async with open_web(web) as served:
        chosen = QUIET | {"executor": executor, "allow_networks": ["127.0.0.0/8"]}
        sink = await crawled_by(None, served.seeds, **chosen)
        a, b, hidden = served.url("a.org"), served.url("b.org"), served.url("b.org", "/hidden")
    assert set(sink.urls) == {a, b, hidden}
    assert sink.of(hidden).request.origin.text == a


PAIR: dict[str, list[str]] = {
    "http://one.a.org/x/": [
        "http://one.a.org/x/1", "http://one.a.org/y", "http://two.a.org/", "http://b.org/in/1", "http://b.org/",
        "http://www.b.org/", "http://c.org/",
    ],
    "http://b.org/in/": [],
}  # fmt: skip
EVERYWHERE: dict[str, list[str]] = {**{link: [] for links in PAIR.values() for link in links}, **PAIR}


@pytest.mark.parametrize(
    ("reach", "found"),
    [
        ("page", ""),
        ("prefix", "one.a.org/x/1 b.org/in/1"),
        ("host", "one.a.org/x/1 one.a.org/y b.org/in/1 b.org/"),
        ("domain", "one.a.org/x/1 one.a.org/y two.a.org/ b.org/in/1 b.org/ www.b.org/"),
        ("any", "one.a.org/x/1 one.a.org/y two.a.org/ b.org/in/1 b.org/ www.b.org/ c.org/"),
    ],
)
async def test_every_reach_is_that_of_any_seed(reach: str, found: str) -> None:
    sink = await crawled(EVERYWHERE, PAIR, reach=reach)
    assert set(sink.urls) == {*PAIR, *(f"http://{place}" for place in found.split())}


HOSTS = ["a.org", "www.a.org", "b.org"]
PATHS = ["/", "/d/", "/d/e/", "/d/e/1", "/f"]
PLACES = [f"http://{host}{path}" for host in HOSTS for path in PATHS]
WEBS = st.dictionaries(st.sampled_from(PLACES), st.lists(st.sampled_from(PLACES), max_size=4), min_size=4)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    WEBS, st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True), st.sampled_from(PLACES),
    st.sampled_from(["page", "prefix", "host", "domain", "any"]), st.booleans(),
)  # fmt: skip
async def test_another_seed_never_takes_a_page_away(
    pages: dict[str, list[str]], seeds: list[str], one: str, reach: str, comes_first: bool
) -> None:
    few = await crawled(pages, seeds, reach=reach)
    more = await crawled(pages, [one, *seeds] if comes_first else [*seeds, one], reach=reach)
    assert set(few.urls) <= set(more.urls)
    assert len(more.urls) == len(set(more.urls))


async def test_a_seed_that_comes_late_counts_from_then_on_for_workers_that_run() -> None:
    """Its place is seen by workers that have mapped the table long before."""
    pages = {
        "http://a.org/": ["http://a.org/1"],
        "http://a.org/1": ["http://b.org/1"],
        "http://b.org/": [],
        "http://b.org/1": [],
    }
    sink, seeds = ListSink(), anyio.Event()

    class Waiting(Names):
        async def fetch(self, request: Request) -> Response:
            if request.url.text == "http://a.org/1":
                await seeds.wait()
            return await super().fetch(request)

    async with crawler.open_crawl(sinks=[sink], fetcher=Waiting(pages), **(QUIET | {"inline_below_bytes": 0})) as crawl:
        await crawl.add(["http://a.org/"])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crawl.run)
            while not sink.got:
                await anyio.sleep(0.01)
            await crawl.add(["http://b.org/"])
            seeds.set()
    assert set(sink.urls) == set(pages)


async def test_a_folder_that_is_opened_again_knows_the_places_of_all_its_seeds(tmp_path: Path) -> None:
    pages = {"http://a.org/": ["http://a.org/1"], "http://a.org/1": ["http://b.org/1"], "http://b.org/1": []}
    web = Names(pages)
    async with crawler.open_crawl(folder=tmp_path / "c", fetcher=web, **IN_PROCESS) as crawl:
        await crawl.add(["http://a.org/", "http://b.org/"])
    await crawler.crawl([], folder=tmp_path / "c", fetcher=web, workers=1)
    assert pages.keys() <= {json.loads(line)["url"] for line in (tmp_path / "c/pages.jsonl").read_text().splitlines()}


@pytest.mark.parametrize("has_folder", [True, False])
async def test_another_reach_holds_for_all_seeds_from_the_next_visit_on(tmp_path: Path, has_folder: bool) -> None:
    pages = {"http://a.org/x/": ["http://a.org/x/1"], "http://a.org/x/1": ["http://b.org/2"], "http://b.org/x/": [],
             "http://b.org/2": []}  # fmt: skip
    sink = ListSink()
    async with crawler.open_crawl(
        folder=tmp_path / "c" if has_folder else None, sinks=[sink], fetcher=Names(pages),
        **(IN_PROCESS | {"reach": "prefix", "limit": 2}),
    ) as crawl:  # fmt: skip
        await crawl.add(["http://a.org/x/", "http://b.org/x/"])
        await crawl.run()
        await crawl.change(reach="host", limit=100)
        await crawl.run()
    assert set(sink.urls) == set(pages)


# -- seeds that move -------------------------------------------------------------------------------------------------

MOVED = {
    "http://a.org/": "http://b.org/home",
    "http://b.org/home": ["http://b.org/more", "http://a.org/back"],
    "http://b.org/more": [],
    "http://a.org/back": ["http://a.org/on"],
    "http://a.org/on": [],
}


async def test_where_a_seed_moved_to_only_the_landing_page_is_fetched_and_the_redirect_says_so() -> None:
    sink = await crawled(MOVED, ["http://a.org/"])
    assert set(sink.urls) == MOVED.keys() - {"http://b.org/more"}
    assert (sink.of("http://a.org/").disposition, sink.of("http://a.org/").reason) == ("redirected", Reason.MOVED)
    assert "http://b.org/home" in sink.of("http://a.org/").detail
    page = sink.of("http://b.org/home").page
    assert page
    assert page.left_out & LeftOut.REACH


async def test_moved_seeds_are_followed_where_that_is_wanted() -> None:
    sink = await crawled(MOVED, ["http://a.org/"], follow_moved_seeds=True)
    assert set(sink.urls) == set(MOVED)
    assert sink.of("http://a.org/").reason is None


@pytest.mark.parametrize("reach", ["host", "domain"])
@pytest.mark.parametrize(
    "target",
    ["http://www.a.org/", "https://a.org/", "https://www.a.org/en/", "http://shop.a.org/", "http://a.org:8080/"],
)
async def test_a_seed_that_moves_next_door_owns_both_places(reach: str, target: str) -> None:
    beside = urls.parse("more", urls.parse(target)).text
    pages = {"http://a.org/": target, target: [beside, "http://a.org/about"], beside: [], "http://a.org/about": []}
    sink = await crawled(pages, ["http://a.org/"], reach=reach)
    assert set(sink.urls) == set(pages)
    assert sink.of("http://a.org/").reason is None


@pytest.mark.parametrize(
    ("hops", "is_ours", "moved"),
    [
        (["http://a.org/", "http://b.org/", "http://www.b.org/"], False, 1),
        (["http://a.org/", "http://b.org/", "http://c.org/"], False, 1),
        (["http://a.org/", "http://b.org/", "http://www.a.org/"], True, 1),
        (["http://a.org/", "https://a.org/", "https://www.a.org/"], True, 0),
        (["http://a.org/", "https://a.org/", "https://b.org/"], False, 1),
    ],
    ids=["away-next-door", "away-twice", "away-and-back", "next-door-twice", "next-door-away"],
)
async def test_a_chain_of_redirects_is_measured_from_the_seed(hops: list[str], is_ours: bool, moved: int) -> None:
    last = hops[-1]
    pages: dict[str, Iterable[str] | str] = {**dict(pairwise(hops)), last: [f"{last}more"]}
    pages[f"{last}more"] = []
    sink = await crawled(pages, hops[:1])
    assert (f"{last}more" in sink.urls) == is_ours
    assert set(hops) <= set(sink.urls)
    assert [outcome.reason for outcome in sink.got].count(Reason.MOVED) == moved


async def test_a_seed_that_moves_into_the_reach_of_another_has_not_left() -> None:
    pages = {"http://a.org/": "http://b.org/home", "http://b.org/home": ["http://b.org/more"], "http://b.org/": [],
             "http://b.org/more": []}  # fmt: skip
    sink = await crawled(pages, ["http://b.org/", "http://a.org/"])
    assert set(sink.urls) == set(pages)
    assert sink.of("http://a.org/").reason is None


async def test_a_seed_that_leaves_by_way_of_another_is_told_where_it_leaves() -> None:
    pages = {"http://a.org/": "http://b.org/gone", "http://b.org/gone": "http://c.org/", "http://b.org/": [],
             "http://c.org/": ["http://c.org/more"], "http://c.org/more": []}  # fmt: skip
    sink = await crawled(pages, ["http://b.org/", "http://a.org/"])
    assert set(sink.urls) == pages.keys() - {"http://c.org/more"}
    assert (sink.of("http://a.org/").reason, sink.of("http://b.org/gone").reason) == (None, Reason.MOVED)


async def test_a_prefix_stays_the_one_that_was_given_wherever_the_seed_redirects() -> None:
    login = ["http://a.org/docs/1", "http://a.org/blog", "http://www.a.org/docs/2", "http://www.a.org/blog"]
    pages: dict[str, Iterable[str] | str] = {
        "http://a.org/docs/": "http://a.org/login", "http://a.org/login": login, **dict.fromkeys(login, ()),
    }  # fmt: skip
    inside = await crawled(pages, ["http://a.org/docs/"], reach="prefix")
    assert set(inside.urls) == {"http://a.org/docs/", "http://a.org/login", "http://a.org/docs/1"}
    pages |= {"http://a.org/docs/": "http://www.a.org/login", "http://www.a.org/login": login}
    beside = await crawled(pages, ["http://a.org/docs/"], reach="prefix")
    assert set(beside.urls) == {
        "http://a.org/docs/", "http://www.a.org/login", "http://a.org/docs/1", "http://www.a.org/docs/2",
    }  # fmt: skip


async def test_an_address_is_its_own_domain_whatever_the_port() -> None:
    pages = {
        "http://127.0.0.1:81/": "http://127.0.0.1:82/",
        "http://127.0.0.1:82/": ["/x"],
        "http://127.0.0.1:82/x": [],
    }
    assert set((await crawled(pages, ["http://127.0.0.1:81/"])).urls) == set(pages)
    away = {"http://127.0.0.1:81/": "http://127.0.0.2:81/", "http://127.0.0.2:81/": ["/x"], "http://127.0.0.2:81/x": []}
    assert "http://127.0.0.2:81/x" not in (await crawled(away, ["http://127.0.0.1:81/"])).urls


@pytest.mark.parametrize("follows", [True, False])
async def test_opened_again_a_crawl_follows_moved_seeds_as_its_settings_say_then(tmp_path: Path, follows: bool) -> None:
    pages = {"http://a.org/": "http://b.org/", "http://b.org/": ["http://b.org/1"], "http://b.org/1": []}
    folder, web = tmp_path / "c", Names(pages)
    async with crawler.open_crawl(folder=folder, fetcher=web, follow_moved_seeds=not follows, **IN_PROCESS) as crawl:

        class Stopping(Names):
            """Stops the crawl once the seed has redirected."""

            async def fetch(self, request: Request) -> Response:
                crawl.stop()
                return await super().fetch(request)

        web.fetch = Stopping(pages).fetch  # type: ignore[method-assign]
        await crawl.run(["http://a.org/"])
    sink = ListSink()
    reopened = crawler.open_crawl(folder=folder, fetcher=Names(pages), follow_moved_seeds=follows, sinks=[sink])
    async with reopened as crawl:
        await crawl.run()
    assert sink.urls[:1] == ["http://b.org/"]
    assert ("http://b.org/1" in sink.urls) == follows


# -- explain and dry run ---------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_explain_agrees_with_the_crawl_about_every_link(tmp_path: Path) -> None:
    folder, pages = tmp_path / "c", {**EVERYWHERE, **MOVED}
    seeds = [*PAIR, "http://a.org/"]
    for reach in ("page", "prefix", "host", "domain", "any"):
        sink = ListSink()
        async with crawler.open_crawl(
            folder=folder, fresh=reach != "page", sinks=[sink], fetcher=Names(pages), reach=reach, **IN_PROCESS
        ) as crawl:
            await crawl.run(seeds)
            running = {url: (await crawl.explain(url, is_offline=True)).scope.reason for url in pages}
            config = crawl.config
        expected = {url: None if url in sink.urls else Reason.OUT_OF_SCOPE for url in pages}
        assert running == expected, reach
        file = folder / "frontier.sqlite"
        resting = {url: (await explain(url, config, frontier=file, is_offline=True)).scope.reason for url in pages}
        assert resting == expected, reach


async def test_a_dry_run_follows_what_the_crawl_would_follow() -> None:
    def sitemap(*hosts: str) -> Page:
        return html("none") if not hosts else crawler.testing.sitemap(f"http://{host}/listed" for host in hosts)

    web = Web([
        Site("a.org", {"/sitemap.xml": sitemap("a.org", "b.org", "c.org")}), Site("b.org", {"/": html("B")}),
        Site("c.org", {"/": html("C")}),
    ], seeds=["http://a.org/sitemap.xml", "http://b.org/"])  # fmt: skip
    async with open_web(web) as served:
        config = load(settings={"allow_networks": ["127.0.0.0/8"], "robots": "ignore", "delay_s": 0.0})
        told = await rehearse([urls.parse(seed) for seed in served.seeds], config)
        listed = [served.url(host, "/listed") for host in ("a.org", "b.org")]
    assert {turn.url.text for turn in told.first} == {*served.seeds, *listed}
