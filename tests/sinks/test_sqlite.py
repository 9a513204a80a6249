"""A database that is written while the crawl runs: rows and their number in one transaction, cut back on open."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crawler import Config, ConfigError, SinkError
from crawler.model import CrawlInfo, Outcome
from crawler.protocols import Output
from crawler.settings.loading import amend
from crawler.sinks import make_outputs
from crawler.sinks.sqlite import Database
from tests.sinks.test_jsonl import failed, fetched


def info(name: str) -> CrawlInfo:
    return CrawlInfo(name, None, False, "crawld/1", "crawld/1", "", "obey", "sha256:", "")


MINE = info("mine")


def database(folder: Path, **settings: Any) -> Output:
    (made,) = make_outputs(folder, amend(Config(), {"sinks": [{"kind": "sqlite", **settings}]}))
    return made


def ask(folder: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "pages.sqlite")) as rows:
        return rows.execute(question).fetchall()


async def run(
    folder: Path, position: Any, *batches: Sequence[Outcome], crawl: CrawlInfo = MINE, **settings: Any
) -> list[Any]:
    """Opens the output at a position and writes batches; returns their positions."""
    async with database(folder, **settings).open(is_synced=False) as sink:
        assert isinstance(sink, Database)
        await sink.begin_crawl(crawl)
        await sink.rewind(position)
        return [await sink.write(batch) for batch in batches]


async def test_each_row_has_the_values_of_the_record_in_their_types(tmp_path: Path) -> None:
    assert await run(tmp_path, None, [fetched(1), failed(2)], links=True) == [{"rows": 2}]
    assert ask(
        tmp_path,
        "SELECT n, url, status, timings_ttfb, reason, links, json_extract(links, '$[0]'), typeof(status),"
        " typeof(elapsed_ms) FROM pages",
    ) == [
        (1, "http://a.test/1", 200, 1.2, None, '["http://a.test/x"]', "http://a.test/x", "integer", "real"),
        (2, "http://b.test/2", None, None, "dns", None, None, "null", "null"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pages.sqlite"], "closed, it is one file"
    assert (tmp_path / "pages.sqlite").stat().st_mode & 0o077 == 0


async def test_rows_that_were_not_settled_are_gone_and_come_once(tmp_path: Path) -> None:
    settled, _ = await run(tmp_path, None, [fetched(1)], [fetched(2), fetched(3)])
    await run(tmp_path, settled, [fetched(3)], [fetched(2)])
    assert ask(tmp_path, "SELECT n, url FROM pages") == [(n, f"http://a.test/{u}") for n, u in ((1, 1), (2, 3), (3, 2))]
    await run(tmp_path, None, [fetched(9)], fields=["url"])
    assert ask(tmp_path, "SELECT * FROM pages") == [(1, "http://a.test/9")], "nothing of this crawl was settled"


async def test_a_database_that_lost_settled_rows_or_belongs_to_another_crawl_is_not_papered_over(
    tmp_path: Path,
) -> None:
    (settled,) = await run(tmp_path, None, [fetched(1)])
    with pytest.raises(SinkError, match="has 1 rows of this crawl, but 5 were settled"):
        await run(tmp_path, {"rows": 5})
    with pytest.raises(SinkError, match="replaced from outside"):
        await run(tmp_path, settled, crawl=info("another"))
    (tmp_path / "pages.sqlite").unlink()
    with pytest.raises(SinkError, match="has 0 rows of this crawl, but 1 were settled"):
        await run(tmp_path, settled)


async def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "pages.sqlite")) as rows:
        rows.execute("CREATE TABLE pages (mine TEXT)")
    with pytest.raises(SinkError, match="is a database of another program: give the output another path"):
        await run(tmp_path, None, [fetched(1)])
    assert ask(tmp_path, "SELECT count(*) FROM pages") == [(0,)]
    (tmp_path / "pages.sqlite").write_bytes(b"words " * 1000)
    with pytest.raises(SinkError, match="file is not a database"):
        await run(tmp_path, None, [fetched(1)])


async def test_another_writer_is_noticed(tmp_path: Path) -> None:
    async with database(tmp_path).open(is_synced=False) as sink:
        await sink.rewind(None)
        await sink.write([fetched(1)])
        with closing(sqlite3.connect(tmp_path / "pages.sqlite", isolation_level=None)) as rows:
            rows.execute("UPDATE crawld_progress SET written = 7")
        with pytest.raises(SinkError, match="changed by another program"):
            await sink.write([fetched(2)])


async def test_other_columns_are_refused_and_those_of_an_older_version_stay(tmp_path: Path) -> None:
    (settled,) = await run(tmp_path, None, [fetched(1)], fields=["url", "timings.ttfb"])
    with pytest.raises(ConfigError, match=r"was begun with the columns url, timings\.ttfb: leave `fields` as it was"):
        await run(tmp_path, settled, fields=["url"])
    await run(tmp_path, settled, [fetched(2)])
    assert ask(tmp_path, "SELECT * FROM pages") == [(1, "http://a.test/1", 1.2), (2, "http://a.test/2", 1.2)]


@pytest.mark.parametrize("fields", [["data.a_b", "data.a.b"], ["data.x", "data.X"]])
def test_two_columns_of_one_name_are_told(tmp_path: Path, fields: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"sinks\.0\.fields: two columns would be called data_"):
        database(tmp_path, fields=fields)


async def test_values_of_programs_are_json_whatever_they_are(tmp_path: Path) -> None:
    from dataclasses import replace

    big = b'{"n":18446744073709551615,"s":"x","l":[1,null]}'
    outcome = fetched(1)
    assert outcome.page
    outcome = replace(outcome, page=replace(outcome.page, data_json=big))
    await run(tmp_path, None, [outcome], fields=["data", "data.n", "data.s", "data.l", "data.none"])
    assert ask(tmp_path, "SELECT * FROM pages") == [(1, big.decode(), "18446744073709551615", '"x"', "[1,null]", None)]
