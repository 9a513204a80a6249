"""`crawl report` says what is wrong with a crawled site, in words, as a page, as JSON or as a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from crawler.testing import Served
from tests.layouts.test_layouts import contents

from .conftest import ALLOWED, Crawl


@pytest.fixture
async def folder(crawl: Crawl, tmp_path: Path, web: Served) -> Path:
    """The folder of an audit."""
    options = ("--preset", "audit", "--no-report", "--set", "max_attempts=1", *ALLOWED)
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", *options)).code == 0
    return tmp_path / "a.crawl"


async def test_the_same_findings_come_in_words_as_json_and_as_a_table(crawl: Crawl, folder: Path) -> None:
    before = contents(folder)
    told = await crawl("report", "a.crawl")
    assert (told.code, told.err) == (0, "")
    ran = await crawl("report", "a.crawl", "--json")
    findings = json.loads(ran.out)["findings"]
    codes = list(dict.fromkeys(one["code"] for one in findings))
    assert codes
    heads = [line.rpartition("(")[2][:-1] for line in told.out.splitlines() if line[:1] != " "]
    assert heads == codes
    assert (await crawl("report", "a.crawl", "-o", "all.csv")).code == 0
    rows = list(csv.DictReader(io.StringIO((folder.parent / "all.csv").read_text())))
    assert list(dict.fromkeys(row["code"] for row in rows)) == codes
    assert len(rows) == sum(max(1, len(one["pages"])) for one in findings)
    assert contents(folder) == before, "a report changes nothing in the folder"


async def test_a_page_is_written_whole(crawl: Crawl, folder: Path) -> None:
    ran = await crawl("report", "a.crawl", "-o", "page.html")
    page = (folder.parent / "page.html").read_text()
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("page.html: ")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")


CHECKS = """
from crawler import Problem
def seen(record):
    return [Problem("seen", record["url"], "notice")]
def fails(record):
    raise KeyError("price")
"""


async def test_own_checks_are_called_and_one_that_fails_is_said(crawl: Crawl, folder: Path) -> None:
    (folder.parent / "own_checks.py").write_text(CHECKS)
    ran = await crawl("report", "a.crawl", "--json", "--check", "own_checks:seen", "--check", "own_checks:fails")
    findings = json.loads(ran.out)["findings"]
    assert any(one["code"] == "seen" for one in findings)
    [failed] = [one["detail"] for one in findings if one["code"] == "check-failed"]
    assert failed == "own_checks:fails: KeyError: 'price'"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-o", "page.pdf"), "-o page.pdf: name a file that ends with .html, .json or .csv"),
        (("--json", "-o", "x.html"), "--json goes to standard output"),
        (("--check", "nothing"), "--check nothing: name a module and a function, as in "),
        (("--check", "no_module_here:f"), "--check no_module_here:f: no_module_here cannot be imported: "),
        (("--check", "json:dump_it"), "--check json:dump_it: json has no function 'dump_it'"),
        (("--check", "json:dmps"), "did you mean dumps?"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    crawl: Crawl, folder: Path, given: tuple[str, ...], said: str
) -> None:
    ran = await crawl("report", "a.crawl", *given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_a_folder_that_is_none_is_said(crawl: Crawl, tmp_path: Path) -> None:
    ran = await crawl("report", "nowhere.crawl", "-o", "x.html")
    assert ran.code == 2
    assert "nowhere.crawl" in ran.err
    assert not (tmp_path / "x.html").exists()


async def test_where_nothing_can_be_written_nothing_is_left(crawl: Crawl, folder: Path) -> None:
    ran = await crawl("report", "a.crawl", "-o", "missing/x.html")
    assert ran.code == 2
    assert "missing" in ran.err
    assert not list(folder.parent.glob("*.new"))
