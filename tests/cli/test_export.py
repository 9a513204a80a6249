"""`crawl export` writes what is settled in a folder, and changes nothing in it."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from python_calamine import CalamineWorkbook

from crawler.testing import Served
from tests.layouts.test_layouts import contents

from .conftest import ALLOWED, CRAWL, Crawl


@pytest.fixture
async def folder(crawl: Crawl, tmp_path: Path, web: Served) -> Path:
    """The folder of a crawl with five records and a WARC file."""
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", "--warc", *ALLOWED)).code == 0
    return tmp_path / "a.crawl"


def _archive(folder: Path) -> Path:
    [path] = (folder / "warc").glob("*.warc.gz")
    return path


async def test_what_is_settled_is_exported_and_nothing_else(crawl: Crawl, folder: Path) -> None:
    settled = (folder / "pages.jsonl").read_text().splitlines()
    with (folder / "pages.jsonl").open("ab") as file:  # a crawl that runs may have written this
        file.write(b'{"v":1,"url":"http://unsettled.test/"}\n{"v":1')
    with _archive(folder).open("ab") as file:
        file.write(b"\x1f\x8b half a member")
    before = contents(folder)
    ran = await crawl("export", "a.crawl", "-f", "csv", "-o", "-", "--fields", "url,status,warc.offset")
    assert (ran.code, ran.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [(row["url"], row["status"]) for row in rows] == [
        (one["url"], str(one["status"])) for one in map(json.loads, settled)
    ]
    index = [json.loads(line.split(" ", 2)[2]) for line in (await _index(crawl)).splitlines()]
    assert {(one["url"], one["offset"]) for one in index} >= {(row["url"], row["warc.offset"]) for row in rows}
    assert contents(folder) == before


async def test_records_and_index_name_the_same_captures(crawl: Crawl, folder: Path) -> None:
    records = map(json.loads, (folder / "pages.jsonl").read_text().splitlines())
    told = {(one["url"], *map(str, one["warc"].values())) for one in records if "warc" in one}
    index = [json.loads(line.split(" ", 2)[2]) for line in (await _index(crawl)).splitlines()]
    found = {(one["url"], one["filename"], one["offset"], one["length"]) for one in index}
    assert len(told) == 5
    assert {url.rpartition("/")[2] for url, *_ in found - told} == {"robots.txt"}


async def test_the_format_is_that_of_the_file_and_the_file_that_of_the_format(
    crawl: Crawl, folder: Path, tmp_path: Path
) -> None:
    ran = await crawl("export", "a.crawl", "-f", "wacz")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("a.wacz: ")
    assert f"archive/{_archive(folder).name}" in zipfile.ZipFile(tmp_path / "a.wacz").namelist()
    again = await crawl("export", "a.crawl", "-f", "wacz")
    assert (again.code, again.err) == (
        2, "crawl: a.wacz is there already: -o a.wacz replaces it, -o OTHER leaves it\n",
    )  # fmt: skip
    assert (await crawl("export", "a.crawl", "-o", "a.wacz")).code == 0
    assert (await crawl("export", "a.crawl", "-o", "index.cdxj")).code == 0
    assert (tmp_path / "index.cdxj").read_text() == await _index(crawl)


async def test_an_offline_copy_is_a_new_folder(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    ran = await crawl("export", "a.crawl", "-f", "mirror")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("a.mirror: 4 files, ")
    assert ran.err.endswith("; open a.mirror/index.html\n")
    assert (tmp_path / "a.mirror/index.html").is_file()
    again = await crawl("export", "a.crawl", "-o", "a.mirror")
    assert (again.code, again.err) == (
        2, "crawl: a.mirror is there already: remove it, or name another folder\n",
    )  # fmt: skip
    default = await crawl("export", "a.crawl", "-f", "mirror")
    assert (default.code, default.err) == (2, "crawl: a.mirror is there already: remove it, or -o OTHER\n")
    piped = await crawl("export", "a.crawl", "-f", "mirror", "-o", "-")
    assert (piped.code, piped.err) == (
        2,
        "crawl: --out: the format mirror is a folder, and standard output is a file: name a folder\n",
    )


async def test_some_records_become_a_workbook_a_database_and_a_sitemap(
    crawl: Crawl, folder: Path, tmp_path: Path
) -> None:
    ran = await crawl("export", "a.crawl", "-o", "a.xlsx", "--where", "status = 200 and depth < 9", "--fields", "url")
    assert (ran.code, ran.out) == (0, "")
    rows = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python()
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    assert [row[0] for row in rows] == ["url", *[one["url"] for one in records if one["status"] == 200]]
    piped = await anyio.run_process([CRAWL, "export", str(folder), "-f", "sqlite", "-o", "-"])
    (tmp_path / "piped.sqlite").write_bytes(piped.stdout)
    with closing(sqlite3.connect(tmp_path / "piped.sqlite")) as database:
        assert database.execute("SELECT count(*), count(warc_offset) FROM pages").fetchall() == [(5, 5)]
    ran = await crawl("export", "a.crawl", "-f", "sitemap")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("a.sitemap: 1 file, ")
    assert ran.err.endswith("; open a.sitemap/sitemap.xml\n")


async def _index(crawl: Crawl) -> str:
    ran = await crawl("export", "a.crawl", "-f", "cdxj", "-o", "-")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


async def test_a_wacz_may_go_to_a_pipe(folder: Path) -> None:
    made = await anyio.run_process([CRAWL, "export", str(folder), "-f", "wacz", "-o", "-"])
    assert zipfile.ZipFile(io.BytesIO(made.stdout)).testzip() is None


WRONG = [
    (["a.crawl"], "--format: which one? "),
    (["a.crawl", "-o", "-"], "--format: which one? "),
    (["a.crawl", "-f", "cvs", "-o", "x"], "did you mean csv?"),
    (
        ["a.crawl", "-o", "x.csv", "--where", "statsu > 3"],
        "--where: column 1: no record has a field 'statsu'; did you mean",
    ),
    (["a.crawl", "-o", "x.csv", "--schema", "scrappy"], "'scrappy' is no schema; did you mean scrapy?"),
    (["a.crawl", "-f", "links", "-o", "x"], "a.crawl: its records hold no links; crawl with --links"),
    (["a.crawl", "-o", "x.csv", "--fields", "ulr"], "no record has a field 'ulr'; did you mean url?"),
    (["a.crawl", "-o", "gone/x.csv"], "gone is no folder"),
    (["nothing", "-o", "x.csv"], "nothing is no crawl folder"),
]


async def test_wrong_words_are_told_in_one_line_and_leave_nothing(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    for arguments, words in WRONG:
        ran = await crawl("export", *arguments)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert words in ran.err
        assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


async def test_no_space_is_one_line_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    for form in ("csv", "wacz", "xlsx", "sqlite"):
        command = [CRAWL, "export", str(folder), "-o", f"x.{form}"]
        ran = await anyio.to_thread.run_sync(
            lambda command=command: subprocess.run(  # type: ignore[misc]
                command,
                capture_output=True,
                cwd=tmp_path,
                check=False,
                text=True,
                preexec_fn=limit,
                env=dict(os.environ),
            )
        )
        assert (ran.returncode, ran.stdout) == (5, "")
        words = "disk I/O error" if form == "sqlite" else "no space left"  # as SQLite calls a file that may not grow
        assert ran.stderr == f"crawl: x.{form}: {words}, and nothing was kept\n"
        assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


async def test_a_damaged_archive_is_one_line_and_leaves_nothing(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    path = _archive(folder)
    data = bytearray(path.read_bytes())
    data[30:60] = bytes(30)  # in the first member, behind its header
    path.write_bytes(data)
    ran = await crawl("export", "a.crawl", "-f", "wacz")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert path.name in ran.err
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]
