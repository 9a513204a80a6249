"""The commands that are measured, and how each one's output is read: the only place that knows either."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.site import Site

PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)
"""The interpreter all contestants run on: a comparison between two builds of Python measures the builds."""

OURS = (
    *("--delay", "0", "--per-site", "64", "--concurrency", "256", "-q"),
    *("--set", 'fetch.allow_networks=["127.0.0.0/8"]'),
)
"""As shipped, save for what a contest on loopback must lift: politeness and the address guard."""

Records = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A crawler as a command line."""

    name: str
    command: Callable[[Site, Path], list[str]]
    """What to run for a site, keeping everything in the given empty folder."""
    records: Callable[[Path], Records]
    """URL and title of each page it brought home."""


def crawld(*extra: str) -> Contestant:
    """Ours: the installed `crawl` command beside the chosen interpreter."""
    command = str(Path(PYTHON).with_name("crawl"))
    return Contestant(
        "crawld",
        lambda site, folder: [command, site.url, "-o", str(folder / "crawl"), *OURS, *extra],
        lambda folder: _read(folder / "crawl" / "pages.jsonl"),
    )


def scrapy(variant: str) -> Contestant:
    """Scrapy in one of the variants of `peers/scrapy_spider.py`."""
    command = [PYTHON, "-m", "benchmarks.peers.scrapy_spider", variant]
    return Contestant(
        f"Scrapy, {variant}",
        lambda site, folder: [*command, site.url, str(folder / "pages.jsonl")],
        lambda folder: _read(folder / "pages.jsonl"),
    )


def _read(path: Path) -> Records:
    """A record without a disposition is a page; one with must say `fetched`."""
    with path.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("disposition", "fetched") == "fetched":
                yield record["url"].partition("#")[0], (record["title"] or "").strip()
