"""`python -m tests.power --cuts 200` cuts the power at so many instants of new crawls and of crawls that go on."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.power import cuts, disk

RESTARTS = 4
"""Crawls that go on after a cut and are cut off again, beside each new one."""


async def tell(number: int, seed: int) -> bool:
    """Both settings, a line each; whether all held."""
    print(f"power cuts, seed {seed}\n{'durability':<12} {'':<6} {'seconds':>7}  what was seen")
    held = True
    ways: tuple[tuple[cuts.Way, bool], ...] = (("power", False), ("process", False), ("power", True), ("process", True))
    for way, is_archived in ways:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="crawld-power-") as home:
            async with cuts.trial(Path(home), f"{seed}-{way}", is_archived=is_archived) as trial:
                try:
                    await cuts.cut_again_and_again(trial, way, number // len(ways) // (1 + RESTARTS), restarts=RESTARTS)
                    word, seen = "ok", str(trial.tally)
                except Exception as error:  # noqa: BLE001 - the other one is tried all the same
                    word, seen, held = "FAILED", f"{error!r} after {trial.tally}", False
        print(f"{way + ', WARC' * is_archived:<12} {word:<6} {time.monotonic() - begun:>7.1f}  {seen}", flush=True)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=cuts.SEED)
    chosen = parser.parse_args()
    if not disk.COMPILER:
        sys.exit("power cuts need a C compiler (cc): what notes the writes of a crawl is written in C")
    sys.exit(not asyncio.run(tell(chosen.cuts, chosen.seed)))


if __name__ == "__main__":
    main()
