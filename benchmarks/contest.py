"""The same site crawled in turns by our peers and by us: speed, CPU, memory, and what is missing: `contest`."""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import PEERS_BY_NAME, PYTHON, Contestant, crawld
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import Site, serving
from benchmarks.tree import Cost, measure

ROOT = Path(__file__).resolve().parent.parent
SPEED_GOAL, CPU_GOAL_S = 8.0, 2.0  # times idiomatic Scrapy's pages a second; CPU seconds for a thousand pages
USUAL = ("bare", "idiomatic", "tuned", "crawlee", "wget2", "requests")
HEADS = "\n| contestant | pages | wall s | pages/s | CPU s per 1,000 | peak MB | output |\n" + "|---" * 7 + "|"


@dataclass(frozen=True, slots=True)
class Heat:
    """One run of one contestant."""

    name: str
    pages: int
    cost: Cost
    complaint: str
    """What was wrong with the output; empty when every page is there once, under its right title."""
    counts: bool
    """Whether all pages are there under their right titles: else the figures mean nothing."""

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


@dataclass(frozen=True, slots=True)
class Beside:
    """A peer beside us, pair by pair."""

    faster: tuple[float, ...]
    """How many times as many pages a second we do, in each round."""
    cpu: tuple[float, ...]
    """How many times as much CPU a page takes us, in each round."""


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    peers, ours = choose(given.peers), [] if given.alone else [crawld()]
    peers += [crawld(command=command, name=f"crawld {number}") for number, command in enumerate(given.older, 1)]
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site:
        rounds = hold((*peers, *ours), site, given.rounds)
    if given.alone:
        return 0
    beside = compare(rounds)
    print_beside(beside)
    cpu_s = statistics.median(heats["crawld"].cpu_s_per_1000 for heats in rounds)
    print(f"ours: {cpu_s:.2f} CPU s per 1,000 pages (goal: at most {CPU_GOAL_S}); speed goal: {SPEED_GOAL:.0f} times")
    idiomatic = beside.get("Scrapy, idiomatic")
    met = idiomatic is None or statistics.median(idiomatic.faster) >= SPEED_GOAL
    return 0 if all(heats["crawld"].counts for heats in rounds) and met and cpu_s <= CPU_GOAL_S else 1


def choose(names: Iterable[str]) -> list[Contestant]:
    """Returns the peers that can run here, and says which cannot, and why."""
    chosen = []
    for name in names:
        peer = PEERS_BY_NAME[name]()
        if peer.missing:
            print(f"{peer.name} is left out: {peer.missing}")
        else:
            chosen.append(peer)
    return chosen


def hold(contestants: Sequence[Contestant], site: Site, rounds: int) -> list[dict[str, Heat]]:
    """Lets all of them crawl the site in turns, and prints a row for each run; returns the runs of each round."""
    print(HEADS, flush=True)
    return [{one.name: run(one, site) for one in contestants} for _ in range(rounds)]


def run(contestant: Contestant, site: Site) -> Heat:
    """One run from an empty folder to the last record checked; prints its row."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, log = Path(name), Path(name) / "stderr.txt"
        cost = measure(contestant.command(site, folder), cwd=ROOT, log=log)
        if cost.exit_code != 0:
            shutil.copyfileobj(log.open(), sys.stderr)
            raise SystemExit(f"{contestant.name} ended with exit code {cost.exit_code}; its own words stand above")
        heat = _inspect(contestant, site, folder, cost)
    print(heat.row(), flush=True)
    return heat


def _inspect(contestant: Contestant, site: Site, folder: Path, cost: Cost) -> Heat:
    """Counts the different pages that came home, and says what is wrong with them."""
    expected, records = site.expected(), list(contestant.records(site, folder))
    times = Counter(url for url, _ in records)
    wrong = {
        "missing": expected.keys() - times.keys(),
        "strange": times.keys() - expected.keys(),
        "twice": {url for url, count in times.items() if count > 1},
        "mistitled": {url for url, title in records if url in expected and title != expected[url]},
    }
    complaint = ", ".join(f"{len(urls)} {word}" for word, urls in wrong.items() if urls)
    counts = not (wrong["missing"] or wrong["strange"] or wrong["mistitled"])
    return Heat(contestant.name, len(times), cost, complaint, counts)


def compare(rounds: Sequence[Mapping[str, Heat]]) -> dict[str, Beside]:
    """Returns each peer beside us; a peer whose output was wrong is left out, and said."""
    found = {}
    for name in rounds[0]:
        pairs = [(heats["crawld"], heats[name]) for heats in rounds]
        if name == "crawld":
            continue
        if not all(their.counts for _, their in pairs):
            print(f"{name} does not count: its pages are not those of the site")
            continue
        faster = tuple(our.pages_a_second / their.pages_a_second for our, their in pairs)
        found[name] = Beside(faster, tuple(our.cpu_s_per_1000 / their.cpu_s_per_1000 for our, their in pairs))
    return found


def print_beside(beside: Mapping[str, Beside]) -> None:
    print()
    for name, one in beside.items():
        pairs = ", ".join(f"{ratio:.2f}" for ratio in one.faster)
        faster, cpu = statistics.median(one.faster), statistics.median(one.cpu)
        print(f"{name}: we are {faster:.2f} times as fast (pairs: {pairs}), at {cpu:.2f} times the CPU a page")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks contest", description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=1, help="the pages are spread over so many hosts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=PEERS_BY_NAME, default=USUAL)
    parser.add_argument("--older", nargs="+", default=[], help="the crawl commands of other versions, as peers")
    parser.add_argument("--alone", action="store_true", help="the peers without us")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
