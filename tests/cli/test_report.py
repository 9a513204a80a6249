"""`crawl --report`: the whole report below the summary; the preset audit asks for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crawler.testing import Served

from .conftest import ALLOWED, Crawl


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [(("--preset", "audit"), True), (("--report",), True), (("--preset", "audit", "--no-report"), False), ((), False)],
    ids=["audit", "report", "audit without", "neither"],
)
async def test_an_audit_ends_with_its_report(
    crawl: Crawl, tmp_path: Path, web: Served, asked: tuple[str, ...], is_told: bool
) -> None:
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", *asked, *ALLOWED)
    assert ran.code == 0
    assert ("RECORDS" in ran.err) is is_told
    assert bool(re.search(r"^ +3  fetched$", ran.err, re.MULTILINE)) is is_told


async def test_a_quiet_crawl_says_no_report(crawl: Crawl, web: Served) -> None:
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", "--preset", "audit", "--quiet", *ALLOWED)
    assert (ran.code, ran.err) == (0, "")
