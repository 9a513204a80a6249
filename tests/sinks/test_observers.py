"""Sinks that see the exchanges for robots.txt beside the records of pages, as an archive wants them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler.errors import SinkError, StorageFull
from crawler.model import Disposition, Heads, Lease, Outcome, Page, Position, Request, Response, Url
from crawler.settings.loading import amend
from crawler.sinks import JsonLines, SkipStored, Wants, find_observers
from crawler.testing import Served, Site, Web, error, html, open_web, robots

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01}
RULES = robots.Rules(disallow=("/private/",))


class Archive:
    """Keeps all that a WARC file would have: each request and answer as they were sent."""

    name = "archive"

    def __init__(self) -> None:
        self.asked: list[Response] = []
        self.pages: list[Outcome] = []
        self.error: BaseException | None = None
        self.gate: asyncio.Event | None = None
        self.began = asyncio.Event()

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self.pages += outcomes
        return {}

    async def observe(self, response: Response) -> None:
        self.began.set()
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        self.asked.append(response)


class Plain:
    name = "plain"

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        return {}


def one_site(rules: robots.Robots, pages: int = 3) -> Web:
    leaves = {f"/{n}": html(f"Page {n}") for n in range(pages)}
    return Web([Site("alpha.test", {"/": html("Alpha", list(leaves)), **leaves}, robots=rules)])


def target(response: Response) -> bytes:
    return response.heads.request.split(b" ")[1]


async def archive(served: Served, sink: Archive, **settings: Any) -> crawler.Summary:
    with anyio.fail_after(30):
        return await crawler.crawl(served.seeds, sinks=[Plain(), sink], **(QUICK | settings))


async def test_a_sink_that_observes_gets_each_robots_txt_once_and_as_it_was_sent() -> None:
    sink = Archive()
    async with open_web(one_site(robots.moved(RULES, 2))) as served:
        await archive(served, sink)
    asked = [hit for hit in served.hits if "robots" in hit.url]
    assert [response.status for response in sink.asked] == [301, 301, 200]
    assert [target(response).decode() for response in sink.asked] == ["/" + hit.url.split("/", 3)[3] for hit in asked]
    for response in sink.asked:
        assert response.heads.response.startswith(b"HTTP/1.1 ")
        assert response.heads.response.endswith(b"\r\n\r\n")
    assert sink.asked[-1].body == RULES.text().encode()
    assert len(sink.pages) == 4
    assert all(outcome.response and target(outcome.response) for outcome in sink.pages), "pages have their heads too"


async def test_answers_that_are_no_rules_are_observed_as_well() -> None:
    sink = Archive()
    async with open_web(one_site(robots.missing())) as served:
        await archive(served, sink)
        assert [response.status for response in sink.asked] == [404]
    broken = robots.Robots(pages={"/robots.txt": error(503)})
    sink = Archive()
    async with open_web(one_site(broken)) as served:
        await archive(served, sink, max_attempts=1)
    assert [response.status for response in sink.asked] == [503]
    assert [outcome.disposition for outcome in sink.pages] == [Disposition.FAILED]


async def test_a_robots_txt_that_is_not_wanted_is_not_observed_and_not_asked_for() -> None:
    sink = Archive()
    async with open_web(one_site(robots.stating(RULES))) as served:
        await archive(served, sink, robots="ignore")
    assert (sink.asked, len(sink.pages)) == ([], 4)
    assert find_observers([Plain()]) is None


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(SinkError("no more"), "no more"), (OSError("disk full"), "'archive'.*disk full"), (StorageFull("x"), "x")],
)
async def test_an_observer_that_fails_ends_the_crawl_and_loses_no_page(raised: Exception, expected: str) -> None:
    sink, settings = Archive(), QUICK | {"robots": "obey"}
    sink.error = raised
    async with open_web(one_site(robots.stating(RULES))) as served, crawler.open_shared(**QUICK) as shared:
        async with crawler.open_crawl(shared=shared, sinks=[sink], **settings) as crawl:
            with anyio.fail_after(30), pytest.raises(SinkError, match=expected):
                await crawl.run(served.seeds)
            assert (sink.pages, crawl.snapshot().counts.queued) == ([], 1)
            assert shared.budget.used == 0
            sink.error = None
            await crawl.run()
        assert (len(sink.asked), len(sink.pages)) == (1, 4)


async def test_an_observer_is_never_cancelled_in_the_middle_and_its_memory_counts_until_it_ends() -> None:
    sink = Archive()
    sink.gate = asyncio.Event()
    async with open_web(one_site(robots.stating(RULES))) as served, crawler.open_shared(**QUICK) as shared:
        async with (
            crawler.open_crawl(shared=shared, sinks=[sink], **QUICK) as crawl,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(crawl.run, served.seeds)
            await sink.began.wait()
            crawl.abort()
            for _ in range(20):
                await asyncio.sleep(0)
            assert (sink.asked, shared.budget.used > 0) == ([], True)
            sink.gate.set()
        assert (len(sink.asked), shared.budget.used) == (1, 0)


async def test_pages_are_in_the_output_once_although_robots_txt_is_asked_again(tmp_path: Path) -> None:
    seen = []
    async with open_web(one_site(robots.stating(RULES), pages=6)) as served:
        for limit in (3, None):
            sink = Archive()
            await crawler.crawl(served.seeds, folder=tmp_path / "c", sinks=[sink], limit=limit, **QUICK)
            assert [target(response) for response in sink.asked] == [b"/robots.txt"], "each run asks"
            seen += [outcome.url.text for outcome in sink.pages]
    assert len(seen) == len(set(seen)) == 7


async def test_no_sink_of_ours_writes_heads(tmp_path: Path) -> None:
    """The head of a request has the passwords and cookies that the settings give for the site."""
    url = Url("http://a.test/")
    heads = Heads(
        b"GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nCookie: s3cret\r\n\r\n", b"HTTP/1.1 200 Fine\r\n\r\n"
    )
    response = Response(url, 200, ((b"Server", b"x"),), b"hello", heads=heads)
    outcome = Outcome(Lease(Request(url), 1), Disposition.FETCHED, response=response, page=Page(b"d" * 32))
    sink = JsonLines(tmp_path / "pages.jsonl", Wants(links=True, text=True, headers=True))
    await sink.rewind(None)
    await sink.write([outcome])
    written = (tmp_path / "pages.jsonl").read_text()
    assert '"Server"' in written or '"server"' in written
    for word in ("c2VjcmV0", "s3cret", "Authorization", "Fine"):
        assert word not in written
        assert word not in repr(outcome)


async def test_a_sink_that_the_settings_name_may_observe_too(
    tmp_path: Path, tsv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    async def observe(self: object, response: Response) -> None:
        seen.append(response.status)

    monkeypatch.setattr(importlib.import_module("crawld_tsv").TsvSink, "observe", observe, raising=False)
    async with open_web(one_site(robots.moved(RULES, 1))) as served:
        config = amend(crawler.Config(), QUICK | {"sinks": [{"kind": "tsv"}]})
        await crawler.crawl(served.seeds, config, folder=tmp_path / "c")
    assert seen == [301, 200]


async def test_a_sink_that_is_being_filled_up_still_observes() -> None:
    sink = Archive()
    found = find_observers([Plain(), SkipStored(sink, [1])])
    assert found
    response = Response(Url("http://a.test/robots.txt"), 404, ())
    await found.observe(response)
    assert sink.asked == [response]
