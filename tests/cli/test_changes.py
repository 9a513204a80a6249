"""`crawl changes`: lines of JSON behind a cursor."""

from __future__ import annotations

import json
from pathlib import Path

from crawler.testing import Served

from .conftest import ALLOWED, Crawl


async def test_changes_come_once_and_behind_a_cursor(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    command = (web.url("a.test"), "-o", "a.crawl", "--revisit", "0s", *ALLOWED)
    assert (await crawl(*command)).code == 0
    ran = await crawl("changes", "a.crawl")
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert (ran.code, ran.err, {one["kind"] for one in told}) == (0, "", {"new"})
    assert len(told) == 3
    assert (await crawl(*command)).code == 0
    assert (await crawl("changes", "a.crawl", "--since", told[-1]["cursor"])).out == ""
    rest = await crawl("changes", "a.crawl", "--since", told[0]["cursor"], "--kind", "new")
    assert [json.loads(line) for line in rest.out.splitlines()] == told[1:]


async def test_bad_input_gets_one_line(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", *ALLOWED)).code == 0
    misspelt = await crawl("changes", "a.crawl", "--kind", "chnaged")
    assert (misspelt.code, misspelt.err) == (
        2,
        "crawl: --kind: 'chnaged' is no kind of change; did you mean changed?\n",
    )
    foreign = await crawl("changes", "a.crawl", "--since", "nonsense")
    assert (foreign.code, foreign.out, foreign.err.count("\n")) == (2, "", 1)
