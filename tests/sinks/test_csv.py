"""A table that is written while the crawl runs: cut back as records are, its columns as they were begun."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from crawler import Config, ConfigError, SinkError
from crawler.model import Outcome
from crawler.protocols import Output
from crawler.settings.loading import amend
from crawler.sinks import Wants, make_outputs
from crawler.sinks.columns import COLUMNS, make_picker
from crawler.sinks.record import record
from tests.sinks.test_jsonl import failed, fetched


def table(folder: Path, **settings: Any) -> Output:
    (made,) = make_outputs(folder, amend(Config(), {"sinks": [{"kind": "csv", **settings}]}))
    return made


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


async def test_each_row_says_what_the_record_says(tmp_path: Path) -> None:
    outcomes = [fetched(1), failed(2)]
    async with table(tmp_path, text=True).open(is_synced=False) as sink:
        await sink.rewind(None)
        await sink.write(outcomes[:1])
        await sink.write(outcomes[1:])
    names, *found = rows(tmp_path / "pages.csv")
    assert tuple(names) == (*COLUMNS, "text"), "the row of names stands once"
    pick = make_picker(names)
    for outcome, row in zip(outcomes, found, strict=True):
        values = pick(orjson.loads(record(outcome, Wants(text=True))))
        assert row == ["" if value is None else str(value) for value in values]


@pytest.mark.parametrize(("path", "separator"), [("pages.csv", ","), ("pages.TSV", "\t")])
async def test_no_cell_is_a_formula(tmp_path: Path, path: str, separator: str) -> None:
    async with table(tmp_path, path=path, fields=["title", "url"]).open(is_synced=False) as sink:
        await sink.rewind(None)
        await sink.write([fetched(1, "=1+1")])
    head, row = (tmp_path / path).read_text().splitlines()
    assert (head, row.replace('"', "")) == (f"title{separator}url", f"'=1+1{separator}http://a.test/1")


async def settled(folder: Path, *outcomes: Outcome, **settings: Any) -> Any:
    async with table(folder, **settings).open(is_synced=False) as sink:
        await sink.rewind(None)
        return await sink.write(outcomes)


async def test_other_columns_than_it_began_with_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    position = await settled(tmp_path, fetched(1), fields=["url", "title"])
    before = (tmp_path / "pages.csv").read_bytes()
    with pytest.raises(ConfigError, match="was begun with the columns url, title: leave `fields` as it was"):
        async with table(tmp_path, fields=["title", "url"]).open(is_synced=False) as sink:
            await sink.rewind(position)
    assert (tmp_path / "pages.csv").read_bytes() == before


async def test_a_table_of_an_older_version_goes_on_with_its_columns(tmp_path: Path) -> None:
    position = await settled(tmp_path, fetched(1), fields=["url", "title", "depth"])
    async with table(tmp_path).open(is_synced=False) as sink:
        await sink.rewind(position)
        await sink.write([fetched(2)])
    assert rows(tmp_path / "pages.csv")[2] == ["http://a.test/2", "A title", "1"]


async def test_a_table_that_lost_settled_rows_is_not_papered_over(tmp_path: Path) -> None:
    position = await settled(tmp_path, fetched(1))
    (tmp_path / "pages.csv").write_bytes(b"url\n")
    with pytest.raises(SinkError, match="4 bytes long, but"):
        async with table(tmp_path).open(is_synced=False) as sink:
            await sink.rewind(position)


def test_a_field_that_no_record_has_is_told_with_its_place_and_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sinks\.0\.fields: no record has a field 'titel'; did you mean title"):
        table(tmp_path, fields=["url", "titel"])


def test_a_large_field_that_is_chosen_is_made() -> None:
    (sink,) = amend(Config(), {"sinks": [{"kind": "csv", "fields": ["url", "text"]}]}).sinks
    assert (sink.text, sink.links, sink.path) == (True, False, "pages.csv")
