"""`crawl export` writes what is settled in a folder, and changes nothing in it."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import zipfile
from pathlib import Path

import anyio
import pytest

from crawler.testing import Served
from tests.layouts.test_layouts import contents
from tests.warc.samples import answer, members, record

from .conftest import ALLOWED, CRAWL, Crawl

NAME = "crawld-20261101120000-00000-0123abcd.warc.gz"


@pytest.fixture
async def folder(crawl: Crawl, tmp_path: Path, web: Served) -> Path:
    """The folder of a crawl with five records, and a WARC file with one capture."""
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", "--warc", *ALLOWED)).code == 0
    path = tmp_path / "a.crawl"
    (path / "warc").mkdir()
    one = record("response", answer(b"hello"), web.url("a.test"))
    (path / "warc" / NAME).write_bytes(members([one]))
    return path


async def test_what_is_settled_is_exported_and_nothing_else(crawl: Crawl, folder: Path) -> None:
    with (folder / "pages.jsonl").open("ab") as file:  # a crawl that runs may have written this
        file.write(b'{"v":1,"url":"http://unsettled.test/"}\n{"v":1')
    before = contents(folder)
    ran = await crawl("export", "a.crawl", "-f", "csv", "-o", "-", "--fields", "url,status,timings.dns")
    assert (ran.code, ran.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    settled = (folder / "pages.jsonl").read_text().splitlines()[:5]
    assert [(row["url"], row["status"]) for row in rows] == [
        (one["url"], str(one["status"])) for one in map(json.loads, settled)
    ]
    assert contents(folder) == before


async def test_the_format_is_that_of_the_file_and_the_file_that_of_the_format(
    crawl: Crawl, folder: Path, tmp_path: Path
) -> None:
    ran = await crawl("export", "a.crawl", "-f", "wacz")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("a.wacz: ")
    assert f"archive/{NAME}" in zipfile.ZipFile(tmp_path / "a.wacz").namelist()
    again = await crawl("export", "a.crawl", "-f", "wacz")
    assert (again.code, again.err) == (
        2, "crawl: a.wacz is there already: -o a.wacz replaces it, -o OTHER leaves it\n",
    )  # fmt: skip
    assert (await crawl("export", "a.crawl", "-o", "a.wacz")).code == 0
    assert (await crawl("export", "a.crawl", "-o", "index.cdxj")).code == 0
    assert json.loads((tmp_path / "index.cdxj").read_text().split(" ", 2)[2])["filename"] == NAME


async def test_a_wacz_may_go_to_a_pipe(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    made = await anyio.run_process([CRAWL, "export", str(folder), "-f", "wacz", "-o", "-"])
    assert zipfile.ZipFile(io.BytesIO(made.stdout)).testzip() is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["a.crawl"], 2, "--format: which one? "),
        (["a.crawl", "-o", "-"], 2, "--format: which one? "),
        (["a.crawl", "-f", "cvs", "-o", "x"], 2, "did you mean csv?"),
        (["a.crawl", "-o", "x.csv", "--fields", "ulr"], 2, "no record has a field 'ulr'; did you mean url?"),
        (["a.crawl", "-o", "gone/x.csv"], 2, "gone is no folder"),
        (["nothing", "-o", "x.csv"], 2, "nothing is no crawl folder"),
    ],
)
async def test_wrong_words_are_told_in_one_line_and_leave_nothing(
    crawl: Crawl, folder: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    ran = await crawl("export", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert words in ran.err
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


async def test_no_space_is_one_line_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    for form in ("csv", "wacz"):
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
        assert ran.stderr == f"crawl: x.{form}: no space left, and nothing was kept\n"
        assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


async def test_a_damaged_archive_is_one_line_and_leaves_nothing(crawl: Crawl, folder: Path, tmp_path: Path) -> None:
    path = folder / "warc" / NAME
    path.write_bytes(path.read_bytes()[:-9])
    ran = await crawl("export", "a.crawl", "-f", "cdxj")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert NAME in ran.err
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]
