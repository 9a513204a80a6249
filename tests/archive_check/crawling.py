"""Crawls the site with the installed command, and exports what came."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import orjson

from crawler.testing import open_web
from crawler.warc.cdxj import Entry, read_line
from tests.archive_check.looks import take_picture
from tests.archive_check.site import CUT_BYTES, HOST, STYLED, Sent, make_web
from tests.archive_check.tools import Tools

CRAWL = str(Path(sys.executable).with_name("crawl"))
OPTIONS = (
    *("--preset", "archive", "--text", "--allow-network", "127.0.0.0/8", "--delay", "0", "--quiet"),
    *("--set", f"fetch.max_body_bytes={CUT_BYTES}", "--set", "fetch.oversized=keep"),
)


@dataclass(frozen=True, slots=True)
class Archived:
    """A crawl that is over, with its exports."""

    folder: Path
    tools: Tools
    sent: Sent
    origin: str
    """The site as it was served: `http://127.0.1.1:8000`."""
    captures: list[Entry] = field(default_factory=list)

    name: str = "site"

    @property
    def crawl(self) -> Path:
        return self.folder / f"{self.name}.crawl"

    @property
    def pictures(self) -> dict[float, Path]:
        """Pictures of a page as it was live, by pixels a point: `srcset` chooses by them."""
        return {scale: self.folder / f"live-{scale}.png" for scale in (1, 2)}

    @property
    def archives(self) -> list[Path]:
        return sorted((self.crawl / "warc").glob("*.warc.gz"))

    @property
    def index(self) -> Path:
        return self.folder / f"{self.name}.cdxj"

    @property
    def package(self) -> Path:
        return self.folder / f"{self.name}.wacz"

    def records(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in (self.crawl / "pages.jsonl").read_bytes().splitlines()]


async def crawl_site(folder: Path, tools: Tools) -> tuple[Archived, Archived]:
    """Crawls the site twice into `folder`, the second time without what the first archive holds."""
    sent, again = Sent(), Sent()
    async with open_web(make_web(sent)) as served:
        first = Archived(folder, tools, sent, served.url(HOST).rstrip("/"))
        port = int(first.origin.rpartition(":")[2])
        await _run(CRAWL, f"{first.origin}/", "-o", str(first.crawl), *OPTIONS)
        sent.is_noted = False
        for scale, path in first.pictures.items():
            await anyio.to_thread.run_sync(take_picture, first.origin + STYLED, path, scale)
    async with open_web(make_web(again), port=port):
        second = Archived(folder, tools, again, first.origin, name="again")
        await _run(CRAWL, f"{first.origin}/", "-o", str(second.crawl), *OPTIONS, "--dedupe-with", str(first.crawl))
    for one in (first, second):
        for path in (one.index, one.package):
            await _run(CRAWL, "export", str(one.crawl), "-o", str(path))
        one.captures.extend(map(read_line, one.index.read_bytes().splitlines()))
    return first, second


async def _run(*command: str) -> None:
    ran = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout.decode()}")
