"""What a crawl costs that knows many URLs: a page, memory, disk, opening it again, the first lease.

python -m benchmarks.known_urls [MOST]

Pages of 60 links that are all new, on 1,000 sites, go through the real frontier on disk, up to 1 M known URLs, or to
MOST. At each power of ten it is closed, and opened in a process of its own. At the end stands what grew.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a crawl that knows so many URLs."""

    known: int
    cpu_ms: float
    """CPU time of a page, all threads together."""
    ram_bytes: float
    """Memory of the frontier, whole."""
    disk_bytes: float
    """Its files, whole."""
    reopen_cpu_s: float
    reopen_wall_s: float
    reopen_mb: float
    """Most memory while it is opened again and lends for the first time."""
    first_lease_cpu_s: float

    def row(self) -> str:
        a_url = [self.ram_bytes / self.known, self.disk_bytes / self.known]
        costs = [self.cpu_ms, *a_url, self.reopen_cpu_s, self.reopen_wall_s, self.reopen_mb, self.first_lease_cpu_s]
        return _row(f"{self.known:,}", *(f"{cost:.2f}" for cost in costs))


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of the cost between two sizes."""

    cpu: float
    """How many times as much CPU a page takes."""
    ram_bytes: float
    """Memory of each further URL."""
    disk_bytes: float
    """Bytes on disk of each further URL."""

    def __str__(self) -> str:
        return (
            f"a page takes {self.cpu:.2f} times the CPU, a further URL {self.ram_bytes:.1f} bytes of memory and "
            f"{self.disk_bytes:.1f} bytes on disk"
        )


def main(most: int) -> None:
    costs = measure(most)
    print(f"from {costs[0].known:,} to {costs[-1].known:,} known URLs: {growth(costs)}")


def measure(most: int) -> list[Cost]:
    """Returns the cost at each power of ten, and prints a row for each."""
    print(_row("known URLs", "CPU ms", "RAM", "disk", "reopen", "(wall)", "RAM", "first lease"))
    print(_row("", "a page", "bytes", "bytes", "CPU s", "s", "MB", "CPU s"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path, size, costs = Path(folder) / "frontier.sqlite", LEAST, list[Cost]()
        while size <= most:
            known = costs[-1].known if costs else 0
            grown = _in_process("grow", str(path), str(known), str(size))
            opened = _in_process("open", str(path))
            disk = sum(file.stat().st_size for file in Path(folder).iterdir())
            reopened = opened["cpu_s"], opened["wall_s"], opened["ram_mb"], opened["lease_s"]
            costs.append(Cost(size, grown["cpu_ms"], grown["ram_bytes"], disk, *reopened))
            print(costs[-1].row(), flush=True)
            size *= 10
    return costs


def growth(costs: list[Cost]) -> Growth:
    """Returns what became of the cost from the first size to the last one; of memory and disk, at the last step.

    Small crawls keep all they know at hand, so only the last step shows what another URL costs a large one.
    """
    first, before, last = costs[0], costs[max(len(costs) - 2, 0)], costs[-1]
    more = max(last.known - before.known, 1)
    ram, disk = (last.ram_bytes - before.ram_bytes) / more, (last.disk_bytes - before.disk_bytes) / more
    return Growth(last.cpu_ms / first.cpu_ms, ram, disk)


def _row(known: str, *cells: str) -> str:
    return f"{known:>12}" + "".join(f"{cell:>12}" for cell in cells)


def _in_process(*words: str) -> dict[str, float]:
    ran = subprocess.run([sys.executable, "-m", "benchmarks.known_urls", *words], check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


async def grow(path: Path, known: int, size: int) -> dict[str, float]:
    """Visits pages until so many URLs are known; returns CPU ms of a page (all threads), and memory of the frontier."""
    before = _memory()
    async with on_disk(path)() as frontier:
        web = Web(frontier.key, known)
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
        ram_mb = (_most_memory() - before) / 1e6
        cpu_s = time.process_time()
        await lease(frontier, AT_ONCE)
        return {"cpu_s": opened_s, "wall_s": wall_s, "ram_mb": ram_mb, "lease_s": time.process_time() - cpu_s}


def _memory() -> int:
    """Returns the memory that this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _most_memory() -> int:
    """Returns the most memory that this process held. `ru_maxrss` would begin with that of the process before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["grow"]:
        print(json.dumps(uvloop.run(grow(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))))
    elif sys.argv[1:2] == ["open"]:
        print(json.dumps(uvloop.run(open_again(Path(sys.argv[2])))))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else MOST)
