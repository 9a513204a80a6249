"""Compares ways to remember which URLs are known: ours on numpy arrays, and three that need nothing but Python.

python -m benchmarks.seen_set [URLs]

Each runs in a process of its own. It learns so many fingerprints as they come from workers (packed in bytes, 6,000 at
a time), and then is asked for pages of 60 links, of which it knows 59: page by page, and 16 pages at a time, as they
are settled in a busy crawl.
"""

from __future__ import annotations

import importlib
import json
import random
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

BATCH = 6000
LINKS = 60
PAGES = 3200
SETTLED = 16
STEP = 1 << 14
"""Slots that a larger table takes over with each call."""
OURS = "numpy (ours)"
COLUMNS = ("bytes a URL", "us to learn", "us to ask", "us, 16 pages", "slowest ms", "import ms", "import MB")

Learn = Callable[[bytes], int]
"""Takes packed fingerprints, returns how many were new."""


def main(urls: int) -> None:
    """Prints a line for each way."""
    print(f"{'':24}" + "".join(f"{word:>14}" for word in COLUMNS))
    for name in WAYS:
        asked = [sys.executable, "-m", "benchmarks.seen_set", name, str(urls)]
        ran = subprocess.run(asked, check=True, capture_output=True, text=True)
        print(f"{name:24}" + "".join(f"{figure:14.2f}" for figure in json.loads(ran.stdout)))


def measure(name: str, urls: int) -> list[float]:
    """Learns `urls` fingerprints and asks for some; returns the figures of the columns."""
    before = resident(), time.process_time()
    if name == OURS:
        importlib.import_module("numpy")
    imported = resident() - before[0], time.process_time() - before[1]
    learn = WAYS[name]()
    batches = [random.Random(n).randbytes(8 * BATCH) for n in range(urls // BATCH)]
    known, empty, slowest = len(batches) * BATCH, resident(), 0.0
    learning = time.process_time()
    for batch in batches:
        at = time.process_time()
        learn(batch)
        slowest = max(slowest, time.process_time() - at)
    learning = time.process_time() - learning
    size = resident() - empty
    singly, settled = ask(learn, batches, 1), ask(learn, batches, SETTLED)
    figures = size / known, 1e6 * learning / known, 1e6 * singly, 1e6 * settled, 1000 * slowest
    return [*figures, 1000 * imported[1], imported[0] / 1e6]


def ask(learn: Learn, batches: list[bytes], pages: int) -> float:
    """Asks for so many pages at a time; returns the seconds of a link."""
    numbers = random.Random(f"{pages} pages")
    page = 8 * (LINKS - 1)
    asked = [
        b"".join(numbers.choice(batches)[:page] + numbers.randbytes(8) for _ in range(pages))
        for _ in range(PAGES // pages)
    ]
    began = time.process_time()
    found = sum(map(learn, asked))
    took = time.process_time() - began
    assert found == len(asked) * pages
    return took / (len(asked) * pages * LINKS)


def open_numpy() -> Learn:
    """Returns ours: open addressing over numpy arrays, which grows by steps."""
    import numpy as np

    from crawler.frontier.fingerprints import Fingerprints

    seen = Fingerprints()
    return lambda packed: int(seen.add_many(np.frombuffer(packed, np.uint64)).sum())


def open_set() -> Learn:
    """Returns a set of integers."""
    seen: set[int] = set()

    def learn(packed: bytes) -> int:
        before = len(seen)
        seen.update(array("Q", packed))
        return len(seen) - before

    return learn


def open_dict() -> Learn:
    """Returns a dict from integers to row numbers, as is needed where distances are kept."""
    seen: dict[int, int] = {}

    def learn(packed: bytes) -> int:
        before = len(seen)
        for key in array("Q", packed):
            seen.setdefault(key, len(seen))
        return len(seen) - before

    return learn


class Slots:
    """Open addressing that grows by steps, as ours, over arrays of Python."""

    def __init__(self) -> None:
        self.table, self.old = array("Q", bytes(8 << 12)), array("Q")
        self.used = self.moved = 0

    def learn(self, packed: bytes) -> int:
        """Adds packed fingerprints; returns how many were new."""
        keys = array("Q", packed)
        if self.used + len(keys) > len(self.table) * 0.6:
            self.move(len(self.old))
            self.old, self.moved = self.table, 0
            self.table = array("Q", bytes(8 * int((self.used + len(keys)) / 0.6 * 1.5)))
        if self.old:
            self.move(STEP)
        new = sum(map(self.insert, keys))
        self.used += new
        return new

    def insert(self, key: int) -> bool:
        """Adds one; returns whether it was new."""
        slot = find(self.table, key)
        if slot >= 0 or (self.old and find(self.old, key) >= 0):
            return False
        self.table[~slot] = key
        return True

    def move(self, slots: int) -> None:
        """Moves the keys in the next slots of the old table."""
        for key in self.old[self.moved : self.moved + slots]:
            if key and (slot := find(self.table, key)) < 0:
                self.table[~slot] = key
        self.moved += slots
        if self.moved >= len(self.old):
            self.old = array("Q")


def find(table: array[int], key: int) -> int:
    """Returns the slot of a key, or the free one where it belongs, inverted."""
    size = len(table)
    slot = (key >> 32) * size >> 32
    while held := table[slot]:
        if held == key:
            return slot
        slot = slot + 1 if slot + 1 < size else 0
    return ~slot


WAYS: dict[str, Callable[[], Learn]] = {
    OURS: open_numpy,
    "set of integers": open_set,
    "dict of integers": open_dict,
    "array of Python": lambda: Slots().learn,
}


def resident() -> int:
    """Returns the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WAYS:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
