"""`python -m tests.hostile [NAME...]`: all hostile behaviours (or those, or those of a family) beside good sites.

Prints one table (behaviour, expected, got, time, memory) and ends with 1 if any cell of it is not as it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.hostile.torture import GOOD_PAGES, GOOD_SHARE, GOOD_SITES, LIMIT_S, OPTIONS, Row, Verdict, torture


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("names", nargs="*", help="behaviours or families; `quick`: those of the suite")
    parser.add_argument("--no-good", action="store_true", help="leave the good sites out")
    parser.add_argument("--failures", action="store_true", help="print the rows alone that are not as they should be")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the crawl folders here")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the crawl")
    options = parser.parse_args()
    more = [word for text in options.set for word in ("--set", text)]
    with tempfile.TemporaryDirectory(prefix="torture-") as made:
        folder = options.keep or Path(made)
        verdict = asyncio.run(torture(folder, options.names, (*OPTIONS, *more), good=not options.no_good))
    _print(verdict, failures_only=options.failures)
    return 1 if verdict.failures else 0


def _print(verdict: Verdict, *, failures_only: bool) -> None:
    print(f"{'behaviour':<52} {'expected':<46} {'got':<28} {'URLs':>5} {'time':>7} {'memory':>8}")
    for row in verdict.rows:
        if row.faults or not failures_only:
            print(_line(row))
    run, rows = verdict.run, verdict.rows
    right = sum(not row.faults for row in rows)
    print(f"\n{right} of {len(rows)} behaviours right")
    print(f"{len(run.records)} records in {run.wall_s:.0f} s (at most {LIMIT_S:.0f})")
    parts = " + ".join(str(part >> 20) for part in run.peak_parts)
    print(f"the tree measured {run.peak_bytes >> 20} MiB at most ({parts}); exit code {run.exit_code}")
    if verdict.good_alone:
        share = verdict.good_beside / verdict.good_alone
        rates = f"{verdict.good_beside:.0f} a second beside them, {verdict.good_alone:.0f} alone: {share:.0%}"
        print(f"{GOOD_SITES * GOOD_PAGES} good pages: {rates} (at least {GOOD_SHARE:.0%})")
    for fault in verdict.faults:
        print(f"FAILED: {fault}")


def _line(row: Row) -> str:
    expected = " or ".join(sorted(row.behaviour.expected))
    expected = expected if len(expected) <= 46 else expected[:43] + "..."
    measures = f"{row.asked:>5} {row.seconds:>5.1f} s {row.peak_bytes >> 20:>4} MiB"
    cells = f"{row.behaviour.name:<52} {expected:<46} {row.got:<28} {measures}"
    return f"{cells}{'  FAILED: ' + '; '.join(row.faults) if row.faults else ''}"


if __name__ == "__main__":
    raise SystemExit(main())
