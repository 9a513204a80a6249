"""`crawl --warc`: an archive beside the records."""

from __future__ import annotations

import tomllib
from pathlib import Path

from crawler.testing import Served

from .conftest import ALLOWED, Crawl


async def test_an_archive_stands_beside_the_records_and_the_same_command_goes_on(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    command = (web.url("a.test"), "-o", "a.crawl", "--warc", "--links", *ALLOWED)
    for _ in range(2):
        ran = await crawl(*command)
        assert ran.code == 0
        assert "pages: a.crawl/pages.jsonl" in ran.err
        assert "archive: a.crawl/warc" in ran.err
        assert "cannot" not in ran.err
    kept = tomllib.loads((tmp_path / "a.crawl" / "crawl.toml").read_text())["sinks"]
    assert [(sink["kind"], sink.get("links", False)) for sink in kept] == [("jsonl", True), ("warc", False)]
    assert len([*(tmp_path / "a.crawl" / "warc").glob("*.warc.gz")]) == 1
