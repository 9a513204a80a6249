"""What a list was taken for is said, and `--column` says otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.testing import Served

from .conftest import ALLOWED, Crawl

pytestmark = pytest.mark.slow


async def test_what_a_list_was_taken_for_is_told_and_a_column_may_be_named(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    mine, other = web.url("a.test"), web.url("b.test")
    (tmp_path / "list.csv").write_text(f"name;old_url;homepage\none;{other};{mine}\ntwo;;nonsense\n")
    ran = await crawl("list.csv", "--depth", "0", *ALLOWED)
    line = "list.csv: column 3 'homepage', 1 URL, 1 line in bad-seeds.txt"
    assert (ran.code, ran.err.count(line)) == (0, 1)
    folder = tmp_path / "list.crawl"
    assert line in (folder / "crawl.log").read_text()
    assert (folder / "bad-seeds.txt").read_text() == "list.csv:3: neither a URL nor a host name: 'nonsense'\n"
    assert _urls(folder) == [mine]

    ran = await crawl("list.csv", "--column", "OLD_url", "-o", "old", "--depth", "0", *ALLOWED)
    assert "list.csv: column 2 'old_url', 1 URL, 1 row without one" in ran.err
    assert _urls(tmp_path / "old") == [other]
    ran = await crawl("list.csv", "--column", "4", "--dry-run", *ALLOWED)
    assert (ran.code, ran.out) == (2, "")
    assert "list.csv: no column '4'; its first line is 'name;old_url;homepage'" in ran.err


async def test_standard_input_is_told_too(tmp_path: Path, web: Served) -> None:
    import anyio

    from .conftest import CRAWL

    lines = f"{web.url('a.test')},NLD,City\n"
    command = [CRAWL, "-", "-o", "in", "--depth", "0", *ALLOWED]
    ran = await anyio.run_process(command, input=lines.encode(), cwd=tmp_path)
    assert "standard input: column 1, 1 URL" in ran.stderr.decode()
    assert _urls(tmp_path / "in") == [web.url("a.test")]


def _urls(folder: Path) -> list[str]:
    return [json.loads(line)["url"] for line in (folder / "pages.jsonl").read_text().splitlines()]
