"""What Parquet, SQL and graphs cost a record, and their memory at ten times the records."""

import argparse
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe

MOST_US = 5.0
"""The goal: CPU microseconds of a record in `parquet`."""
MOST_GROWTH = 1.5
"""The goal: memory at ten times the records, as a factor."""
QUESTION = "select status, count(*) from pages group by all"
LINKS = 20


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    with tempfile.TemporaryDirectory(prefix="crawld-analytics-") as name:
        small, large = (_make(Path(name), count, 0) for count in (given.records // 10, given.records))
        linked = _make(Path(name), given.records // 10, LINKS)
        size = (large / "pages.jsonl").stat().st_size // given.records
        print(f"{given.records:,} records of {size:,} bytes, and a tenth of them; each in a process of its own\n")
        print("| | records | CPU us a record | largest memory, MB |\n|---|---|---|---|")
        costs = {}
        for title, work, folder, count in (
            ("parquet", _parquet, small, given.records // 10),
            ("parquet", _parquet, large, given.records),
            ("parquet, 3 fields", _some_fields, large, given.records),
            (f"sql: {QUESTION}", _sql, large, given.records),
            (f"graph, {LINKS} links a page", _graph, linked, given.records // 10),
        ):
            runs = [_measure(work, folder) for _ in range(given.rounds)]
            cpu_us = statistics.median(cpu_s for cpu_s, _ in runs) / count * 1e6
            megabytes = max(memory for _, memory in runs)
            costs[title, count] = cpu_us, megabytes
            print(f"| {title} | {count:,} | {cpu_us:.2f} | {megabytes:.0f} |", flush=True)
    cpu_us, most = costs["parquet", given.records]
    growth = most / costs["parquet", given.records // 10][1]
    print(
        f"\ngoal: at most {MOST_US} us a record in parquet, and {MOST_GROWTH} times the memory at ten times the records"
    )
    return 0 if cpu_us <= MOST_US and growth <= MOST_GROWTH else 1


def _parquet(folder: Path, target: Path) -> None:
    from crawler import Config, export_folder, read_folder

    export_folder(read_folder(folder, Config()), "parquet", target / "pages.parquet")


def _some_fields(folder: Path, target: Path) -> None:
    from crawler import Config, export_folder, read_folder

    fields = ("url", "status", "timings.ttfb")
    export_folder(read_folder(folder, Config()), "parquet", target / "pages.parquet", fields=fields)


def _graph(folder: Path, target: Path) -> None:
    from crawler import Config, export_folder, read_folder

    export_folder(read_folder(folder, Config()), "graph", target / "a.graph")


def _sql(folder: Path, target: Path) -> None:
    from crawler import Config, query_folder, read_folder

    with query_folder(read_folder(folder, Config()), QUESTION) as answer:
        list(answer.rows)


def _measure(work: Callable[[Path, Path], None], folder: Path) -> tuple[float, float]:
    """Returns CPU seconds and the largest memory in MB of the work in a new process."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(work, folder, theirs))
    process.start()
    theirs.close()
    found: tuple[float, float] = ours.recv()
    process.join()
    return found


def _run(work: Callable[[Path, Path], None], folder: Path, pipe: Connection) -> None:
    import duckdb  # noqa: F401  what is measured is a record, not the start

    import crawler.export
    import crawler.query  # noqa: F401

    with tempfile.TemporaryDirectory(dir=folder.parent) as target:
        before = _cpu_s()
        work(folder, Path(target))
        spent = _cpu_s() - before
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    pipe.send((spent, memory))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _make(place: Path, count: int, links: int) -> Path:
    """Makes a crawl folder of so many records, as crawls of ordinary pages have them."""
    from crawler import Config
    from crawler.folder.folder import open_folder
    from crawler.runtime.escaping import json_line
    from crawler.sinks.record import FIELDS

    folder = place / f"{count}-{links}.crawl"
    with open_folder(folder, Config()):
        pass
    usual: dict[str, object] = dict.fromkeys(FIELDS) | {
        "v": 1, "status": 200, "disposition": "fetched", "seed": "https://www.example.org/", "depth": 3, "attempt": 1,
        "visit": 1, "fetched_at": "2026-11-01T12:00:00.000Z", "elapsed_ms": 104.9, "ip": "192.0.2.7", "tls": "verified",
        "content_type": "text/html; charset=utf-8", "last_modified": "Sun, 01 Nov 2026 12:00:00 GMT", "language": "en",
        "charset": "utf-8", "description": "A page with some words about it, as pages have them.",
        "n_links": links or 30,
    }  # fmt: skip
    urls = [f"https://www.example.org/section-{number % 97}/page-{number}.html" for number in range(count)]
    with open(folder / "pages.jsonl", "wb", buffering=1 << 20) as file:
        for number, url in enumerate(urls):
            ttfb = number * 7919 % 100_000 / 100
            own: dict[str, object] = {
                "url": url, "canonical": url, "via": urls[number // 30], "title": f"Page {number} of the section",
                "etag": f'"{number * 2654435761 % 2**32:08x}"', "length": number * 7919 % 60_000, "digest":
                f"sha256:{number * 2654435761 % 2**64:064x}", "timings": {"queue": 0.1, "dns": 0.0, "connect": 0.0,
                "ttfb": ttfb, "download": 2.5, "parse": 1.1},
            }  # fmt: skip
            more = {"links": [urls[number * (7 + one) * 7919 % count] for one in range(links)]} if links else {}
            file.write(json_line(usual | own | more))
    return folder


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments or sys.argv[1:])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    sys.exit(main())
