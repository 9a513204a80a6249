"""What each format of `crawl export` costs a record, and whether its memory is the same for ten times the records.

Each export runs in a process of its own, by turns. CPU is that of the export alone, without the start of Python.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from crawler import Config, CrawlError, Folder, export_folder, read_folder
from crawler.export.formats import FOLDERS
from crawler.folder.folder import open_folder
from crawler.sinks.columns import COLUMNS
from crawler.sinks.record import FIELDS

GOAL_US = 8.0
"""CPU microseconds a record, at most, for the formats of `BOUND`."""
MOST_GROWTH = 1.25
"""How much more memory ten times the records may take; the tables of sizes of malloc differ from run to run."""
SITES = 500
STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")
SOME = ("url", "status", "title", "depth", "fetched_at", "timings.ttfb")
MIB = 1 << 20


class Way(NamedTuple):
    """One export. That of links has records with ten of them, the others records without."""

    form: str
    fields: tuple[str, ...] = ()
    where: str = ""
    schema: str = "crawld"


WAYS = {
    "jsonl": Way("jsonl"),
    "jsonl, 6 fields": Way("jsonl", SOME),
    "jsonl, --where": Way("jsonl", where="status >= 400 and depth < 5"),
    "csv, 6 fields": Way("csv", SOME),
    f"csv, all {len(COLUMNS)}": Way("csv"),
    "csv, commoncrawl": Way("csv", schema="commoncrawl"),
    "csv, scrapy": Way("csv", schema="scrapy"),
    "tsv, 6 fields": Way("tsv", SOME),
    f"tsv, all {len(COLUMNS)}": Way("tsv"),
    "xlsx, 6 fields": Way("xlsx", SOME),
    f"xlsx, all {len(COLUMNS)}": Way("xlsx"),
    "sqlite, 6 fields": Way("sqlite", SOME),
    "sqlite, all": Way("sqlite"),
    "links, 10 a page": Way("links"),
    "sitemap": Way("sitemap"),
}
BOUND = ("jsonl", "jsonl, 6 fields", "jsonl, --where", "csv, 6 fields", "tsv, 6 fields")


class Run(NamedTuple):
    """What an export took."""

    us: float
    """CPU a record."""
    mib: float
    """The most memory that the process took, Python among it."""
    size: int
    """Bytes that were written."""


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    with tempfile.TemporaryDirectory(prefix="crawld-export-") as name:
        small, large = Path(name) / "small", Path(name) / "large"
        for place, n in ((small, given.records), (large, given.large)):
            for has_links in {WAYS[way].form == "links" for way in given.ways}:
                _make_folder(_folder(place, has_links=has_links), n, has_links=has_links)
        _make_folder(Path(name) / "empty", 1, has_links=True)
        size = sum(map(len, _lines(1000))) / 1000
        print(f"{given.records:,} records of {size:.0f} bytes; memory at {given.records:,} and at {given.large:,}")
        print(f"yardstick: orjson.loads of one record takes {_yardstick():.2f} µs\n")
        found: dict[str, list[Run]] = {way: [] for way in given.ways}
        for number in range(given.rounds):
            for way in given.ways[:: 1 if number % 2 else -1]:
                found[way].append(_run(small, way, given.records))
        return _tell(found, large, given.large)


def _tell(found: dict[str, list[Run]], large: Path, n: int) -> int:
    print("| format | CPU µs a record | bytes a record | memory | memory, large |\n|---|---|---|---|---|")
    missed = []
    for way, runs in found.items():
        least, big = min(runs), _run(large, way, n)
        print(f"| {way} | {least.us:.1f} | {big.size / n:.0f} | {least.mib:.0f} MiB | {big.mib:.0f} MiB |", flush=True)
        if way in BOUND and least.us > GOAL_US:
            missed.append(f"{way} takes {least.us:.1f} µs a record, more than {GOAL_US:.0f}")
        if big.mib > least.mib * MOST_GROWTH:
            missed.append(f"{way} takes more memory for more records")
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


def _folder(place: Path, *, has_links: bool) -> Path:
    return place.with_name(f"{place.name}-links") if has_links else place


def _run(place: Path, way: str, n: int) -> Run:
    folder = _folder(place, has_links=WAYS[way].form == "links")
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_export, args=(folder, WAYS[way], n, theirs))
    process.start()
    theirs.close()
    run: Run = ours.recv()
    process.join()
    return run


def _export(folder: Path, way: Way, n: int, told: Connection) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        out = Path(name) / "out"
        with suppress(CrawlError):  # imports what it needs; one record has no sitemap
            _export_as(way, read_folder(folder.parent / "empty", Config()), Path(name) / "first")
        opened = read_folder(folder, Config())
        began = time.process_time()
        _export_as(way, opened, out)
        spent = time.process_time() - began
        files = [path for path in out.rglob("*") if path.is_file()] if way.form in FOLDERS else [out]
        size = sum(path.stat().st_size for path in files)
    told.send(Run(1e6 * spent / n, _peak_mib(), size))


def _export_as(way: Way, folder: Folder, out: Path) -> None:
    export_folder(folder, way.form, out, fields=way.fields, where=way.where, schema=way.schema)


def _peak_mib() -> float:
    """Returns the most memory since this program began; getrusage would count that of the one before it as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _yardstick() -> float:
    lines = list(_lines(20_000))
    spent = []
    gc.disable()
    for _ in range(5):
        began = time.process_time()
        for line in lines:
            orjson.loads(line)
        spent.append(time.process_time() - began)
    gc.enable()
    return 1e6 * min(spent) / len(lines)


def _make_folder(path: Path, records: int, *, has_links: bool) -> None:
    with open_folder(path, Config()):
        pass
    with (path / "pages.jsonl").open("wb") as file:
        file.writelines(_lines(records, has_links=has_links))


def _lines(records: int, *, has_links: bool = False) -> Iterator[bytes]:
    empty = dict.fromkeys(FIELDS)
    for n in range(records):
        links = {"links": [f"https://site.example/path/to/page-{n + at}.html" for at in range(10)]} if has_links else {}
        yield orjson.dumps(empty | _record(n) | links, option=orjson.OPT_APPEND_NEWLINE)


def _record(n: int) -> dict[str, object]:
    """Returns a record as crawls of today's sites have it: half have an ETag, some titles have odd characters."""
    failed, site = n % 20 == 0, f"https://site{n * 7919 % SITES}.example"
    url = f"{site}/path/to/page-{n}.html" + ("?a=1&b=2" if n % 4 == 0 else "")
    title = ("- ", '"Quoted" ', "café ", "日本 ")[n // 50 % 4] if n % 50 == 0 else ""
    return {
        "v": 1, "url": url, "status": 404 if failed else 200, "disposition": "failed" if failed else "fetched",
        "reason": "status-4xx" if failed else None, "detail": "HTTP 404" if failed else None, "seed": f"{site}/",
        "via": f"{site}/index.html", "depth": n % 9, "attempt": 1, "visit": 1,
        "fetched_at": f"2026-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.{n % 1000:03}Z",
        "elapsed_ms": round(n * 37 % 4000 / 7, 1),
        "timings": {stage: round((n * 37 + at) % 1000 / 3, 1) for at, stage in enumerate(STAGES)},
        "ip": "192.0.2.1", "tls": "verified", "content_type": "text/html; charset=utf-8",
        "etag": f'"{n:x}-5f"' if n % 2 else None, "last_modified": "Thu, 01 Jan 2026 00:00:00 GMT" if n % 2 else None,
        "charset": "utf-8", "length": n * 101 % 90_000, "digest": f"sha256:{n:064x}",
        "title": f"{title}A title of usual length, number {n}" + (" \u202e" if n % 997 == 0 else ""),
        "description": "A description of usual length, as many pages have one. " * 2, "language": "en",
        "canonical": url, "n_links": 60,
    }  # fmt: skip


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks export_cost", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000, help="records of the folder by which memory is judged")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", help="some of the exports, with `;` between them", default=";".join(WAYS))
    given = parser.parse_args(arguments)
    given.ways = [way.strip() for way in given.ways.split(";")]
    if unknown := [way for way in given.ways if way not in WAYS]:
        parser.error(f"there is no {unknown[0]!r}; there are {'; '.join(WAYS)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return given


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
