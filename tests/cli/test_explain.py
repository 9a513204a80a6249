"""`crawl explain` and `--dry-run`: what they say, and that they leave nothing behind."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import anyio
import pytest

from crawler.testing import Page, Served, Site, Web, html, open_web

from .conftest import ALLOWED, CRAWL, Crawl

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "explain.md"
LOCAL = ("--set", "allow_networks=127.0.0.0/8")


def documented(heading: str) -> list[str]:
    """The fields in the first column of a section's table."""
    section = DOCUMENT.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def fields(record: dict[str, object]) -> list[str]:
    """Full names, in order."""
    found = []
    for name, value in record.items():
        inner = [f"{name}.{leaf}" for leaf in value] if isinstance(value, dict) and name != "excluded" else []
        found += inner or [name]
    return found


async def test_a_url_is_explained_while_its_folder_is_being_crawled(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    command = [CRAWL, web.url("b.test"), "-o", "b.crawl", "-q", "--depth", "1", *ALLOWED]
    async with await anyio.open_process(command, cwd=tmp_path) as process:
        with anyio.fail_after(30):
            while len(web.hits) < 5:
                await anyio.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        ran = await crawl("explain", web.url("b.test", "/39?utm_source=x"), "--offline")
        asked = await crawl("explain", web.url("b.test"), "--json")
        process.send_signal(signal.SIGCONT)
        assert await process.wait() == 0
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("this crawl will fetch it, unless robots.txt forbids it\n")
    assert "without parameter utm_source=x" in ran.out
    assert f"found on {web.url('b.test')}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    record = json.loads(asked.out)
    assert (record["crawl"]["folder"], record["crawl"]["disposition"], record["crawl"]["via"]) == (
        "b.crawl", "fetched", [],
    )  # fmt: skip
    assert record["verdict"] == "fetch"
    assert fields(record) == documented("`crawl explain --json`")
    pages = (tmp_path / "b.crawl" / "pages.jsonl").read_text().splitlines()
    assert len(pages) == len(set(pages)) == 41, "the crawl took no harm"
    assert sorted({path.name for path in (tmp_path / "b.crawl").iterdir()} - {"bounds.timeline"}) == [
        "crawl.log", "crawl.toml", "frontier.sqlite", "lock", "pages.jsonl", "requests.audit", "robots.kept",
        "settings.history",
    ]  # fmt: skip


async def test_a_parked_url_is_told_with_the_command_that_fetches_it(crawl: Crawl, tmp_path: Path) -> None:
    def endless(target: str) -> Page:
        at = int(target.removeprefix("/t/"))
        return html("Without end", [f"/t/{n}" for n in range(at + 1, min(at + 6, 200))])

    async with open_web(Web([Site("c.test", {"/": html("C", ["/t/0"])}, traps={"/t/": endless})])) as served:
        seed, deep = served.url("c.test"), served.url("c.test", "/t/132")
        fast = [*ALLOWED, "--delay", "0", "--per-site", "4", "-q"]
        assert (await crawl(seed, *fast, "-o", "my c.crawl")).code == 0
        ran = await crawl("explain", deep, "--offline", "-o", "my c.crawl")
        pattern = served.url("c.test", "/t/#")
        assert ran.out.startswith("it is parked until you ask for it: trap\n")
        assert f"my c.crawl: parked under {pattern}\n" in ran.out
        assert re.search(r" 1 of 1\d\d pages of that pattern were new$", ran.out, re.MULTILINE)
        assert f"  crawl 'my c.crawl' --unpark '{pattern}'\n" in ran.out
        assert max(map(len, ran.out.splitlines())) <= 80
        told = json.loads((await crawl("explain", deep, "--offline", "--json", "-o", "my c.crawl")).out)
        assert (told["verdict"], told["reason"], told["trap"]["pattern"]) == ("exclude", "trap", pattern)
        assert [told["crawl"][name] for name in ("standing", "parked_under", "parked_for", "is_reread")] == [
            "parked", pattern, "trap", False,
        ]  # fmt: skip
        off = json.loads(
            (await crawl("explain", deep, "--offline", "--json", "-o", "my c.crawl", "--set", "traps=off")).out
        )
        assert (off["verdict"], off["crawl"]["standing"]) == ("unknown", "parked")
        words = ["my c.crawl", "--unpark", pattern, *fast]
        assert (await crawl(*words)).code == 0
        assert (await crawl("explain", deep, "--offline", "-o", "my c.crawl")).out.startswith(
            "this crawl is done with it"
        )


async def test_an_explanation_needs_no_folder_and_makes_none(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    ran = await crawl("explain", web.url("a.test", "/1"), *LOCAL, "--set", "exclude=/1")
    assert ran.code == 0
    assert "crawl would not fetch it: out-of-scope\n" in ran.out
    assert "matches exclude /1" in ran.out
    assert "allowed: no rule matches" in ran.out
    refused = await crawl("explain", web.url("a.test", "/1"))
    assert "blocked-address: 127.0.1.1: loopback" in refused.out
    for arguments, told in [(["what is this"], "neither a URL"), (["a.test", "-o", "gone"], "gone is no crawl folder")]:
        unusable = await crawl("explain", *arguments)
        assert (unusable.code, unusable.out) == (2, "")
        assert told in unusable.err
    assert list(tmp_path.iterdir()) == []


async def test_where_there_are_several_crawl_folders_it_says_that_none_was_asked(crawl: Crawl, web: Served) -> None:
    for name in ("one.crawl", "two.crawl"):
        await crawl(web.url("a.test"), "-o", name, "--depth", "0", *ALLOWED)
    ran = await crawl("explain", web.url("b.test", "/1"), "--offline", *LOCAL)
    assert ran.code == 0
    assert ran.err == "there are several crawl folders here; -o names the one to ask: one.crawl, two.crawl\n"
    asked = await crawl("explain", web.url("b.test", "/1"), "--offline", "-o", "two.crawl")
    assert asked.err == ""
    assert "two.crawl" in asked.out


async def test_a_dry_run_fetches_no_page_and_makes_no_folder(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    seeds = [
        web.url("a.test"),
        "what is\x1b[2Jthis",
        web.url("a.test", "/x.pdf"),
        "http://10.0.0.1/",
        web.url("a.test"),
    ]
    (tmp_path / "urls.txt").write_text("\n".join(seeds))
    ran = await crawl("urls.txt", "--dry-run", "--exclude", "*.pdf", *ALLOWED)
    assert (ran.code, ran.err) == (0, "")
    assert "dry run: 3 seeds, 2 sites, 1 repeated, 1 unusable line\n" in ran.out
    assert "\n  urls.txt: one URL a line, 4 URLs, 1 unusable line\n" in ran.out
    assert re.search(rf"^ +0 s  {web.url('a.test')}$", ran.out, re.MULTILINE)
    assert "out-of-scope, exclude *.pdf" in ran.out
    assert "blocked-address, 10.0.0.1: private" in ran.out
    assert r"urls.txt:2: neither a URL nor a host name" in ran.out
    assert "\x1b" not in ran.out

    told = await crawl("urls.txt", "--dry-run", "--json", "--exclude", "*.pdf", *ALLOWED)
    records = [json.loads(line) for line in told.out.splitlines()]
    assert [record["verdict"] for record in records] == ["list", "fetch", "exclude", "exclude", "unusable", "summary"]
    assert list(dict.fromkeys(name for record in records for name in fields(record))) == documented(
        "`--dry-run --json`"
    )
    assert {hit.url for hit in web.hits} == {web.url("a.test", "/robots.txt")}
    assert [path.name for path in tmp_path.iterdir()] == ["urls.txt"]


async def test_a_dry_run_of_what_cannot_be_fetched_says_so(crawl: Crawl, tmp_path: Path) -> None:
    ran = await crawl("http://10.0.0.1/", "--dry-run")
    assert ran.code == 4
    assert "nothing would be fetched" in ran.out
    assert (await crawl("gone.txt", "--dry-run")).code == 2
    assert list(tmp_path.iterdir()) == []
