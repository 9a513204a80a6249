"""What a crawl costs that knows many URLs: a page, memory, disk, opening it again, the first lease.

python -m benchmarks.known_urls [MOST]

Pages of 60 links that are all new, on 1,000 sites, go through the real frontier on disk, up to 1 M known URLs, or to
MOST. At each power of ten it is closed, and opened in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.frontier_cost import LINKS, TERMS, lease, on_disk, outcome
from crawler import urls
from crawler.frontier import open_sqlite
from crawler.model import Links, Request, Url

SITES, AT_ONCE, MOST = 1000, 64, 1_000_000
LEAST = 10_000
MEASURED_PAGES = 1500
"""The latest pages of a size, whose cost is told."""


class Web:
    """Pages whose links were never met before. It remembers none of them."""

    def __init__(self, key: bytes, known: int) -> None:
        self._key = key
        self._next = known

    def seeds(self) -> list[Request]:
        return [Request(Url(self._url())) for _ in range(2 * SITES)]

    def page(self) -> Links:
        texts = [self._url() for _ in range(LINKS)]
        prints = b"".join(urls.fingerprint(text, self._key).to_bytes(8, "little") for text in texts)
        return Links("\n".join(texts), prints)

    def _url(self) -> str:
        self._next += 1
        site = f"https://site-{self._next * 7919 % SITES}.example.org"
        return f"{site}/some/path/of/the/usual/length/page-{self._next}.html"


def main(most: int) -> None:
    print(_row("known URLs", "CPU ms", "RAM", "disk", "reopen", "(wall)", "RAM", "first lease"))
    print(_row("", "a page", "bytes", "bytes", "CPU s", "s", "MB", "CPU s"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path, size, known = Path(folder) / "frontier.sqlite", LEAST, 0
        while size <= most:
            grown = _in_process("grow", str(path), str(known), str(size))
            opened = _in_process("open", str(path))
            known = size
            disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / size
            costs = [grown["cpu_ms"], grown["ram_bytes"] / size, disk, opened["cpu_s"], opened["wall_s"]]
            told = [f"{cost:.2f}" for cost in [*costs, opened["ram_mb"], opened["lease_s"]]]
            print(_row(f"{size:,}", *told), flush=True)
            size *= 10


def _row(known: str, *cells: str) -> str:
    return f"{known:>12}" + "".join(f"{cell:>12}" for cell in cells)


def _in_process(*words: str) -> dict[str, float]:
    ran = subprocess.run([sys.executable, "-m", "benchmarks.known_urls", *words], check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


async def grow(path: Path, known: int, size: int) -> dict[str, float]:
    """Visits pages until so many URLs are known; returns CPU ms of a page (all threads), and memory that was added."""
    async with on_disk(path)() as frontier:
        web, before = Web(frontier.key, known), _memory()
        if not known:
            await frontier.add(web.seeds())
        cpu_s = time.process_time()
        made = spent = 0.0
        while frontier.counts().known < size:
            if frontier.counts().known >= size - MEASURED_PAGES * LINKS and not made:
                cpu_s, spent = time.process_time(), 0.0
                made = 1
            begun = time.thread_time()
            pages = [web.page() for _ in range(AT_ONCE)]
            spent += time.thread_time() - begun
            leases = await lease(frontier, AT_ONCE)
            await frontier.settle([outcome(one, links) for one, links in zip(leases, pages, strict=True)], {})
        pages_made = min(MEASURED_PAGES, size // LINKS)
        return {"cpu_ms": (time.process_time() - cpu_s - spent) / pages_made * 1000, "ram_bytes": _memory() - before}


async def open_again(path: Path) -> dict[str, float]:
    """Returns what opening costs, and the first lease."""
    before, cpu_s, begun = _memory(), time.process_time(), time.perf_counter()
    async with open_sqlite(path, TERMS, durability="process") as frontier:
        opened_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - begun
        ram_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 1e6
        cpu_s = time.process_time()
        await lease(frontier, AT_ONCE)
        return {"cpu_s": opened_s, "wall_s": wall_s, "ram_mb": ram_mb, "lease_s": time.process_time() - cpu_s}


def _memory() -> int:
    """Returns the memory that this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    if sys.argv[1:2] == ["grow"]:
        print(json.dumps(uvloop.run(grow(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))))
    elif sys.argv[1:2] == ["open"]:
        print(json.dumps(uvloop.run(open_again(Path(sys.argv[2])))))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else MOST)
