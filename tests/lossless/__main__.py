"""`python -m tests.lossless [KIND...]`: every kind of loss against its truth, by the real command.

Prints a line for each kind (found, fetched, failed, excluded by rule, parked, queued, lost, seconds), and ends with 1
if a page is lost or anything else is not as it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lossless.bench import Bench, Kind, Tally
from tests.lossless.catalogue import KINDS, chosen

AT_ONCE = 2
"""Kinds at a time."""
HEAD = f"{'kind':<26}{'found':>7}{'fetched':>8}{'failed':>7}{'parked':>8}{'queued':>7}{'lost':>6}{'s':>6}  by rule"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lossless", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="kinds or families (traps, depth, ...); `quick`: those of the suite")
    parser.add_argument("--seed", type=int, help="of all that is random")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="N", help="kinds at a time")
    parser.add_argument("--list", action="store_true", help="name the kinds")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the crawl folders here")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of every crawl")
    options = parser.parse_args()
    if options.list:
        print(*(kind.name for kind in KINDS), sep="\n")
        return 0
    try:
        kinds = chosen(options.kinds)
    except ValueError as error:
        parser.error(str(error))
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    words = [word for text in options.set for word in ("--set", text)]
    print(f"seed {seed} (--seed {seed} repeats what is random)\n{HEAD}", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lossless-") as made:
        tallies = asyncio.run(all_told(kinds, options.keep or Path(made), seed, words, options.at_once))
    return _verdict(tallies, time.monotonic() - begun)


async def all_told(
    kinds: Sequence[Kind], folder: Path, seed: int, options: Sequence[str] = (), at_once: int = AT_ONCE
) -> list[Tally]:
    """Run the kinds, some at a time, and print each as it ends."""
    places = asyncio.Semaphore(at_once)

    async def one(kind: Kind) -> Tally:
        async with places:
            tally = await tell(kind, folder / kind.name.replace("/", "-"), seed, options)
        print(line(kind, tally), flush=True)
        return tally

    return await asyncio.gather(*[one(kind) for kind in kinds])


async def tell(kind: Kind, folder: Path, seed: int, options: Sequence[str] = ()) -> Tally:
    """One kind in a folder of its own. What goes wrong with the telling is wrong, too."""
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, seed, options=options)
    begun = time.monotonic()
    try:
        await kind.story(bench)
    except Exception as error:  # noqa: BLE001 - the other kinds are told all the same
        bench.tally.wrong.append(f"{type(error).__name__}: {error}")
    bench.tally.seconds = time.monotonic() - begun
    return bench.tally


def line(kind: Kind, tally: Tally) -> str:
    rules = [f"{rule} {n}" for rule, n in sorted(tally.excluded.items())]
    rules += [f"{rule} on {n} pages" for rule, n in sorted(tally.left_out.items())]
    numbers = (
        f"{tally.found:>7,}{tally.fetched:>8,}{tally.failed:>7,}{tally.parked:>8,}{tally.queued:>7,}{tally.lost:>6,}"
    )
    faults = "".join(f"\n    WRONG: {what}" for what in tally.wrong)
    return f"{kind.name:<26}{numbers}{tally.seconds:>6.1f}  {', '.join(rules)}{faults}"


def _verdict(tallies: Sequence[Tally], seconds: float) -> int:
    right = sum(tally.is_right for tally in tallies)
    lost = sum(tally.lost for tally in tallies)
    print(f"\n{right} of {len(tallies)} kinds right, {lost:,} pages lost, {seconds:.0f} s")
    return 0 if right == len(tallies) else 1


if __name__ == "__main__":
    raise SystemExit(main())
