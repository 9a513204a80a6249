"""What a page costs the frontier: time of the loop's thread, of the writer's thread, and bytes on disk.

python -m benchmarks.frontier_cost [pages]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np

from crawler import urls
from crawler.frontier import open_memory, open_sqlite
from crawler.frontier.fingerprints import Fingerprints
from crawler.frontier.terms import WITHOUT_RULES
from crawler.model import Disposition, Lease, Links, Outcome, Page, Request, Response, Url
from crawler.protocols import Frontier

LINKS = 60
IN_FLIGHT = 64
SITE = "https://example.org"

Opened = Callable[[], AbstractAsyncContextManager[Frontier]]

TERMS = replace(WITHOUT_RULES, per_site=IN_FLIGHT, per_ip=10**6, traps="park")


async def main(pages: int) -> None:
    print(f"{'':44}{'loop':>8}{'writer':>8}{'wall':>8}   ms a page")
    with tempfile.TemporaryDirectory() as folder:
        for name, new, sites in (
            ("one site, 60 links, 1 new", 1, 1),
            ("one site, 60 links, 60 new", LINKS, 1),
            ("1,000 sites, 60 links, 1 new", 1, 1000),
            ("1,000 sites, 60 links, 60 new", LINKS, 1000),
        ):
            await measure(
                f"memory: {name}",
                lambda: open_memory(TERMS),
                pages,
                new,
                sites,
            )
            path = Path(folder) / f"{new}-{sites}.sqlite"
            await measure(f"sqlite: {name}", on_disk(path), pages, new, sites)
            size = sum(file.stat().st_size for file in Path(folder).glob(f"{path.name}*"))
            await measure_opening(path, size)
        for is_busy in (False, True):
            await measure_latency(Path(folder) / f"busy-{is_busy}.sqlite", is_busy)
    measure_seen(10_000_000)


def on_disk(path: Path) -> Opened:
    return lambda: open_sqlite(path, TERMS, durability="process")


class Web:
    """Pages of 60 links, of which some lead to URLs not met before; the others to what was."""

    def __init__(self, key: bytes, new: int, sites: int) -> None:
        self._key = key
        self._new = new
        self._sites = sites
        self._made: list[tuple[str, bytes]] = []

    def seeds(self) -> list[Request]:
        """Enough that a crawl that finds one new link a page never runs dry."""
        return [Request(Url(self._next()[0])) for _ in range(max(self._sites, 4 * IN_FLIGHT))]

    def page(self) -> Links:
        known = self._made[-(LINKS - self._new) :] if self._new < LINKS else []
        found = [*known, *(self._next() for _ in range(self._new))]
        return Links("\n".join(text for text, _ in found), b"".join(packed for _, packed in found))

    def _next(self) -> tuple[str, bytes]:
        n = len(self._made)
        site = SITE if self._sites == 1 else f"https://site-{n * 7919 % self._sites}.example.org"
        text = f"{site}/some/path/of/the/usual/length/page-{n}.html"
        self._made.append((text, urls.fingerprint(text, self._key).to_bytes(8, "little")))
        return self._made[-1]


async def measure(name: str, opened: Opened, pages: int, new: int, sites: int) -> None:
    async with opened() as frontier:
        web = Web(frontier.key, new, sites)
        await frontier.add(web.seeds())
        batches = [list(islice_pages(web, IN_FLIGHT)) for _ in range(pages // IN_FLIGHT)]
        loop, writer, wall = time.thread_time(), writer_time(), time.perf_counter()
        spent = 0.0
        for batch in batches:
            leases = await lease(frontier, IN_FLIGHT)
            begun = time.thread_time()
            outcomes = [outcome(lease, links) for lease, links in zip(leases, batch, strict=True)]
            spent += time.thread_time() - begun  # a visit's cost, not ours
            await frontier.settle(outcomes, {"jsonl": {"pages.jsonl": 1}})
        costs = time.thread_time() - loop - spent, writer_time() - writer, time.perf_counter() - wall - spent
        print(f"{name:44}" + "".join(f"{1000 * cost / pages:8.3f}" for cost in costs))


def islice_pages(web: Web, number: int) -> Iterator[Links]:
    return (web.page() for _ in range(number))


async def lease(frontier: Frontier, number: int) -> Sequence[Lease]:
    leases: list[Lease] = []
    while len(leases) < number:
        leases += await frontier.lease(number - len(leases))
        if len(leases) < number:
            await frontier.wait()
    return leases


def outcome(lease: Lease, links: Links) -> Outcome:
    """A page unlike all others: were they alike, they would be taken for a trap."""
    digest = lease.token.to_bytes(32, "little")
    page = Page(digest, length=1000, kind="html", news=links, gist=hash(lease.request.url))
    response = Response(lease.request.url, 200, (), ip="192.0.2.1")
    return Outcome(lease, Disposition.FETCHED, response=response, page=page, ended=time.monotonic())


def writer_time() -> float:
    """CPU seconds of the frontier's thread, where there is one."""
    for thread in threading.enumerate():
        if thread.name.startswith("frontier") and thread.ident:
            return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return 0.0


async def measure_opening(path: Path, size: int) -> None:
    begun = time.perf_counter()
    async with on_disk(path)() as frontier:
        took, known = time.perf_counter() - begun, frontier.counts().known
    print(f"{'':8}{known:,} URLs, {size / known:.0f} bytes each, opened in {took:.2f} s")


async def measure_latency(path: Path, is_busy: bool) -> None:
    """How long a settle takes while the loop never comes to rest: the writer must get the GIL all the same."""
    async with on_disk(path)() as frontier:
        web, loop = Web(frontier.key, 20, 1), asyncio.get_running_loop()
        took: list[float] = []
        await frontier.add(web.seeds())

        def work() -> None:
            until = time.perf_counter() + 0.0005
            while time.perf_counter() < until:
                pass
            if is_busy and len(took) < 20:
                loop.call_soon(work)

        work()
        for _ in range(20):
            leases = await lease(frontier, IN_FLIGHT)
            outcomes = [outcome(lease, web.page()) for lease in leases]
            begun = time.perf_counter()
            await frontier.settle(outcomes, {})
            took.append(time.perf_counter() - begun)
        print(f"settle of {IN_FLIGHT} pages with 20 new links each, loop {'saturated' if is_busy else 'idle'}: "
              f"median {1000 * sorted(took)[10]:.1f} ms, slowest {1000 * max(took):.1f} ms")  # fmt: skip


def measure_seen(number: int) -> None:
    seen, numbers = Fingerprints(), np.random.default_rng(1)
    slowest = 0.0
    begun = time.perf_counter()
    for _ in range(number // 6000):
        keys = numbers.integers(1, 1 << 63, 6000, np.uint64) * np.uint64(2)
        at = time.perf_counter()
        seen.add_many(keys)
        slowest = max(slowest, time.perf_counter() - at)
    took = time.perf_counter() - begun
    print(f"seen-set: {len(seen):,} fingerprints, {1e6 * took / len(seen):.2f} us and {seen.nbytes / len(seen):.1f} "
          f"bytes each, slowest call of 6,000 {1000 * slowest:.1f} ms, "
          f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 6400))
