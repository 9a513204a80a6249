"""The real scheduler and frontier on a virtual clock: a million hosts, and no promise broken: `scheduler`.

Hosts of power-law size, dead, slow and endless ones, shared addresses, Crawl-delay and Retry-After: `simulated_web`
says which. The terms are the default ones; the frontier is on disk, or in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import virtual_time
from benchmarks.contestants import PYTHON
from benchmarks.frontier_cost import writer_time
from benchmarks.machine import describe
from benchmarks.simulated_web import Account, Kind, SimulatedWeb
from crawler import Config
from crawler.assembly import parts
from crawler.frontier import Clock, Terms, open_memory, open_sqlite
from crawler.model import Disposition, Lease, Outcome
from crawler.protocols import Frontier

PLACES, LENT, SETTLED = 10_000, 256, 64
GOAL_US = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run showed. CPU times are those of the loop's thread."""

    account: Account
    seeds_us: float
    """CPU time of a seed."""
    lend_us: float
    """CPU time that lending takes for each visit: `lease` and `wait`."""
    settle_us: float
    """CPU time of `settle` for each visit, its links included."""
    writer_us: float
    """CPU time of the thread that writes, for each visit."""
    virtual_s: float
    wall_s: float
    ended: str
    parked: int
    sites: int

    @property
    def breaches(self) -> int:
        return self.account.breaches.total()


class Crawl:
    """Feeder, visitors and recorder in one, as small as they can be."""

    def __init__(self, frontier: Frontier, web: SimulatedWeb, most: int) -> None:
        self._frontier = frontier
        self._web = web
        self._left = most
        self._loop = virtual_time.current()
        self._under_way = 0
        self._done: list[Outcome] = []
        self._enough = asyncio.Event()
        self.lend_s = self.settle_s = 0.0

    async def run(self) -> str:
        """Returns how it ended: `exhausted`, or `enough` after so many visits."""
        while self._left > 0:
            lent = await self._lend()
            if self._done and (len(self._done) >= SETTLED or not lent):
                await self._settle()
            elif not lent and not await self._wait():
                return "exhausted"
        return "enough"

    async def _lend(self) -> int:
        room = min(LENT, PLACES - self._under_way - len(self._done))
        if room <= 0:
            return 0
        began = time.thread_time()
        with self._loop.awaiting_threads():
            leases = await self._frontier.lease(room)
        self.lend_s += time.thread_time() - began
        for lease in leases:
            self._begin(lease)
        return len(leases)

    def _begin(self, lease: Lease) -> None:
        self._under_way += 1
        if bar := self._frontier.bar(lease):
            self._web.account.barred += 1
            parked = Outcome(lease, Disposition.PARKED, bar.reason, bar.detail, pattern=bar.pattern)
            self._loop.call_soon(self._take, parked)
            return
        self._left -= 1
        answer_s = self._web.begin(lease, self._loop.time())
        self._loop.call_later(answer_s, lambda: self._take(self._web.end(lease, self._loop.time())))

    def _take(self, outcome: Outcome) -> None:
        self._under_way -= 1
        self._done.append(outcome)
        if len(self._done) >= SETTLED or not self._under_way:
            self._enough.set()

    async def _settle(self) -> None:
        batch, self._done = self._done, []
        began = time.thread_time()
        with self._loop.awaiting_threads():
            await self._frontier.settle(batch, {})
        self.settle_s += time.thread_time() - began

    async def _wait(self) -> bool:
        """Waits for a turn of some site, or for visits to end; returns whether there is anything left to do."""
        self._enough.clear()
        ended = asyncio.create_task(self._enough.wait())
        if self._under_way >= PLACES:
            return await ended
        turn = asyncio.create_task(self._frontier.wait())
        await asyncio.wait({ended, turn}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, turn):
            if not task.done():
                task.cancel()
        return not turn.done() or turn.cancelled() or turn.result() or bool(self._under_way or self._done)


async def measure(hosts: int, most: int, folder: Path | None, seed: int = 7, *, terms: Terms | None = None) -> Report:
    """Crawls a web of so many hosts until it is exhausted, or after so many visits. Without a folder, in memory.

    The web holds the frontier to the default terms, whatever `terms` it is given.
    """
    loop = virtual_time.current()
    promised = parts.terms(Config())
    logging.getLogger("crawler").setLevel(logging.ERROR)  # each trap is told otherwise
    began = time.perf_counter()
    async with _open(terms or promised, Clock(loop.time, loop.wall), folder) as frontier:
        web = SimulatedWeb(hosts, frontier.key, delay_s=promised.rest_s, per_ip=promised.at_one_ip, seed=seed)
        seeds, since = web.seeds(), time.thread_time()
        with loop.awaiting_threads():
            await frontier.add(seeds)
        seeds_us = (time.thread_time() - since) / hosts * 1e6
        del seeds
        crawl, started, written_s = Crawl(frontier, web, most), loop.time(), writer_time()
        ended = await crawl.run()
        a_visit = 1e6 / max(web.account.visits, 1)
        counts = frontier.counts()
        return Report(
            web.account, seeds_us, crawl.lend_s * a_visit, crawl.settle_s * a_visit,
            (writer_time() - written_s) * a_visit,
            loop.time() - started, time.perf_counter() - began, ended, counts.parked, counts.sites,
        )  # fmt: skip


def _open(terms: Terms, clock: Clock, folder: Path | None) -> AbstractAsyncContextManager[Frontier]:
    if folder is None:
        return open_memory(terms, clock=clock)
    return open_sqlite(folder / "frontier.sqlite", terms, durability="process", clock=clock)


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = None if given.memory else Path(name)
        report = virtual_time.run(measure(given.hosts, given.visits, folder, given.seed))
    print_report(given.hosts, report)
    print(f"goals: no breach, a lease in {GOAL_US:g} us")
    return 0 if not report.breaches and report.lend_us < GOAL_US else 1


def print_report(hosts: int, report: Report) -> None:
    account = report.account
    kinds = ", ".join(f"{account.by_kind[kind]:,} {kind.name.lower()}" for kind in Kind)
    print(f"{hosts:,} hosts, {account.visits:,} visits ({kinds}), {account.barred:,} kept out of traps, {report.ended}")
    print(f"{report.virtual_s / 3600:.2f} virtual hours in {report.wall_s:.0f} s; {report.parked:,} URLs are parked")
    print(f"CPU of the loop: {report.lend_us:.1f} us to lend a visit, {report.settle_us:.1f} us to settle it with its ")
    print(f"links, {report.seeds_us:.1f} us a seed; of the writing thread: {report.writer_us:.1f} us a visit")
    print(f"breaches of politeness: {report.breaches}" + "".join(f"; {n} {why}" for why, n in account.breaches.items()))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scheduler", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1_000_000)
    parser.add_argument("--visits", type=int, default=2_000_000, help="it ends after so many")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="a frontier in memory instead of one on disk")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
