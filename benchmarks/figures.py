"""Our goals and how near we are, measured in one run on this machine: `make bench`.

It takes an hour with 10,000 pages, ten minutes with `--pages 2000 --rounds 1`; the slow sites, the known URLs and the
hosts grow and shrink with the pages. `--parts` names single ones.
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import known_urls, ledger, many_slow, modern, scheduler, start, tick, virtual_time
from benchmarks.contest import USUAL, Beside, choose, compare, hold, print_beside
from benchmarks.contestants import PYTHON, crawld
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

PAGES, SHORT, HOSTS, MODERN, MOST_SLOW, SLOW_S = 10_000, 2000, 100, 3000, 10_000, 25.0
PEERS = {"Scrapy, idiomatic": 15.0, "Scrapy, tuned": 8.0, "crawlee-python": 9.0, "wget2": 0.7}
"""How many times their pages a second we want."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, and how large or small it is to be."""

    key: str
    name: str
    least: float | None = None
    most: float | None = None

    def row(self, measured: float | None) -> str:
        wanted = f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"
        if measured is None:
            return f"| {self.name} | {wanted} | not measured | |"
        return f"| {self.name} | {wanted} | {measured:.4g} | {self.ratio(measured):.2f} |"

    def ratio(self, measured: float) -> float:
        """Returns how much of the goal is reached: 1 or more is all of it."""
        if self.least is not None:
            return measured / self.least
        assert self.most is not None
        if not self.most:
            return 0.0 if measured else 1.0
        return self.most / measured if measured else math.inf


GOALS = (
    *(Goal(f"speed_beside_{name}", f"pages/s, times those of {name}", least=least) for name, least in PEERS.items()),
    Goal(ledger.CPU_BESIDE_BARE, "CPU a page, times the bare crawler's", most=1.7),
    Goal("speed_short", f"pages/s at {SHORT:,} pages, start-up included, times those of Scrapy, idiomatic", least=12),
    Goal("loop_ms", "loop thread, CPU ms a page", most=0.22),
    Goal("late_ms", "loop late, p99, ms", most=8),
    Goal("modern", "TLS yardstick, pages per CPU second", least=250),
    Goal("slow_gb", "slow answers at once on one loop, as many as pages: memory, GB", most=1.2),
    Goal("slow_late_ms", "slow answers at once on one loop: loop late, p99, ms", most=50),
    Goal("known_cpu", "known URLs, from 10 k to the most: CPU a page, times", most=1.2),
    Goal("known_ram", "known URLs: memory of each further one, bytes", most=20),
    Goal("known_disk", "known URLs: disk of each further one, bytes", most=120),
    Goal("known_reopen_s", "known URLs, the most: opening again, CPU s", most=4),
    Goal("known_lease_s", "known URLs, the most: first lease after it, CPU s", most=0.5),
    Goal("lend_us", "100 hosts for each page on a virtual clock: the scheduler, us a visit", most=10),
    Goal("breaches", "100 hosts for each page on a virtual clock: politeness breaches", most=0),
    Goal("start_page_s", "a crawl of one page, CPU s", most=0.4),
    Goal("start_help_s", "crawl --help, CPU s", most=0.12),
)

Figures = dict[str, float]


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    python = describe(PYTHON)
    print(python)
    figures: Figures = {}
    for name in given.parts:
        print(f"\n== {name} ==", flush=True)
        try:
            found = PARTS[name](given.pages, given.rounds)
            print("\n".join(f"{key}: {value:.4g}" for key, value in found.items()), flush=True)
            figures |= found
        except (SystemExit, Exception) as error:  # noqa: BLE001  (the other parts are worth their time)
            print(f"{name} has no figure: {error!r}")
    print(table(figures))
    new = ledger.entry(python.partition(",")[0], given.pages, figures)
    for words in ledger.warnings(new, ledger.read()):
        print(f"WARNING: {words}")
    if given.keep:
        ledger.keep(new)
    return 0 if all(goal.key not in figures or goal.ratio(figures[goal.key]) >= 1 for goal in GOALS) else 1


def table(figures: Mapping[str, float]) -> str:
    """Returns goals, figures and ratios; a ratio of 1 or more is a goal reached."""
    rows = [goal.row(figures.get(goal.key)) for goal in GOALS]
    return "\n".join(["\n| figure | goal | measured | of the goal |", "|---|---|---|---|", *rows, ""])


def contest(pages: int, rounds: int) -> Figures:
    with serving(Plan(pages=pages)) as site:
        heats = hold([*choose(USUAL), crawld()], site, rounds)
    beside = compare(heats)
    print_beside(beside)
    ours = [one["crawld"] for one in heats]
    figures = {
        ledger.CPU: statistics.median(one.cpu_s_per_1000 for one in ours),
        "pages_a_second": statistics.median(one.pages_a_second for one in ours),
        **_speed(beside),
    }
    if "bare" in beside:
        figures[ledger.CPU_BESIDE_BARE] = statistics.median(beside["bare"].cpu)
    return figures


def _speed(beside: Mapping[str, Beside]) -> Figures:
    return {f"speed_beside_{name}": statistics.median(one.faster) for name, one in beside.items() if name in PEERS}


def short(_: int, rounds: int) -> Figures:
    with serving(Plan(pages=SHORT)) as site:
        heats = hold([*choose(["idiomatic"]), crawld()], site, rounds)
    beside = compare(heats)
    print_beside(beside)
    idiomatic = beside.get("Scrapy, idiomatic")
    return {"speed_short": statistics.median(idiomatic.faster)} if idiomatic else {}


def many_hosts(pages: int, rounds: int) -> Figures:
    with serving(Plan(pages=pages, hosts=HOSTS)) as site:
        heats = hold([*choose(["bare", "tuned"]), crawld()], site, rounds)
    print_beside(compare(heats))
    return {"cpu_many_hosts": statistics.median(one["crawld"].cpu_s_per_1000 for one in heats)}


def loop(pages: int, rounds: int) -> Figures:
    reports = [tick.measure(pages)[0] for _ in range(rounds)]
    print(f"late by (ms): {[tick.told(one.late_ms) for one in reports]}")
    print(f"with a core of its own: {[tick.told(one.busy_ms) for one in reports]}")
    late_ms = statistics.median(one.late_ms["p99"] for one in reports)
    return {"loop_ms": statistics.median(one.loop_cpu_s / one.pages * 1000 for one in reports), "late_ms": late_ms}


def todays_web(pages: int, rounds: int) -> Figures:
    return {"modern": modern.measure(min(pages, MODERN), 300, rounds)}


def slow(pages: int, _: int) -> Figures:
    report, cost = many_slow.measure(min(pages, MOST_SLOW), SLOW_S)
    print(f"{report.pages} answers of {SLOW_S:g} s in {report.run_s:.1f} s; {cost.cpu_s:.1f} CPU s")
    print(f"late by (ms): {tick.told(report.late_ms)}; with a core of its own: {tick.told(report.busy_ms)}")
    return {"slow_gb": cost.peak_rss_bytes / 1e9, "slow_late_ms": report.late_ms["p99"]}


def known(pages: int, _: int) -> Figures:
    """Up to 10 M known URLs for 10,000 pages."""
    costs = known_urls.measure(1000 * pages)
    growth = known_urls.growth(costs)
    print(growth)
    last = costs[-1]
    return {
        "known_cpu": growth.cpu,
        "known_ram": growth.ram_bytes,
        "known_disk": growth.disk_bytes,
        "known_reopen_s": last.reopen_cpu_s,
        "known_lease_s": last.first_lease_cpu_s,
    }


def virtual(pages: int, _: int) -> Figures:
    """A million hosts for 10,000 pages."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        report = virtual_time.run(scheduler.measure(100 * pages, 200 * pages, Path(folder)))
    scheduler.print_report(100 * pages, report)
    return {"lend_us": report.lend_us, "breaches": float(report.breaches)}


def starting(_pages: int, _rounds: int) -> Figures:
    asked, page = start.measure()
    return {"start_help_s": asked, "start_page_s": page}


PARTS: Mapping[str, Callable[[int, int], Figures]] = {
    "start": starting,
    "contest": contest,
    "short": short,
    "hosts": many_hosts,
    "loop": loop,
    "modern": todays_web,
    "slow": slow,
    "known": known,
    "scheduler": virtual,
}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks figures", description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--keep", action="store_true", help="write the figures into benchmarks/ledger.jsonl")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
