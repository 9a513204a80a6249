"""Nodes that take part in all crawls of an engine (`crawl work`), and commands that ask the engine for a crawl."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from crawler import open_engine
from crawler.testing import link_graph
from tests.backends.stories import Crowd, open_crowd
from tests.postgres import PASSWORD, Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


async def test_workers_finish_what_another_node_began_and_are_drained(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=12, sites=10, pages_per_site=36, links_per_page=6)
    async with open_crowd(server, "worked", web, tmp_path) as crowd:
        first, second = await crowd.work(), await crowd.work()
        begun = await crowd.join()
        await until_seeded(crowd)
        await crowd.hits(60)
        crowd.send(begun, signal.SIGKILL)
        await begun.wait()
        await check_answers_on_the_way(crowd)
        crowd.send(first, signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await first.wait() == 0, crowd.said()
        await until_finished(crowd)
        assert second.returncode is None, "it waits for the next crawl"
        crowd.send(second, signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await second.wait() == 0, crowd.said()
        found = await crowd.merge()
        assert set(found) == crowd.served.web.reachable()
        assert set(found.values()) == {1}
        crowd.check_politeness()
        await check_answers_at_the_end(crowd, len(found))


async def until_seeded(crowd: Crowd) -> None:
    async with asyncio.timeout(60), open_engine(crowd.url) as engine:
        while not any(one.is_seeded for one in await engine.standings()):
            crowd.check_alive()
            await asyncio.sleep(0.05)


async def until_finished(crowd: Crowd) -> None:
    async with asyncio.timeout(90), open_engine(crowd.url) as engine:
        while not await engine.is_finished("NAME"):
            crowd.check_alive()
            await asyncio.sleep(0.05)


async def check_answers_on_the_way(crowd: Crowd) -> None:
    code, said = await crowd.command("status", "NAME", "--engine", crowd.url, "--json")
    assert code == 0, said
    told = orjson.loads(said)
    assert told["pages"] > 0
    assert told["queued"] > 0
    assert not told["finished"]
    assert PASSWORD not in said
    code, said = await crowd.command("status", "NAME", "--engine", crowd.url)
    assert (code, "queued" in said, PASSWORD in said) == (0, True, False), said


async def check_answers_at_the_end(crowd: Crowd, pages: int) -> None:
    code, said = await crowd.command("status", "NAME", "--engine", crowd.url)
    assert (code, "0 queued; it is finished" in said) == (0, True), said
    url = next(iter(crowd.served.web.reachable() - set(crowd.served.seeds)))
    code, said = await crowd.command("explain", "NAME", url, "--engine", crowd.url, "--offline", "--json")
    assert code == 0, said
    told = orjson.loads(said)["crawl"]
    assert (told["standing"], told["disposition"]) == ("done", "fetched"), said
    assert told["via"], said
    code, said = await crowd.command("explain", "NAME", url, "--engine", crowd.url, "--offline")
    assert (code, "this crawl is done with it: fetched" in said) == (0, True), said
    code, said = await crowd.command("export", "NAME", "--engine", crowd.url, "-f", "csv", "-o", "all.csv")
    assert code == 0, said
    assert len((crowd.folder / "all.csv").read_text().splitlines()) == pages + 1
    code, said = await crowd.command("inspect", "NAME", "--engine", crowd.url)
    assert (code, f"NAME: {pages} records" in said) == (0, True), said
    code, said = await crowd.command("report", "NAME", "--engine", crowd.url, "-o", "report.json")
    assert (code, (crowd.folder / "report.json").exists()) == (0, True), said
    code, said = await crowd.command("inspect", "NAME", url, "--engine", crowd.url, "--json")
    story = orjson.loads(said)
    assert (code, story["standing"], len(story["visits"])) == (0, "done", 1), said
    code, said = await crowd.command("sql", "NAME", "select count(*) n from pages", "--engine", crowd.url, "-f", "json")
    assert (code, orjson.loads(said)) == (0, [{"n": pages}]), said
    code, said = await crowd.command("search", "NAME", "page*", "--engine", crowd.url, "--json", "--limit", "3")
    assert (code, url.split("/")[2] in said or "found" in said) == (0, True), said
    [node] = [one for one in (crowd.home).iterdir() if (one / "pages.jsonl").exists()][:1]
    (node / "pages.jsonl").rename(node / "gone")
    code, said = await crowd.command("sql", "NAME", "select 1", "--engine", crowd.url)
    assert (code, f"the records of the node {node.name} are not here" in said) == (2, True), said
    (node / "gone").rename(node / "pages.jsonl")
    code, said = await crowd.command("status", "NAMES", "--engine", crowd.url)
    assert (code, "has no crawl 'NAMES'; did you mean NAME?" in said) == (2, True), said
