"""What one page has the loop's thread do, counted: calls, copies, scopes, tasks, hops through queues: `calls`.

A count is the same on a busy machine and on a quiet one, so two versions can be compared where times cannot. Times are
shares of the thread's CPU time, without the cost of the profiler itself, which is measured first.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

TRIED = 100_000
BUILT_IN = "~"
"""The file of functions that are written in C."""


class Function(NamedTuple):
    """One function of the loop's thread, by the page."""

    file: str
    line: int
    name: str
    calls: float
    own_us: float

    @property
    def place(self) -> str:
        """The file from its package on."""
        return "/".join(Path(self.file).parts[-3:])


KINDS: Mapping[str, Callable[[Function], bool]] = {
    "functions in Python": lambda one: one.file != BUILT_IN,
    "functions in C": lambda one: one.file == BUILT_IN,
    "resumptions of a visit": lambda one: one.place.endswith("crawler/visit.py") and one.name == "visit",
    "copies of values": lambda one: one.name == "replace" and one.file.endswith(("dataclasses.py", "model/quick.py")),
    "blocks entered (`with`)": lambda one: one.name == "__enter__" and one.file != BUILT_IN,
    "cancel scopes": lambda one: one.name == "__enter__" and one.place.endswith("_backends/_asyncio.py"),
    "tasks": lambda one: one.name == "create_task",
    "puts into queues": lambda one: one.name == "put_nowait",
    "lines logged": lambda one: one.name == "_log",
    "batches to workers": lambda one: one.place.endswith("offload/worker.py") and one.name == "_pack",
    "transactions": lambda one: one.place.endswith("frontier/ledger.py") and one.name == "settle",
    "looks for leases": lambda one: one.place.endswith("frontier/site_table.py") and one.name == "lend",
}


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, serving(Plan(pages=given.pages)) as site:
        path = Path(folder) / "loop.prof"
        report, _ = crawl([site.url], {"per_site": 64, "concurrency": 256}, profile=path, watch=False)
        functions = read(path, report.pages)
    for name, number in count_kinds(functions).items():
        print(f"{number:9.2f}  {name}")
    rooms = sorted(find_rooms(functions).items(), key=lambda room: -room[1])[: given.shown]
    _print("by room", rooms, functions)
    own = sorted(functions, key=lambda one: -one.own_us)[: given.shown]
    _print("by function", [(f"{one.place}:{one.line} {one.name}", one.own_us) for one in own], functions)
    return 0 if report.pages == given.pages else 1


def read(path: Path, pages: int) -> list[Function]:
    """Returns the functions of a profile by the page, without the time that the profiler took for each call."""
    stats = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    called_us, calling_us = _calibrate()
    made = Counter[tuple[str, int, str]]()
    for _, _, _, _, callers in stats.values():
        for caller, (calls, *_) in callers.items():
            made[caller] += calls
    return [
        Function(
            file,
            line,
            name,
            calls / pages,
            (own * 1e6 - calls * called_us - made[file, line, name] * calling_us) / pages,
        )
        for (file, line, name), (_, calls, own, _, _) in stats.items()
    ]


def count_kinds(functions: Iterable[Function]) -> dict[str, float]:
    """Returns how many calls of each kind a page takes."""
    known = list(functions)
    return {kind: sum(one.calls for one in known if belongs(one)) for kind, belongs in KINDS.items()}


def find_rooms(functions: Iterable[Function]) -> dict[str, float]:
    """Returns the own time by room of ours, or by package."""
    found = defaultdict[str, float](float)
    for one in functions:
        found[_room(one.file)] += one.own_us
    return found


def _room(file: str) -> str:
    parts = Path(file).parts
    for mark, name in (("crawler", "crawler/"), ("site-packages", "")):
        if mark in parts:
            rest = parts[len(parts) - parts[::-1].index(mark) :]
            return name + rest[0].removesuffix(".py")
    return "functions in C" if file == BUILT_IN else "Python's own library"


def _calibrate() -> tuple[float, float]:
    """Returns the microseconds that the profiler adds to a function for each call of it, and for each call it makes."""
    profile = cProfile.Profile(time.thread_time_ns, 1e-9)
    profile.enable()
    _call(TRIED)
    profile.disable()
    own = {name: own for (_, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    return own["_nothing"] / TRIED * 1e6, own["_call"] / TRIED * 1e6


def _call(times: int) -> None:
    for _ in range(times):
        _nothing()


def _nothing() -> None:
    """Does nothing."""


def _print(title: str, told: Iterable[tuple[str, float]], functions: Iterable[Function]) -> None:
    total = sum(one.own_us for one in functions)
    print(f"\n{title}")
    for name, own_us in told:
        print(f"  {own_us / total:6.1%}  {name}")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks calls", description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--shown", type=int, default=40, help="rooms and functions that are shown")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
