"""`crawl sql` answers in a table that fits the terminal, or in a format for programs."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from cli.table import measure, table_lines
from crawler import Answer
from crawler.testing import Served

from .conftest import ALLOWED, CRAWL, Crawl

pytest.importorskip("duckdb", reason="the extra `analytics` is not installed")


def lines(columns: dict[str, str], rows: list[tuple[object, ...]], width: int) -> list[str]:
    return list(table_lines(Answer(tuple(columns), tuple(columns.values()), iter(rows)), width))


def test_a_table_aligns_numbers_to_the_right_and_escapes_what_acts_on_a_terminal() -> None:
    columns = {"url": "VARCHAR", "n": "BIGINT", "s": "STRUCT(a INTEGER)", "l": "INTEGER[]"}
    assert lines(columns, [("a\x1b[31m", 5, {"a": 1}, [1]), (None, 12345, None, None)], 0) == [
        "url            n  s        l",
        "---------  -----  -------  ----",
        r'a\x1b[31m      5  {"a":1}  [1]',
        "NULL       12345  NULL     NULL",
    ]


@pytest.mark.parametrize("width", [20, 37, 79, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows: list[tuple[object, ...]] = [("x" * 300, "日本語" * 50, 7, "short"), ("é\u0301" * 99, "y", 10**12, None)]
    for line in lines(
        {"a": "VARCHAR", "a long name of a column": "VARCHAR", "n": "BIGINT", "d": "VARCHAR"}, rows, width
    ):
        assert measure(line) <= width
    for line in lines({f"column_{n}": "VARCHAR" for n in range(40)}, [("value " * 20,) * 40], width):
        assert measure(line) <= width


def test_columns_that_do_not_fit_stand_below_each_other() -> None:
    assert lines({f"c{n}": "VARCHAR" for n in range(9)}, [("abcdefghij", *"12345678")], 20)[:3] == [
        "row 1", "c0  abcdefghij", "c1  1",
    ]  # fmt: skip


@pytest.fixture
async def folder(crawl: Crawl, tmp_path: Path, web: Served) -> Path:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", "--links", *ALLOWED)).code == 0
    return tmp_path / "a.crawl"


@pytest.mark.slow
async def test_a_crawl_answers_on_the_command_line(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    with (folder / "pages.jsonl").open("ab") as file:  # a crawl that runs may have written this
        file.write(b'{"v":1,"url":"http://unsettled.test/","disposition":"failed"}\n{"v":1')
    ran = await crawl("sql", "a.crawl", "select disposition, count(*) as urls from pages group by all order by all")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split()[4:] == ["failed", "1", "fetched", "3", "redirected", "1"]
    ran = await crawl("sql", "a.crawl", "-", "-f", "jsonl", stdin="from links where target like '%broken'")
    assert (ran.code, ran.out.count("\n"), "/broken" in ran.out) == (0, 1, True)
    ran = await crawl("sql", "a.crawl", "select 1 as one", "-o", "one.csv")
    assert (ran.code, (tmp_path / "one.csv").read_text()) == (0, "one\n1\n")
    ran = await crawl("sql", "a.crawl", "select urll from pages")
    assert (ran.code, ran.out, ran.err) == (2, "", "crawl: no column 'urll' in this query; did you mean url?\n")
    ran = await crawl("sql", "a.crawl", "select 1", "-f", "xlsx")
    assert (ran.code, ran.err) == (
        2, "crawl: --format: 'xlsx' is no format of an answer; there are csv, json, jsonl, parquet\n",
    )  # fmt: skip


@pytest.mark.slow
async def test_a_crawl_without_links_says_so(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", *ALLOWED)).code == 0
    ran = await crawl("sql", "a.crawl", "select count(*) as n from links", "-f", "csv")
    assert (ran.code, ran.out) == (0, "n\r\n0\r\n")
    assert ran.err == "this crawl kept no links, so `links` is empty: crawl with --links\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc for the moment to press Ctrl-C")
async def test_ctrl_c_ends_a_query(folder: Path, tmp_path: Path) -> None:
    endless = "select count(*) from range(100000000000) a, range(1000) b where hash(a.range, b.range) = 1"
    with subprocess.Popen([CRAWL, "sql", "a.crawl", endless], cwd=tmp_path, stderr=subprocess.PIPE) as process:  # noqa: ASYNC220
        try:
            while not any("duckdb" in line for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines()):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, b"crawl: interrupted\n")
