"""A question in SQL is answered from what is settled in a folder, and can touch nothing else."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crawler import ConfigError, Folder, export_query, query_folder
from crawler.analytics import TYPES, open_database
from crawler.analytics.database import SqlError
from crawler.query.views import TABLES, make_views
from tests.export.conftest import MakeFolder, page

duckdb = pytest.importorskip("duckdb", reason="the extra `analytics` is not installed")

DOCUMENT = Path(__file__).parents[2] / "docs/sql.md"
A, B = "http://a.test", "https://b.test:8443"


def ask(folder: Folder, sql: str) -> list[Sequence[object]]:
    with query_folder(folder, sql) as answer:
        return list(answer.rows)


@pytest.fixture
def folder(make: MakeFolder) -> Folder:
    failed: dict[str, Any] = {"status": 404, "disposition": "failed", "reason": "status-4xx", "elapsed_ms": 4.0}
    return make(
        [
            page(f"{A}/", "=1+1", links=[f"{A}/b", f"{B}/c"], length=10, elapsed_ms=2.0, data={"n": 5}),
            page(f"{A}/b", via=f"{A}/", **failed),
            page(f"{B}/c", links=[f"{A}/"], length=1 << 40),
            page(f"{A}/", "new \x1b[31m", visit=2, links=[f"{B}/c"], length=20, elapsed_ms=6.0),
            page(f"{A}/b", visit=2, links=[]),
            page(f"{A}/form", request_id="aa", method="POST"),
            page(f"{A}/form", visit=2, request_id="aa", method="POST", **failed),
            page(f"{A}/form", request_id="bb", method="POST"),
        ]
    )


def test_a_page_stands_as_its_last_visit_found_it(folder: Folder) -> None:
    assert ask(folder, "select count(*) from records") == [(8,)]
    assert ask(folder, "select url, visit, request_id, length from pages order by url, request_id") == [
        (f"{A}/", 2, None, 20), (f"{A}/b", 2, None, None), (f"{A}/form", 2, "aa", None), (f"{A}/form", 1, "bb", None),
        (f"{B}/c", 1, None, 1 << 40),
    ]  # fmt: skip


def test_links_errors_and_sites_are_those_of_the_last_visits(folder: Folder) -> None:
    assert ask(folder, "select source, target, source_site, target_site from links order by source, target") == [
        (f"{A}/", f"{B}/c", A, B), (f"{B}/c", f"{A}/", B, A),
    ]  # fmt: skip
    assert ask(folder, "select url, status, reason, site from errors") == [(f"{A}/form", 404, "status-4xx", A)]
    assert ask(folder, "select site, urls, fetched, failed, bytes, mean_ms from sites order by site") == [
        (A, 4, 3, 1, 20, 5.0), (B, 1, 1, 0, 1 << 40, None),
    ]  # fmt: skip


def test_the_document_names_every_column_of_every_table(folder: Folder) -> None:
    text = DOCUMENT.read_text()
    for table in TABLES:
        section = text.partition(f"\n### {table}\n")[2].partition("\n#")[0]
        assert section, table
        for name, *_ in ask(folder, f"describe {table}"):
            assert f"`{name}`" in section or (table in ("records", "pages") and name in TYPES), f"{table}.{name}"


REFUSED = [
    "copy (select 1) to '/tmp/crawld-evil.csv'",
    "copy records to '/tmp/crawld-evil.parquet' (format parquet)",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from glob('/etc/*')",
    "select * from '/etc/passwd'",
    "select * from read_csv('https://127.0.0.1:1/x.csv')",
    "install httpfs",
    "load httpfs",
    "attach '/tmp/crawld-evil.db'",
    "export database '/tmp/crawld-evil'",
    "set memory_limit = '100GB'",
    "set enable_external_access = true",
    "pragma database_list",
    "create table x as select 1",
    "select 1; select 2",
    "",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_query_reads_the_tables_of_the_crawl_alone(folder: Folder, sql: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(folder, sql)
    assert "\n" not in str(caught.value)
    assert not list(Path("/tmp").glob("crawld-evil*"))


BY_ITSELF = ("copy", "select *", "install", "load", "attach", "export", "set ")
FORBIDDEN = [sql for sql in REFUSED if sql.startswith(BY_ITSELF)]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_database_itself_is_closed_whatever_the_statement_is(folder: Folder, tmp_path: Path, sql: str) -> None:
    path = str(folder.path / "pages.jsonl")
    with open_database(tmp_path, "a test") as database:
        make_views(database, path, None, 1 << 20)
        database.close_files([path])
        database.run("select count(*) from pages")
        with pytest.raises(SqlError):
            database.run(sql)


def test_a_variable_of_the_program_is_no_table(folder: Folder) -> None:
    secrets = {"key": [1, 2]}
    with pytest.raises(ConfigError, match="no table 'secrets'"):
        ask(folder, "select * from secrets")
    assert secrets


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select statu from pages", "no column 'statu' in this query; did you mean status?"),
        ("select p.titel from pages as p", "no column 'titel' in this query; did you mean title?"),
        ("select 1 from page", "no table 'page'; did you mean pages?"),
        ("select 1 from xyzzy", "no table 'xyzzy'; there are records, pages, links, errors, sites"),
        ("select timings.tfb from pages", "no part 'tfb' in this field; did you mean ttfb?"),
        ("select strle(url) from pages", "no function 'strle'; did you mean strlen?"),
        ("selec 1", 'the query: syntax error at or near "selec"'),
        ("select url + 1 from pages", "the query: "),
        ("drop view pages", "this is DROP, and a crawl can only be asked: `select ...`"),
    ],
)
def test_an_error_is_one_line_with_the_nearest_right_word(folder: Folder, sql: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(folder, sql)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_an_answer_is_written_in_each_format(folder: Folder, tmp_path: Path) -> None:
    sql = "select title, length, fetched_at, data, url, url, 1.5::decimal(3,1) as d from records where depth is null"
    sql += " order by visit, url desc limit 3"
    for name in ("csv", "json", "jsonl", "parquet"):
        export_query(folder, sql, name, tmp_path / f"a.{name}")
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))
    moment = "2026-11-01T12:00:00.123Z"
    assert rows[0] == ["title", "length", "fetched_at", "data", "url", "url", "d"]
    assert rows[3] == ["", "", moment, "", f"{A}/form", f"{A}/form", "1.5"]
    objects = json.loads((tmp_path / "a.json").read_text())
    assert objects[0] == {
        "title": None, "length": 1 << 40, "fetched_at": moment, "data": None,
        "url": f"{B}/c", "url_2": f"{B}/c", "d": 1.5,
    }  # fmt: skip
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == objects
    read = duckdb.sql(f"select length from '{tmp_path}/a.parquet'").fetchall()
    assert read == [(1 << 40,), (None,), (None,)]


def test_csv_holds_no_formula_and_nothing_that_acts_on_a_terminal(folder: Folder, tmp_path: Path) -> None:
    export_query(
        folder, "select title, data from records where title is not null order by visit", "csv", tmp_path / "a"
    )
    assert (tmp_path / "a").read_text().splitlines() == ["title,data", '\'=1+1,"{""n"":5}"', "new \\x1b[31m,"]


def test_an_answer_without_rows_is_a_file_without_rows(folder: Folder, tmp_path: Path) -> None:
    for name, text in {"csv": "url\n", "json": "[]\n", "jsonl": ""}.items():
        export_query(folder, "select url from pages where false", name, tmp_path / name)
        assert (tmp_path / name).read_text().replace("\r", "") == text


def test_a_query_that_fails_half_way_leaves_the_file_that_was_there(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("before")
    with pytest.raises(ConfigError, match="the query: "):
        export_query(
            folder, "select (case when visit = 2 then 'x' else '1' end)::int from records", "csv", tmp_path / "a.csv"
        )
    assert (tmp_path / "a.csv").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"a.crawl", "a.csv"}
    with pytest.raises(ConfigError, match="'jsn' is no format of an answer; did you mean json"):
        export_query(folder, "select 1", "jsn", None)


def test_without_duckdb_one_line_says_what_to_install(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigError, match=r"^crawl sql needs DuckDB: pip install 'crawld\[analytics\]'$"):
        ask(folder, "select 1")
