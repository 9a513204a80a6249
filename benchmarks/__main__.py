"""`python -m benchmarks [name ...]`: runs the named benchmarks, or all of them; ends with 1 if one missed its goal."""

import argparse
import importlib

BENCHMARKS = {
    "yardstick": "how fast the benchmark site itself answers",
    "against_scrapy": "the same site crawled in turns by Scrapy and by us",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Each one alone takes options: python -m benchmarks.NAME --help"
    )
    listing = "; ".join(f"{name}: {story}" for name, story in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name", help=listing)
    names = parser.parse_args().names or BENCHMARKS
    return max([_run(name) for name in names])


def _run(name: str) -> int:
    print(f"\n== {name}: {BENCHMARKS[name]} ==", flush=True)
    code: int = importlib.import_module(f"benchmarks.{name}").main()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
