"""Today's web on loopback: TLS 1.3, br and gzip, 240 kB a page, names, hundreds of hosts: `modern`."""

import argparse
import statistics
import sys
from collections.abc import Sequence

from benchmarks.contest import choose, compare, hold, print_beside
from benchmarks.contestants import PYTHON, crawld
from benchmarks.machine import describe
from benchmarks.modern_site import serving_modern
from benchmarks.pages import Plan

GOAL = 250.0  # pages a CPU second
PRICE = 0.04  # dollars for an hour of one virtual core, as clouds ask for one of no special kind
MILLION, HOUR_S = 1_000_000, 3600


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    rate = measure(given.pages, given.hosts, given.rounds, given.peers)
    hours = MILLION / rate / HOUR_S
    print(
        f"ours: {rate:.0f} pages per CPU second (goal: {GOAL:.0f}): a million pages take {hours:.2f} hours of a core, "
    )
    print(f"or {hours * PRICE:.3f} dollars at {PRICE} an hour")
    return 0 if rate >= GOAL else 1


def measure(pages: int, hosts: int, rounds: int, peers: Sequence[str] = ("bare",)) -> float:
    """Returns how many pages we bring home in a CPU second of all our processes, start-up included."""
    contestants = [*choose(peers), crawld()]
    with serving_modern(Plan(pages=pages, hosts=hosts, is_modern=True)) as (site, sizes):
        print(f"{pages} pages on {hosts} hosts, by TLS 1.3, br and gzip: {sizes} on average")
        heats = hold(contestants, site, rounds)
    print_beside(compare(heats))
    if not all(one["crawld"].counts for one in heats):
        raise SystemExit("our figure does not count: pages are missing")
    return statistics.median(1000 / one["crawld"].cpu_s_per_1000 for one in heats)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks modern", description=__doc__)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=["bare"], default=["bare"])
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
