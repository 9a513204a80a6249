"""`crawl check`: its exit code tells whether something new is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.testing import Served

from .conftest import ALLOWED, Crawl

FAST = (*ALLOWED, "--pause", "0s", "--repeat", "1", "--set", "executor=inline")


async def test_a_gate_fails_on_what_is_new_and_passes_what_the_baseline_knows(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    site = (web.url("a.test"), *FAST, "--severity", "error")
    ran = await crawl("check", *site, "--sarif", "s.sarif", "--junit", "j.xml")
    lines = ran.out.splitlines()
    assert ran.code == 6
    assert lines[0] == "error: broken-link, 1 new"
    assert lines[1] == f"  {web.url('a.test', '/broken')}  HTTP 404"
    assert lines[-1] == "failed: 1 new finding"
    assert json.loads((tmp_path / "s.sarif").read_text())["version"] == "2.1.0"
    assert 'failures="1"' in (tmp_path / "j.xml").read_text()
    made = await crawl("check", *site, "--baseline", "b.json", "--update-baseline", "-o", "kept.crawl")
    assert made.code == 0
    passed = await crawl("check", "--folder", "kept.crawl", "--baseline", "b.json")
    assert (passed.code, passed.out.splitlines()[-1]) == (0, "passed")
    assert " 0 new, " in passed.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "j.xml", "kept.crawl", "s.sarif"]


async def test_a_site_that_cannot_be_read_gets_no_verdict(crawl: Crawl) -> None:
    ran = await crawl("check", "http://127.0.0.1:9/", *FAST, "--set", "retry_delay_s=0")
    assert ran.code == 4
    assert "no page of the site could be read" in ran.err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "name the site to check"),
        (("a.test", "--folder", "x"), "name the site to check"),
        (("a.test", "--update-baseline"), "which one?"),
        (("a.test", "--baseline", "missing.json"), "no such file"),
        (("--folder", "x", "-o", "y"), "with --folder there is none"),
        (("a.test", "--check", "nonsense"), "name a module and a function"),
        (("--folder", "x"), "x is no crawl folder"),
    ],
)
async def test_bad_input_gets_one_line(crawl: Crawl, asked: tuple[str, ...], said: str) -> None:
    ran = await crawl("check", *asked)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
