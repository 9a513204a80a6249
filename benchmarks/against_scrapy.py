"""The same site crawled in turns by Scrapy and by us: speed, CPU, memory, and whether anything is missing."""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import PYTHON, Contestant, crawld, scrapy
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.peers import SCRAPY
from benchmarks.site import Site, serving
from benchmarks.tree import Cost, measure

ROOT = Path(__file__).resolve().parent.parent
SPEED_GOAL, CPU_GOAL_S = 8.0, 2.0  # times Scrapy's pages a second; CPU seconds for a thousand pages


@dataclass(frozen=True, slots=True)
class Heat:
    """One run of one contestant."""

    name: str
    pages: int
    cost: Cost
    complaint: str
    """What was wrong with the output; empty when every page is there once, under its right title."""

    @property
    def pages_a_second(self) -> float:
        return self.pages / self.cost.wall_s

    @property
    def cpu_s_per_1000(self) -> float:
        return self.cost.cpu_s / self.pages * 1000

    def row(self) -> str:
        speed = f"{self.cost.wall_s:.2f} | {self.pages_a_second:.0f} | {self.cpu_s_per_1000:.2f}"
        peak_mb = self.cost.peak_bytes / 1e6
        return f"| {self.name} | {self.pages} | {speed} | {peak_mb:.0f} | {self.complaint or 'complete'} |"


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print("\n| contestant | pages | wall s | pages/s | CPU s per 1,000 | peak MB | output |\n" + "|---" * 7 + "|")
    peers = [scrapy(variant) for variant in given.peers]
    ours = [] if given.alone else [crawld()]
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site:
        rounds = [[run(contestant, site) for contestant in (*peers, *ours)] for _ in range(given.rounds)]
    return 0 if given.alone else _judge(rounds)


def run(contestant: Contestant, site: Site) -> Heat:
    """One run from an empty folder to the last record checked; prints its row."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, log = Path(name), Path(name) / "stderr.txt"
        cost = measure(contestant.command(site, folder), cwd=ROOT, log=log)
        if cost.exit_code != 0:
            shutil.copyfileobj(log.open(), sys.stderr)
            raise SystemExit(f"{contestant.name} ended with exit code {cost.exit_code}; its own words stand above")
        pages, complaint = _inspect(contestant, folder, site.expected())
    heat = Heat(contestant.name, pages, cost, complaint)
    print(heat.row(), flush=True)
    return heat


def _inspect(contestant: Contestant, folder: Path, expected: dict[str, str]) -> tuple[int, str]:
    """How many different pages came home, and what is wrong with them."""
    records = list(contestant.records(folder))
    times = Counter(url for url, _ in records)
    wrong = {
        "missing": expected.keys() - times.keys(),
        "strange": times.keys() - expected.keys(),
        "twice": {url for url, count in times.items() if count > 1},
        "mistitled": {url for url, title in records if url in expected and title != expected[url]},
    }
    return len(times), ", ".join(f"{len(urls)} {word}" for word, urls in wrong.items() if urls)


def _judge(rounds: list[list[Heat]]) -> int:
    """Prints each peer's ratios, pair by pair; 0 when the goals against the idiomatic one are met."""
    ours = [heats[-1] for heats in rounds]
    print()
    ratios = [_compare([heats[position] for heats in rounds], ours) for position in range(len(rounds[0]) - 1)]
    cpu_s = statistics.median(heat.cpu_s_per_1000 for heat in ours)
    print(f"ours: {cpu_s:.2f} CPU s per 1,000 pages (goal: at most {CPU_GOAL_S}); speed goal: {SPEED_GOAL:.0f} times")
    complete = not any(heat.complaint for heat in ours)
    return 0 if complete and ratios[0] >= SPEED_GOAL and cpu_s <= CPU_GOAL_S else 1


def _compare(theirs: list[Heat], ours: list[Heat]) -> float:
    faster = [our.pages_a_second / their.pages_a_second for our, their in zip(ours, theirs, strict=True)]
    leaner = [their.cpu_s_per_1000 / our.cpu_s_per_1000 for our, their in zip(ours, theirs, strict=True)]
    median = statistics.median(faster)
    pairs = ", ".join(f"{ratio:.1f}" for ratio in faster)
    less = statistics.median(leaner)
    print(f"{theirs[0].name}: we are {median:.1f} times as fast (pairs: {pairs}), with {less:.1f} times less CPU")
    return median


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_scrapy", description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=SCRAPY, default=["idiomatic"])
    parser.add_argument("--alone", action="store_true", help="the peers without us")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
