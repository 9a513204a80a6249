"""Parquet files of settled records: each record once, no file ever changed, whatever was killed or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest

from crawler import Config, ConfigError, SinkError
from crawler.model import Outcome
from crawler.protocols import Follower, Output
from crawler.settings.loading import amend
from crawler.sinks import make_outputs
from tests.sinks.test_jsonl import failed, fetched


def output(folder: Path, **settings: Any) -> Output:
    (made,) = make_outputs(folder, amend(Config(), {"sinks": [{"kind": "parquet", **settings}]}))
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "parquet").iterdir())


def ask(question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        return database.execute(question).fetchall()


def numbers(folder: Path) -> list[int]:
    """The numbers in the URLs of all rows, in order."""
    rows = ask(f"SELECT url FROM read_parquet('{folder}/parquet/*.parquet', filename = true) ORDER BY filename")
    return [int(url.rpartition("/")[2]) for (url,) in rows]


async def run(
    folder: Path, position: Any, *batches: Sequence[Outcome], settles: int = 99, **settings: Any
) -> list[Any]:
    """Opens the output at a position, writes batches, and settles the first so many; returns their positions."""
    found = []
    async with output(folder, **settings).open(is_synced=True) as sink:
        assert isinstance(sink, Follower)
        await sink.rewind(position)
        for number, batch in enumerate(batches):
            found.append(await sink.write(batch))
            if number < settles:
                sink.note_settled()
    return found


def pages(*numbers: int) -> list[Outcome]:
    return [fetched(number) for number in numbers]


async def test_rows_have_their_types_and_every_file_the_same_columns(tmp_path: Path) -> None:
    page = fetched(1).page
    assert page
    special = replace(fetched(1), page=replace(page, data_json=b'{"price":3}'))
    await run(tmp_path, None, [special], [failed(2)], batch=1, links=True)
    assert names(tmp_path) == ["part-000001.parquet", "part-000002.parquet"]
    table = f"read_parquet('{tmp_path}/parquet/*.parquet')"
    assert ask(
        "SELECT status, timings.ttfb, links, data->>'price', epoch(fetched_at), typeof(status)"
        f" FROM {table} ORDER BY url"
    ) == [
        (200, 1.2, ["http://a.test/x"], "3", 1_760_000_000.5, "INTEGER"),
        (None, None, None, None, 0.0, "INTEGER"),
    ]
    one = output(tmp_path / "other", fields=["url", "timings.ttfb"])
    async with one.open(is_synced=True) as sink:
        await sink.rewind(None)
        await sink.write([fetched(1)])
        sink.note_settled()  # type: ignore[attr-defined]
    assert ask(f"SELECT * FROM '{tmp_path}/other/parquet/*.parquet'") == [("http://a.test/1", 1.2)]


async def test_a_file_appears_while_the_crawl_runs_once_all_its_rows_are_settled(tmp_path: Path) -> None:
    async with output(tmp_path, batch=2).open(is_synced=True) as sink:
        assert isinstance(sink, Follower)
        await sink.rewind(None)
        await sink.write(pages(1, 2))
        await sink.write(pages(3))
        assert names(tmp_path) == ["waiting-000001.jsonl", "waiting-000002.jsonl"], "nothing is settled yet"
        sink.note_settled()
        with anyio.fail_after(30):
            while "waiting-000001.jsonl" in names(tmp_path):
                await anyio.sleep(0.005)
        assert names(tmp_path) == ["part-000001.parquet", "waiting-000002.jsonl"]
    assert names(tmp_path) == ["part-000001.parquet", "part-000002.parquet"]
    assert numbers(tmp_path) == [1, 2, 3]


async def test_what_was_not_settled_is_in_no_file_and_is_cut_off(tmp_path: Path) -> None:
    settled, _ = await run(tmp_path, None, pages(1, 2), pages(3), settles=1)
    assert names(tmp_path) == ["waiting-000001.jsonl"]
    again, more = await run(tmp_path, settled, pages(4), pages(5))
    assert numbers(tmp_path) == [1, 2, 4, 5]
    before = (tmp_path / "parquet" / "part-000001.parquet").read_bytes()
    await run(tmp_path, more, pages(6))
    assert names(tmp_path) == ["part-000001.parquet", "part-000002.parquet"]
    assert (tmp_path / "parquet" / "part-000001.parquet").read_bytes() == before
    assert numbers(tmp_path) == [1, 2, 4, 5, 6]
    await run(tmp_path, again, pages(7))  # a power cut took settled visits back
    assert numbers(tmp_path) == [1, 2, 4, 7]
    await run(tmp_path, None, pages(9))
    assert numbers(tmp_path) == [9]


@pytest.mark.parametrize("left", ["records", "both", "draft"])
async def test_a_kill_amid_the_making_of_a_file_leaves_each_row_once(tmp_path: Path, left: str) -> None:
    *_, last = await run(tmp_path, None, pages(1, 2), pages(3), batch=2, settles=2)
    folder = tmp_path / "parquet"
    whole = (folder / "part-000001.parquet").read_bytes()
    (tmp_path / "again").mkdir()
    *_, last = await run(tmp_path / "again", None, pages(1, 2), pages(3), batch=2, settles=0)
    records = {name: (tmp_path / "again" / "parquet" / name).read_bytes() for name in names(tmp_path / "again")}
    for path in folder.iterdir():
        path.unlink()
    for name, data in records.items():
        (folder / name).write_bytes(data)
    if left == "both":
        (folder / "part-000001.parquet").write_bytes(whole)
    if left == "draft":
        (folder / "part-000001.parquet.new").write_bytes(whole[:50])
        (folder / ".duckdb-0123").mkdir()
    await run(tmp_path, last, pages(4), batch=2)
    assert names(tmp_path) == ["part-000001.parquet", "part-000002.parquet"]
    assert numbers(tmp_path) == [1, 2, 3, 4]


async def test_a_file_that_lost_rows_is_not_papered_over_and_older_ones_may_be_moved_away(tmp_path: Path) -> None:
    *_, last = await run(tmp_path, None, pages(1, 2), pages(3), batch=2)
    (tmp_path / "parquet" / "part-000001.parquet").unlink()
    *_, last = await run(tmp_path, last, pages(4), batch=2)
    assert numbers(tmp_path) == [3, 4]
    with pytest.raises(SinkError, match=r"part-000003\.parquet has 1 rows, but 7 were settled"):
        await run(tmp_path, {**last, "rows": 7})
    (tmp_path / "parquet" / "part-000003.parquet").write_bytes(b"PAR1")
    with pytest.raises(SinkError, match=r"part-000003\.parquet cannot be read"):
        await run(tmp_path, last)
    (tmp_path / "parquet" / "part-000003.parquet").unlink()
    with pytest.raises(SinkError, match="was cut or removed from outside"):
        await run(tmp_path, last)


async def test_a_record_of_many_megabytes_goes_into_a_file(tmp_path: Path) -> None:
    page = fetched(1).page
    assert page
    large = replace(fetched(1), page=replace(page, text="w" * (40 << 20)))
    await run(tmp_path, None, [large, fetched(2)], text=True)
    assert ask(f"SELECT length(text) FROM '{tmp_path}/parquet/*.parquet' ORDER BY url") == [(40 << 20,), (5,)]


def test_a_field_that_no_record_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sinks\.0\.fields: no record has a field 'ulr'; did you mean url"):
        output(tmp_path, fields=["ulr"])
