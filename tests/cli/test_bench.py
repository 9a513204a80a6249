"""The command `crawl bench`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Crawl


@pytest.mark.slow
async def test_the_command_measures_the_stages_alone(crawl: Crawl, tmp_path: Path) -> None:
    done = await crawl("bench", "--seconds", "1", "--stages-only", "--workers", "1", "--json", "--html", "figures.html")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [*told["stages"]] == ["fetch", "fetch and parse", "a whole crawl"]
    assert told["work"] == {}
    assert told["cores"] == 1
    assert (tmp_path / "figures.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.slow
async def test_a_page_that_cannot_be_written_is_said(crawl: Crawl) -> None:
    done = await crawl("bench", "--seconds", "1", "--stages-only", "--html", "no/such/folder.html")
    assert done.code == 2
    assert "--html no/such/folder.html: No such file or directory" in done.err
