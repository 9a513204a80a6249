"""Why a page is missing: the summary names the command to ask, and the command has the right answer for each case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, explain
from crawler.cli.explain import words
from crawler.cli.summary import summary_lines
from crawler.folder.folder import Folder, read_folder
from crawler.settings.loading import load
from crawler.testing import Page, Served, Site, Web, disallowing, error, html, open_web

from .conftest import Crawl

QUICK: dict[str, Any] = {
    "delay_s": 0, "per_site": 4, "allow_networks": ["127.0.0.0/8"], "workers": 1, "exclude": ["*/left-out"],
}  # fmt: skip


def _endless(target: str) -> Page:
    at = int(target.removeprefix("/t/"))
    return html("Without end", [f"/t/{n}" for n in range(at + 1, min(at + 6, 160))])


def _web() -> Web:
    paths = ["/1", "/private/x", "/broken", "/left-out", "http://far.test/", "/down", "/t/0"]
    pages = {
        "/": html("A", paths),
        "/1": html("One", ["/copy"]),
        "/copy": html("One", ["/copy"]),
        "/broken": error(404),
        "/down": error(503),
    }
    return Web([Site("a.test", pages, disallowing("/private/"), traps={"/t/": _endless})])


ANSWERS: dict[str, tuple[str, str]] = {
    "/1": ("this crawl is done with it: fetched", "fetched (HTTP 200)"),
    "/never": (
        "this crawl has not met it; it would fetch it, once a page links to it",
        "never queued it: no page that was read has a link to it that is followed",
    ),
    "/left-out": ("this crawl would not fetch it: out-of-scope", "never queued it: scope leaves it out"),
    "/private/x": ("this crawl is done with it: excluded, robots", "excluded, robots"),
    "/t/140": ("this crawl would not fetch it: trap", "never queued it: URLs of its pattern are parked"),
    "/t/132": ("it is parked until you ask for it: trap", "parked under"),
    "/copy": ("this crawl is done with it: duplicate of ", "same content as"),
    "/broken": ("this crawl is done with it: failed, status-4xx", "failed, status-4xx: HTTP 404"),
    "/down": ("this crawl will try it again: status-5xx", "waiting, status-5xx"),
}


async def test_each_missing_page_is_explained(tmp_path: Path) -> None:
    config = load(settings=QUICK | {"retry_delay_s": 3600})
    async with open_web(_web()) as served:
        async with crawler.open_crawl(config, folder=tmp_path / "w.crawl") as crawl:
            await _run_until_all_is_known(crawl, served)
        folder = read_folder(tmp_path / "w.crawl", config)
        for path, (headline, standing) in ANSWERS.items():
            said = await _explain(served.url("a.test", path), folder)
            assert said[0].startswith(headline), said
            assert standing in " ".join(" ".join(said).split()), (path, said)
        far = await _explain("http://far.test/", folder, is_offline=True)
        assert far[0] == "this crawl would not fetch it: out-of-scope"
        assert "outside: beyond the reach of every seed" in " ".join(far)


async def _explain(url: str, folder: Folder, *, is_offline: bool = False) -> list[str]:
    answer = await explain(url, folder.config, frontier=folder.frontier_path, is_offline=is_offline)
    told: list[str] = words(answer, folder)
    return told


async def _run_until_all_is_known(crawl: crawler.Crawl, served: Served) -> None:
    """Runs a crawl until nothing is left but the page that waits for another attempt, and stops it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(crawl.run, [served.url("a.test")])
        with anyio.fail_after(30):
            while (counts := crawl.snapshot().counts).retrying != counts.queued or not counts.queued or counts.leased:
                await anyio.sleep(0.02)
        assert counts.settled[Disposition.DUPLICATE] == 1
        crawl.stop()


def test_the_summary_names_the_command_to_ask() -> None:
    from .test_show import SUMMARY

    lines = summary_lines(SUMMARY, Folder(Path("my a.crawl"), load()), [])
    assert "  why a page is missing: crawl explain 'my a.crawl' URL" in lines


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["here.crawl"], "name the URL as well: crawl explain here.crawl URL"),
        (["nowhere", "http://a.test/"], "one URL at a time, and nowhere is no crawl folder"),
        (["here.crawl", "http://a.test/", "-o", "here.crawl"], "one crawl folder at a time"),
    ],
)
async def test_who_asks_in_another_way_is_told_how(
    crawl: Crawl, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "here.crawl").mkdir()
    (tmp_path / "here.crawl" / "crawl.toml").touch()
    ran = await crawl("explain", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
