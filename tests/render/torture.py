"""Renders the page that tries every way out, fifty times: `python -m tests.render.torture`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .test_held_in import tries_to_escape
from .webs import CHROMIUM


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    if CHROMIUM is None:
        sys.stdout.write("not told: there is no Chromium\n")
        return 0
    failed = False
    for has_namespace in (True, False):
        canary, tried = asyncio.run(tries_to_escape(rounds, has_namespace=has_namespace))
        how = "in an empty network" if has_namespace else "by its switches alone"
        sys.stdout.write(
            f"{how}: {tried} of {rounds} pages tried all; the canary heard {len(canary.heard)} {canary.heard[:3]}\n"
        )
        failed = failed or bool(canary.heard) or tried < rounds
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
