"""What the report of a job costs: CPU for each record, a loop beside the counting, a crawl with reports and without.

python -m benchmarks.report_cost [records] [pages]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.daemon_life import BASE, lines, over
from crawler.daemon import DaemonConfig, JobSpec, open_jobs
from crawler.daemon.runs import reports
from crawler.reports import NAME, Count, recall
from crawler.runtime.threads import run_in_thread
from crawler.sinks.jsonl import JsonLinesReader
from crawler.sinks.record import FIELDS
from crawler.testing.process import open_web_process

STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")
SITES = 5000
MIB = 1 << 20


def main(records: int, pages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "pages.jsonl", records)
        count_all(Path(folder), records)
        asyncio.run(count_beside_a_loop(Path(folder)))
    for seconds in (3600.0, 1.0, 3600.0, 1.0):
        cpu_s, n = asyncio.run(crawl(pages, seconds))
        word = "every second" if seconds == 1.0 else "never"
        print(f"a crawl of {n} pages whose records are counted {word}: {1e3 * cpu_s / n:.3f} ms of CPU a page")


def write(path: Path, records: int) -> None:
    with path.open("wb") as file:
        file.writelines(line(n) for n in range(records))
    print(f"{records} records of {SITES} sites, {path.stat().st_size / MIB:.0f} MiB")


def line(n: int) -> bytes:
    failed, site = n % 20 == 0, f"https://site{n * 7919 % SITES}.example"
    record = {
        "v": 1, "url": f"{site}/path/to/page-{n}.html", "status": 404 if failed else 200,
        "disposition": "failed" if failed else "fetched", "reason": "status-4xx" if failed else None,
        "detail": "HTTP 404" if failed else None, "seed": f"{site}/", "via": f"{site}/index.html",
        "depth": 3, "attempt": 1, "visit": 1, "fetched_at": f"2026-01-01T00:00:{n % 60:02}.000Z", "elapsed_ms": 120.0,
        "timings": {stage: (n * 37 + at) % 1000 / 3 for at, stage in enumerate(STAGES)}, "ip": "192.0.2.1",
        "content_type": "text/html; charset=utf-8", "charset": "utf-8", "length": n * 101 % 90_000,
        "digest": f"sha256:{n:064x}", "simhash": f"{n:016x}", "title": f"A title of usual length, number {n}",
        "description": "A description of usual length, as many pages have one. " * 2, "language": "en", "n_links": 60,
    }  # fmt: skip
    return orjson.dumps({**dict.fromkeys(FIELDS), **record}) + b"\n"


def count_all(folder: Path, records: int) -> None:
    reader, before = JsonLinesReader(folder / "pages.jsonl"), peak()
    count, started = Count("x"), time.process_time()
    while count.add_part(reader):
        pass
    spent = time.process_time() - started
    print(
        f"counted in {spent:.1f} s of CPU, {1e6 * spent / records:.1f} us a record; memory +{peak() - before:.0f} MiB"
    )
    started = time.process_time()
    text = count.dump()
    (folder / NAME).write_bytes(text)
    kept = recall(folder, "x", reader)
    assert kept.end == count.end
    kept.add_part(reader)
    report = kept.report(1.0)
    spent_ms = 1e3 * (time.process_time() - started)
    print(f"kept in {len(text) / 1024:.0f} KiB; written, read and reported in {spent_ms:.0f} ms of CPU")
    assert report.records == records


async def count_beside_a_loop(folder: Path) -> None:
    """What a loop waits that wants to run every millisecond, alone and beside the counting."""
    for is_counted in (False, True):
        waits: list[float] = []
        watching = asyncio.create_task(watch(waits))
        if is_counted:
            await count_in_parts(JsonLinesReader(folder / "pages.jsonl"), most_s=10.0)
        else:
            await asyncio.sleep(3)
        watching.cancel()
        waits.sort()
        word = "beside the counting" if is_counted else "alone"
        usual, late = 1e3 * waits[len(waits) // 2], 1e3 * waits[-len(waits) // 100]
        print(f"a loop {word} is late by {usual:.1f} ms (median), {late:.1f} ms (99 %)")


async def count_in_parts(reader: JsonLinesReader, most_s: float) -> None:
    count, ends = Count("x"), time.monotonic() + most_s
    is_more = True
    while is_more and time.monotonic() < ends:
        began = time.monotonic()
        is_more = await run_in_thread(count.add_part, reader)
        await asyncio.sleep(time.monotonic() - began)  # as the daemon does


async def watch(waits: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        waits.append(time.perf_counter() - began - 0.001)


async def crawl(pages: int, seconds: float) -> tuple[float, int]:
    """Returns the CPU time of the daemon's process and how many pages a job has, counted every so many seconds."""
    reports.TICK_S = seconds
    with tempfile.TemporaryDirectory() as folder:
        async with open_web_process("--sites", "4", "--pages", str(pages // 4), "--links", "40") as homes:
            async with open_jobs(DaemonConfig(), Path(folder) / "data", BASE) as jobs:
                started = time.process_time()
                job, _ = await jobs.submit(JobSpec(), lines(homes))
                await over(jobs, job.id)
                spent = time.process_time() - started
                return spent, jobs.find(job.id).pages


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] + ["1000000", "8000"][len(sys.argv) - 1 :])))
