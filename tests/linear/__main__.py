"""`python -m tests.linear [NAME ...]`: the full form of the suite, for all readers or those whose names hold a NAME."""

from __future__ import annotations

import sys
from time import process_time

from tests.linear.measure import judge
from tests.linear.table import ROWS


def main() -> int:
    wanted = [row for row in ROWS if not sys.argv[1:] or any(word in row.name for word in sys.argv[1:])]
    begun, findings = process_time(), 0
    for row in wanted:
        for finding in judge(row):
            findings += 1
            print(f"FAILED: {finding}", flush=True)
    shapes = sum(len(row.shapes) for row in wanted)
    took = f"{process_time() - begun:.0f} s of CPU time"
    print(f"{len(wanted)} readers, {shapes} shapes of input, {findings} that take too long; {took}")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
