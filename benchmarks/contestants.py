"""The commands that are measured, and how each one's output is read: the only place that knows either."""

import html
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.pages import STYLE
from benchmarks.peers import SCRAPY
from benchmarks.site import Site

PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)
"""The interpreter that we run on. A comparison between two builds of Python measures the builds."""
PEERS = Path(os.environ.get("BENCH_PEERS", Path(sys.prefix) / "peers"))
"""The venvs of our peers, of the same interpreter as ours: `make bench` makes them."""

OURS = (
    *("--delay", "0", "--per-site", "64", "--concurrency", "256", "-q"),
    *("--set", 'fetch.allow_networks=["127.0.0.0/8"]'),
)
"""As shipped, save for what a contest on loopback must lift: politeness and the address guard."""

Records = Iterator[tuple[str, str]]
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A crawler as a command line."""

    name: str
    command: Callable[[Site, Path], list[str]]
    """Returns the command for a site, which keeps everything in the given empty folder."""
    records: Callable[[Site, Path], Records]
    """Yields URL and title of each page it brought home."""
    missing: str = ""
    """Why it cannot run here; empty if it can."""


def crawld(*extra: str, command: str = str(Path(PYTHON).with_name("crawl")), name: str = "crawld") -> Contestant:
    """Returns us: the installed `crawl` command beside the chosen interpreter, or that of another version."""

    def order(site: Site, folder: Path) -> list[str]:
        reach = ("--reach", "any") if site.plan.hosts > 1 else ()
        secure = (
            ("--set", f'fetch.name_servers=["{site.name_server}"]', "--set", f"fetch.ca_file={site.authority}")
            if site.name_server
            else ()
        )
        return [command, site.url, "-o", str(folder / "crawl"), *OURS, *reach, *secure, *extra]

    return Contestant(name, order, lambda _, folder: _read(folder / "crawl" / "pages.jsonl"))


def bare() -> Contestant:
    """Returns the limit: exchanges, parsing and a set, and nothing else."""

    def order(site: Site, folder: Path) -> list[str]:
        secure = ("--name-server", site.name_server, "--ca", site.authority) if site.name_server else ()
        return [*_module("bare", "bare"), site.url, str(folder / "pages.jsonl"), "--within", site.within, *secure]

    return Contestant("bare", order, _read_lines, _lacks_venv("bare"))


def scrapy(variant: str) -> Contestant:
    """Returns Scrapy in one of the variants of `peers/scrapy_spider.py`."""

    def order(site: Site, folder: Path) -> list[str]:
        return [*_module("scrapy", "scrapy_spider"), variant, site.url, str(folder / "pages.jsonl"), *_hosts(site)]

    return Contestant(f"Scrapy, {variant}", order, _read_lines, _lacks_venv("scrapy"))


def crawlee() -> Contestant:
    def order(site: Site, folder: Path) -> list[str]:
        return [*_module("crawlee", "crawlee_crawler"), site.url, str(folder / "pages.json"), *_hosts(site)]

    return Contestant("crawlee-python", order, _read_array, _lacks_venv("crawlee"))


def requests() -> Contestant:
    def order(site: Site, folder: Path) -> list[str]:
        return [*_module("requests", "requests_threads"), site.url, str(folder / "pages.jsonl"), *_hosts(site)]

    return Contestant("requests + threads", order, _read_lines, _lacks_venv("requests"))


def wget2() -> Contestant:
    """Returns wget2, which keeps files: their titles are read here, and are no work of its own."""

    def order(site: Site, folder: Path) -> list[str]:
        span = ("--span-hosts",) if site.plan.hosts > 1 else ()
        fast = ("--max-threads=64", "--no-config", "-q", "--no-hsts")
        return ["wget2", "-r", "-l", "inf", *fast, *span, "-P", str(folder / "files"), site.url]

    missing = "" if shutil.which("wget2") else "there is no wget2 here (the package wget2 of Debian has it)"
    return Contestant("wget2", order, _read_files, missing)


PEERS_BY_NAME: Mapping[str, Callable[[], Contestant]] = {
    "bare": bare,
    **{variant: partial(scrapy, variant) for variant in SCRAPY},
    "crawlee": crawlee,
    "wget2": wget2,
    "requests": requests,
}


def _module(venv: str, module: str) -> list[str]:
    return [str(PEERS / venv / "bin" / "python"), "-m", f"benchmarks.peers.{module}"]


def _lacks_venv(name: str) -> str:
    return "" if (PEERS / name / ".ready").exists() else f"it is not installed (make {PEERS / name / '.ready'})"


def _hosts(site: Site) -> list[str]:
    return ["--all-hosts"] if site.plan.hosts > 1 else []


def _read_lines(_: Site, folder: Path) -> Records:
    return _read(folder / "pages.jsonl")


def _read(path: Path) -> Records:
    """A record without a disposition is a page; one with must say `fetched`."""
    with path.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("disposition", "fetched") == "fetched":
                yield record["url"].partition("#")[0], (record["title"] or "").strip()


def _read_array(_: Site, folder: Path) -> Records:
    for record in json.loads((folder / "pages.json").read_bytes()):
        yield record["url"].partition("#")[0], (record["title"] or "").strip()


def _read_files(site: Site, folder: Path) -> Records:
    root = folder / "files"
    for path in root.rglob("*"):
        if path.is_file() and path.name != "robots.txt" and not str(path).endswith(STYLE):
            host, _, name = str(path.relative_to(root)).partition("/")
            title = _TITLE.search(path.read_text())
            target = re.sub(r"(^|/)index\.html", r"\1", name)
            yield f"http://{host}:{site.plan.port}/{target}", html.unescape(title[1]).strip() if title else ""
