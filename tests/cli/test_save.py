"""`crawl --save`: bodies as files beside the records."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from crawler.testing import Served

from .conftest import ALLOWED, Crawl


async def test_bodies_stand_beside_the_records_and_the_same_command_goes_on(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    command = (web.url("a.test"), "-o", "a.crawl", "--save", "html,pdf", "--save", "images", "--warc", *ALLOWED)
    for _ in range(2):
        ran = await crawl(*command)
        assert ran.code == 0
        assert "pages: a.crawl/pages.jsonl" in ran.err
        assert "files: a.crawl/files" in ran.err
        assert "cannot" not in ran.err
    kept = tomllib.loads((tmp_path / "a.crawl" / "crawl.toml").read_text())["sinks"]
    assert [(sink["kind"], sink.get("types", [])) for sink in kept] == [
        ("jsonl", []), ("warc", []), ("files", ["html", "pdf", "images"]),
    ]  # fmt: skip
    listed = [json.loads(line) for line in (tmp_path / "a.crawl/files/files.jsonl").read_text().splitlines()]
    assert sorted(one["url"] for one in listed) == sorted(web.url("a.test", path) for path in ("/", "/1", "/2"))
    for one in listed:
        assert (tmp_path / "a.crawl/files" / one["file"]).stat().st_size == one["bytes"]


async def test_a_type_that_is_none_is_told(crawl: Crawl, web: Served) -> None:
    ran = await crawl(web.url("a.test"), "--save", "html,films", *ALLOWED)
    assert ran.code == 2
    assert "'films' is none of html, pdf, images, all" in " ".join(ran.err.replace("│", " ").split())
