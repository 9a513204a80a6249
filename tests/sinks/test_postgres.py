"""A table of a real server: each visit once, whoever dies at whatever moment, and no password anywhere."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import anyio
import asyncpg
import orjson
import pytest

import crawler
from crawler import Config, ConfigError, Crawl, SinkError
from crawler.errors import unwrap_group
from crawler.model import CrawlInfo, Outcome
from crawler.protocols import Output, PerCrawl
from crawler.settings.loading import amend, chosen_settings, mask_value
from crawler.sinks import make_outputs, patience
from crawler.testing import link_graph, open_web
from tests.hostile import kills
from tests.hostile.victim import troubled_web
from tests.postgres import PASSWORD, Server, open_server, why_not
from tests.sinks.test_jsonl import failed, fetched
from tests.sinks.test_sqlite import MINE, info

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        asyncio.run(opened.ask("SELECT 1"))  # it is up
        yield opened


def output(server: Server, table: str, **settings: Any) -> Output:
    sink = {"kind": "postgres", "url": server.url, "table": table, **settings}
    (made,) = make_outputs(Path(), amend(Config(), {"sinks": [sink]}))
    return made


async def run(made: Output, position: Any, *batches: Sequence[Outcome], crawl: CrawlInfo = MINE) -> list[Any]:
    """Opens the output at a position and writes batches; returns their positions."""
    async with made.open(is_synced=True) as sink:
        assert isinstance(sink, PerCrawl)
        await sink.begin_crawl(crawl)
        await sink.rewind(position)
        return [await sink.write(batch) for batch in batches]


async def test_rows_have_their_types_and_crawls_share_a_table(server: Server) -> None:
    await server.ask("CREATE SCHEMA crawls")
    evil = fetched(1, 'a\0b\\u0000c\\\0"')
    evil = replace(evil, page=evil.page and replace(evil.page, data_json=rb'{"x":"\u0000\\u0000\\\u0000"}'))
    made = output(server, "crawls.shared", links=True, fields=["url", "title", "status", "fetched_at", "links", "data"])
    (settled, *_) = await run(made, None, [evil], [failed(2), failed(3)])
    assert await run(made, None, [failed(4)], crawl=info("another")) == [{"rows": 1}]
    await run(made, settled, [failed(5)])
    rows = await server.ask(
        "SELECT crawl, n, url, title, status, data ->> 'x', links ->> 0 FROM crawls.shared ORDER BY 1, 2"
    )
    assert rows == [
        ("another", 1, "http://b.test/4", None, None, None, None),
        ("mine", 1, "http://a.test/1", 'a\ufffdb\\u0000c\\\ufffd"', 200, "\ufffd\\u0000\\\ufffd", "http://a.test/x"),
        ("mine", 2, "http://b.test/5", None, None, None, None),
    ]
    [(moment,)] = await server.ask("SELECT fetched_at FROM crawls.shared WHERE title IS NOT NULL")
    assert moment.timestamp() == 1_760_000_000.5


async def test_a_table_that_lost_rows_or_is_of_somebody_else_is_told(server: Server) -> None:
    (settled,) = await run(output(server, "lost"), None, [fetched(1)])
    with pytest.raises(SinkError, match="has 1 rows of this crawl, but 9 were settled"):
        await run(output(server, "lost"), {"rows": 9})
    with pytest.raises(ConfigError, match="was begun with the columns"):
        await run(output(server, "lost", fields=["url"]), settled)
    await server.ask("CREATE TABLE theirs (url text)")
    with pytest.raises(SinkError, match="table theirs is a table of another program"):
        await run(output(server, "theirs"), None)
    await server.ask("CREATE TABLE older (crawl text, n bigint, url text)")
    with pytest.raises(SinkError, match=r'run ALTER TABLE "older" ADD "status" bigint$'):
        await run(output(server, "older", fields=["url", "status"]), None)
    assert await run(output(server, "older", fields=["url"]), None, [fetched(1)]) == [{"rows": 1}]


async def test_the_transaction_of_a_process_that_died_is_over_before_rows_are_removed(server: Server) -> None:
    """A killed process left a transaction that the server commits after the next process has begun to open."""
    made = output(server, "late", fields=["url"])
    (settled,) = await run(made, None, [fetched(1)])
    dying = await asyncpg.connect(server.url)
    last = dying.transaction()
    await last.start()
    await dying.execute("SELECT * FROM crawld_progress WHERE crawl = 'mine' AND pages = 'late' FOR UPDATE")
    await dying.execute("INSERT INTO late VALUES ('mine', 2, 'http://a.test/late')")
    await dying.execute("UPDATE crawld_progress SET written = 2 WHERE crawl = 'mine' AND pages = 'late'")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, made, settled, [fetched(3)])
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while (await server.ask(waiting))[0][0] == 0:
            await asyncio.sleep(0.01)
        await last.commit()
    await dying.close()
    assert await server.ask("SELECT n, url FROM late ORDER BY n") == [(1, "http://a.test/1"), (2, "http://a.test/3")]


def crawl_settings(server: Server, table: str, **more: Any) -> Config:
    sinks = [{"kind": "jsonl"}, {"kind": "postgres", "url": server.url, "table": table, **more}]
    quick = {"executor": "inline", "reach": "any", "delay_s": 0.0, "per_site": 4, "allow_networks": ["127.0.0.0/8"]}
    return amend(Config(), {**quick, "sinks": sinks})


async def check_rows(server: Server, table: str, folder: Path) -> None:
    """Asserts that the table has exactly the visits of the records."""
    records = map(orjson.loads, (folder / "pages.jsonl").read_bytes().splitlines())
    rows = await server.ask(f"SELECT url, visit FROM {table}")
    assert sorted(rows) == sorted((record["url"], record["visit"]) for record in records)
    assert len(rows) == len(set(rows)) > 60


WEB = link_graph(seed=3, sites=4, pages_per_site=20, links_per_page=8)


async def amid_it_goes_away(
    server: Server, crawl: Crawl, seeds: Sequence[str], caplog: pytest.LogCaptureFixture, *ends: Callable[[], object]
) -> None:
    """Runs the crawl, takes the server away amid it, and does `ends` once this was told. Raises what the run does."""
    with unwrap_group():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crawl.run, seeds)
            while crawl.snapshot().counts.pages < 10:
                await asyncio.sleep(0.001)
            server.stop()
            while "takes no pages" not in caplog.text:
                await asyncio.sleep(0.01)
            for end in ends:
                end()


async def test_a_crawl_waits_for_a_server_that_is_away_and_goes_on(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_web(WEB) as served:
        async with crawler.open_crawl(crawl_settings(server, "away"), folder=tmp_path / "c") as crawl:
            await amid_it_goes_away(server, crawl, served.seeds, caplog, server.start)
    await check_rows(server, "away", tmp_path / "c")
    assert "takes pages again, after" in caplog.text
    assert caplog.text.count("takes no pages") == 1, "said once"
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("way", ["patience", "stop", "abort"])
async def test_a_run_that_ends_while_the_server_is_away_loses_nothing(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(patience, "HURRIED_S", 0.2)
    config = crawl_settings(server, f"ends_{way}", give_up_s=0.3 if way == "patience" else 600)
    async with open_web(WEB) as served:
        async with crawler.open_crawl(config, folder=tmp_path / "c") as crawl:
            ends = [getattr(crawl, way)] if way != "patience" else []
            with pytest.raises(SinkError, match=r"has taken no pages for .* Nothing is lost: once it takes") as raised:
                await amid_it_goes_away(server, crawl, served.seeds, caplog, *ends)
        assert PASSWORD not in str(raised.value)
        with pytest.raises(SinkError, match=r"cannot be used: .*refused"):
            async with crawler.open_crawl(config, folder=tmp_path / "c"):
                pytest.fail("it waits for a server when it is opened")
        server.start()
        await server.ask("SELECT 1")
        async with crawler.open_crawl(config, folder=tmp_path / "c") as crawl:
            await crawl.run(served.seeds)
    await check_rows(server, f"ends_{way}", tmp_path / "c")


async def test_no_password_is_shown_and_one_of_the_environment_is_not_stored(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = crawl_settings(server, "hidden")
    shown = [mask_value(key, value) for key, value in chosen_settings(config).items()]
    assert PASSWORD not in str(shown)
    wrong = server.url.replace(PASSWORD, "not-it-8")
    with pytest.raises(SinkError, match="password authentication failed") as raised:
        await run(output(server, "hidden", url=wrong), None)
    (made,) = make_outputs(Path(), amend(Config(), {"sinks": [{"kind": "postgres", "url": server.url}]}))
    told = "".join(traceback.format_exception(raised.value)) + made.place + made.name
    assert "not-it-8" not in told + caplog.text
    assert PASSWORD not in told

    monkeypatch.setenv("STORE", server.url)
    config = crawl_settings(server, "hidden", url="$STORE")
    async with open_web(WEB) as served:
        async with crawler.open_crawl(config, folder=tmp_path / "c") as crawl:
            await crawl.run(served.seeds)
    await check_rows(server, "hidden", tmp_path / "c")
    files = [path for path in (tmp_path / "c").rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    monkeypatch.delenv("STORE")
    with pytest.raises(ConfigError, match=r"sinks\.1\.url: the environment has no variable STORE"):
        async with crawler.open_crawl(config, folder=tmp_path / "c"):
            pass


@pytest.mark.long
async def test_killed_amid_its_rows_every_visit_is_in_the_table_once(server: Server, tmp_path: Path) -> None:
    async with kills.victim(troubled_web(80, sites=4), tmp_path) as crawl:
        await kills.killed_while_it_writes_to_a_server(crawl, 2, Random(kills.SEED), server)
