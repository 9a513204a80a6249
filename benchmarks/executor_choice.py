"""Whether `offload.executor = "auto"` costs more than the best fixed choice, by size of page: `executor_choice`."""

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import uvloop

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import prose
from benchmarks.site import Speaker, answer

SIZES = (1_000, 8_000, 40_000, 240_000)
CHOICES = ("process", "inline", "thread", "auto")
PAGES = {1_000: 6_000, 8_000: 5_000, 40_000: 3_000, 240_000: 800}
PAGES_AT_REST = 1_200
BYTES_A_LINK = 110
MOST_LINKS = 200
NEAR = 1.05
"""A choice is as good as the best one up to this factor."""
LATE_MS, MUCH_LATER = 20.0, 2.0
"""A choice whose loop is later than this at the 99th percentile, and much later than with processes, is none."""
PACES: Mapping[str, Mapping[str, object]] = {
    "at full speed": {"per_site": 64, "concurrency": 256},
    "at rest": {"per_site": 1, "delay_s": 0.005},
}
"""A crawl that does all it can, and one that mostly waits, as most do.

At rest the CPU time of the whole tree counts; at full speed that of the busiest core, which limits the crawl.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a crawl runs: so many cores, and so many workers."""

    cores: int
    workers: int
    pace: str = "at full speed"

    def __str__(self) -> str:
        cores, workers = (f"{count} {noun}{'s' * (count > 1)}" for count, noun in self._parts())
        return f"{cores}, {workers}, {self.pace}"

    def _parts(self) -> tuple[tuple[int, str], tuple[int, str]]:
        return (self.cores, "core"), (self.workers, "worker")


PLACES = tuple(Place(*count, pace) for pace in PACES for count in ((1, 1), (2, 1), (2, 2)))


@dataclass(frozen=True, slots=True)
class Cost:
    """What one crawl cost, start-up apart."""

    cpu_ms: float
    """CPU time of the whole tree in ms a page."""
    main_ms: float
    """The same of the process with the event loop."""
    pages_per_s: float
    late_ms: float
    """The delay that 99 of 100 turns of the loop stay below."""

    def counts_ms(self, place: Place) -> float:
        """Returns the CPU time that counts at this pace."""
        return max(self.main_ms, self.cpu_ms / place.cores) if place.pace == "at full speed" else self.cpu_ms


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    if given.serve:
        uvloop.run(_serve(given.serve))
        return 0
    print(describe(PYTHON))
    cores = len(os.sched_getaffinity(0))
    is_met = True
    print(_HEAD)
    for place in [one for one in PLACES if one.cores <= cores and given.only in str(one)]:
        for size in given.sizes:
            found = _compare(size, place, given)
            _print(size, place, found)
            is_met = is_met and _is_near(found, place)
    return 0 if is_met else 1


def _compare(size: int, place: Place, given: argparse.Namespace) -> dict[str, Cost]:
    costs: dict[str, list[Cost]] = {choice: [] for choice in given.choices}
    with _serving(size) as url, _on_cores(place.cores):
        _bare_cpu_s.cache_clear()
        for _, choice in product(range(given.rounds), given.choices):
            costs[choice].append(_measure(url, choice, place))
    return {choice: _median(several) for choice, several in costs.items()}


def _measure(url: str, choice: str, place: Place) -> Cost:
    settings = {**PACES[place.pace], "offload": {"executor": choice, "workers": place.workers}}
    if place.pace == "at rest":
        settings["limit"] = PAGES_AT_REST
    report, cost = crawl([url], settings)
    cpu_s = cost.cpu_s - _bare_cpu_s(url, choice, place.workers)
    main_ms = report.threads_cpu_s / report.pages * 1000
    return Cost(cpu_s / report.pages * 1000, main_ms, report.pages / report.run_s, report.late_ms["p99"])


@cache
def _bare_cpu_s(url: str, choice: str, workers: int) -> float:
    """Returns the CPU time of a crawl of one page: start-up."""
    settings = {"limit": 1, "offload": {"executor": choice, "workers": workers}}
    return min(crawl([url], settings, watch=False)[1].cpu_s for _ in range(2))


def _median(several: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(one, name) for one in several) for name in Cost.__slots__))


def _is_near(found: dict[str, Cost], place: Place) -> bool:
    """Whether `auto` is as good as the best fixed choice that leaves the loop free."""
    return "auto" not in found or found["auto"].counts_ms(place) <= _best(found, place) * NEAR


def _best(found: dict[str, Cost], place: Place) -> float:
    """Returns the CPU time of the best fixed choice that leaves the loop free."""
    bearable = max(LATE_MS, found["process"].late_ms * MUCH_LATER) if "process" in found else LATE_MS
    fixed = [cost for choice, cost in found.items() if choice != "auto"]
    return min(cost.counts_ms(place) for cost in fixed if cost.late_ms <= bearable or len(fixed) == 1)


_HEAD = """
| page | where | executor | CPU ms a page | of the loop's process | pages/s | loop late, p99, ms | to the best |
|---|---|---|---|---|---|---|---|"""


def _print(size: int, place: Place, found: dict[str, Cost]) -> None:
    best = _best(found, place)
    for choice, cost in found.items():
        row = f"| {size / 1000:g} kB | {place} | {choice} | {cost.cpu_ms:.2f} | {cost.main_ms:.2f}"
        ratio = cost.counts_ms(place) / best
        print(f"{row} | {cost.pages_per_s:,.0f} | {cost.late_ms:.1f} | {ratio:.2f} |", flush=True)


# -- the pages -------------------------------------------------------------------------------------------------------


def make_pages(size: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields target and body of pages of about `size` bytes, all of which are found from `/0`."""
    rng = random.Random(size)
    texts = [prose(rng, size) for _ in range(16)]
    links = min(MOST_LINKS, max(6, size * 2 // 5 // BYTES_A_LINK))
    for number in range(count):
        following = [number * 4 + step for step in range(1, 5) if number * 4 + step < count]
        others = [rng.randrange(count) for _ in range(links - len(following))]
        anchors = "".join(
            f'<li><a class="ref" href="/{one}" title="more on this">what page {one} says</a></li>\n'
            for one in [*following, *others]
        )
        head = f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Page {number}</title></head><body>"
        room = max(0, size - len(head) - len(anchors) - 30)
        text = texts[number % 16]
        end = text.rfind(" ", 0, room) if room else 0
        yield f"/{number}".encode(), f"{head}<h1>Page {number}</h1>{text[:end]}<ul>{anchors}</ul>".encode()


async def _serve(size: int) -> None:
    missing = {b"/robots.txt": answer(b"", "text/plain")}
    answers = {target: answer(body) for target, body in make_pages(size, PAGES.get(size, 2_000))}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Speaker({"127.0.0.1": {**missing, **answers}}), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def _serving(size: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.executor_choice", "--serve", str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@contextlib.contextmanager
def _on_cores(count: int) -> Iterator[None]:
    """Keeps this process, and those that it starts, on so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks executor_choice", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--choices", nargs="+", default=CHOICES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only places like this: 'at rest', '2 cores, 2 workers'")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
