"""The figures of earlier commits, and whether a page costs more CPU than it did on the same machine: `ledger`.

`benchmarks/ledger.jsonl` has a line for each run that was kept. A machine is known by a hash of what it is made of,
and by no name.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
LEDGER = Path(__file__).with_name("ledger.jsonl")
CPU, CPU_BESIDE_BARE = "cpu_s_per_1000", "cpu_beside_bare"
GROWTH = 1.05
"""Times the CPU of a page from which it is said."""
LATEST = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """The figures of one run."""

    commit: str
    """The commit, with a `+` if files were changed since."""
    machine: str
    python: str
    pages: int
    figures: Mapping[str, float]


def entry(python: str, pages: int, figures: Mapping[str, float]) -> Entry:
    """Returns the entry of a run that just ended here."""
    return Entry(_commit(), machine(), python, pages, {name: round(value, 4) for name, value in figures.items()})


def read(path: Path = LEDGER) -> list[Entry]:
    """Returns all entries, the oldest first."""
    return [Entry(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def keep(new: Entry, path: Path = LEDGER) -> None:
    with path.open("a") as file:
        file.write(json.dumps(asdict(new)) + "\n")


def warnings(new: Entry, earlier: Sequence[Entry]) -> list[str]:
    """Returns what a page costs more than in the cheapest of the latest runs of as many pages on the same machine.

    The cost beside the bare crawler is compared as well: a busy machine makes both slow, and that ratio stays.
    """
    alike = [one for one in earlier if (one.machine, one.python, one.pages) == (new.machine, new.python, new.pages)]
    said = []
    for name, words in ((CPU, "CPU seconds per 1,000 pages"), (CPU_BESIDE_BARE, "times the CPU of the bare crawler")):
        known = [(one.figures[name], one.commit) for one in alike[-LATEST:] if name in one.figures]
        if known and name in new.figures and new.figures[name] > GROWTH * min(known)[0]:
            least, commit = min(known)
            more = new.figures[name] / least - 1
            said.append(f"a page costs {more:.0%} more: {new.figures[name]:.2f} {words}, {least:.2f} at {commit}")
    return said


def machine() -> str:
    """Returns a hash of what this machine is made of: processor, cores, memory, system."""
    made_of = [_processor(), str(os.cpu_count()), str(psutil.virtual_memory().total >> 30), platform.system()]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:12]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model name", "cpu family", "model\t", "cache"))})
    )


def _commit() -> str:
    try:
        return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: Sequence[str] = ()) -> int:
    """Prints the ledger of this machine; ends with 1 if its last entry costs more than those before."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ledger", description=__doc__)
    parser.add_argument("--file", type=Path, default=LEDGER)
    path: Path = parser.parse_args(arguments).file
    own = [one for one in read(path) if one.machine == machine()]
    for one in own:
        figures = ", ".join(f"{name} {value:g}" for name, value in one.figures.items())
        print(f"{one.commit}  {one.pages} pages, {one.python}: {figures}")
    said = warnings(own[-1], own[:-1]) if own else []
    print("\n".join(f"WARNING: {words}" for words in said) or f"{len(own)} runs of this machine, and no growth")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
