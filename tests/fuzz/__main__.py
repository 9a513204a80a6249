"""`python -m tests.fuzz [--seconds S] [NAME ...]`: feeds each target for S seconds; or those with NAME in theirs."""

from __future__ import annotations

import argparse
import traceback

from tests.fuzz.table import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target [default: 600]")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args()
    failures = 0
    for target in TARGETS:
        if asked.names and not any(name in target.name for name in asked.names):
            continue
        try:
            said = f"{target.run(asked.seconds):>9,} inputs"
        except Exception:  # noqa: BLE001 - whatever a reader raises that it should not
            failures += 1
            said = f"FAILED\n{traceback.format_exc()[-4000:]}"
        print(f"{target.name:<36} {said}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
