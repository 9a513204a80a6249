"""The programs of docs/parsing.md are run, each against a shop on loopback."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import Page, Site, Web, html, open_web, plain

TEXT = (Path(__file__).parent.parent / "docs" / "parsing.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
LOOPBACK = 'max_depth=3, delay_s=0.0, workers=1, allow_networks=["127.0.0.0/8"]'


def page(body: str) -> Page:
    return plain(f"<!doctype html>{body}", "text/html")


SHOP = {
    "/": page("<title>Shop</title><h1>Our <i>shop</i></h1><a href=/list>all</a>"),
    "/list": page(
        "<title>List</title><a class=item href=item/1>1</a><a rel=next href=list2>next</a><a href=/ad>ad</a>"
    ),
    "/list2": page("<title>List 2</title><a class=item href=item/2>2</a><a href=/ad>ad</a>"),
    "/item/1": html("One", ["/ad"]),
    "/item/2": html("Two"),
    "/ad": html("Ad"),
}


async def run(code: str, folder: Path) -> list[str]:
    """Returns what a program printed."""
    async with open_web(Web([Site("shop.test", SHOP)])) as served:
        code = re.sub(r"max_depth=\d", LOOPBACK, code.replace("https://example.org/", served.seeds[0]))
        (folder / "program.py").write_text(code)
        with anyio.fail_after(60):
            ran = await anyio.run_process([sys.executable, "-W", "error", "program.py"], cwd=folder, check=False)
    assert (ran.returncode, ran.stderr.decode()) == (0, "")
    return ran.stdout.decode().splitlines()


@pytest.mark.slow
async def test_a_function_looks_at_tree_and_headers(tmp_path: Path) -> None:
    assert await run(PROGRAMS[0], tmp_path) == []
    lines = (tmp_path / "shop.crawl" / "pages.jsonl").read_text("utf-8").splitlines()
    data = {record["title"]: record["data"] for record in map(json.loads, lines)}
    assert (data["Shop"]["heading"], data["Shop"]["depth"]) == ("Our shop", 0)
    assert (data["Ad"]["heading"], data["Ad"]["depth"]) == ("Ad", 2)


@pytest.mark.slow
async def test_several_functions_follow_what_they_say_alone(tmp_path: Path) -> None:
    assert sorted(await run(PROGRAMS[1], tmp_path)) == ["One", "Two"]


@pytest.mark.slow
async def test_a_stream_gives_typed_data(tmp_path: Path) -> None:
    printed = await run(PROGRAMS[2], tmp_path)
    assert len(printed) == len(SHOP)
    assert re.fullmatch(r"Two \d+", next(line for line in printed if line.startswith("Two")))


@pytest.mark.long
@pytest.mark.slow
async def test_a_function_is_tested_in_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(PROGRAMS[3])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "."]
    with anyio.fail_after(60):
        ran = await anyio.run_process(command, cwd=tmp_path, check=False)
    assert b"1 passed" in ran.stdout, ran.stdout.decode()


def test_there_are_no_other_programs() -> None:
    assert len(PROGRAMS) == 4
