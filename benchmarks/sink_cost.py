"""What an output beside the records costs a page: the same crawl by turns with pages.jsonl alone and with each kind."""

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

if TYPE_CHECKING:
    from crawler import Config, Outcome
    from crawler.model import Post
    from crawler.protocols import Output, Sink

MOST_SLOWER = 0.05
"""The goal: the share of pages a second that one output may cost."""
RECORDS: Mapping[str, object] = {"kind": "jsonl"}
ALONE = "jsonl"
PIECES = 12_800
"""Records that are written to each output by itself."""
KINDS = ("csv", "sqlite", "parquet", "webhook", "postgres")


@dataclass(frozen=True, slots=True)
class Run:
    cpu_ms: float
    """Of all processes, a page. A PostgreSQL server and the receiver of messages are not among them."""
    loop_ms: float
    per_s: float


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print(
        f"{given.pages} pages, medians of {given.rounds} rounds by turns, each beside {ALONE} alone in its round\n",
        flush=True,
    )
    plan = Plan(pages=given.pages, hosts=given.hosts)
    with ExitStack() as stack:
        outputs = {kind: sink for kind in given.kinds if (sink := stack.enter_context(_open(kind)))}
        asyncio.run(_print_pieces(outputs))
        if not given.rounds:
            return 0
        site = stack.enter_context(serving(plan))
        found: dict[str, list[Run]] = {way: [] for way in (ALONE, *outputs)}
        for number in range(given.rounds):
            for way in [*found][:: 1 if number % 2 else -1]:
                run = _crawl(site.url, [RECORDS, *([outputs[way]] if way != ALONE else [])])
                print(f"round {number + 1}, {way}: {run.cpu_ms:.2f} CPU ms, {run.per_s:.0f} pages/s", flush=True)
                found[way].append(run)
    return _judge(found)


async def _print_pieces(outputs: Mapping[str, Mapping[str, object]]) -> None:
    """Prints the CPU time that each output takes for a record whose line is made already, all threads together."""
    from crawler import Config
    from crawler.model import Disposition, Lease, Outcome, Page, Request, Response, Timings, Url
    from crawler.settings.loading import amend
    from crawler.sinks import Wants
    from crawler.sinks.record import record

    def outcome(n: int) -> Outcome:
        url = Url(f"http://a.test/section/topic-{n % 97}/some-words-{n}.html")
        head = ((b"Content-Type", b"text/html; charset=utf-8"), (b"ETag", b'"5f1"'))
        page = Page(n.to_bytes(32, "big"), 40_000, "html", "utf-8", "A title of some words", n_links=60)
        answer = Response(url, 200, head, b"", "192.0.2.1", 0.0, Timings(ttfb=12.3))
        return Outcome(Lease(Request(url), n), Disposition.FETCHED, response=answer, page=page, visited_at=1.7e9 + n)

    print("CPU µs a record beside pages.jsonl:", end=" ", flush=True)
    for kind, sink in {ALONE: RECORDS, **outputs}.items():
        batches = [[outcome(64 * batch + n) for n in range(64)] for batch in range(PIECES // 64)]
        for one in batches:
            for each in one:
                record(each, Wants())
        config = amend(Config(), {"sinks": [sink], "allow_networks": ["127.0.0.0/8"]})
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            spent = min([await _write_all(Path(folder) / str(turn), config, batches) for turn in range(3)])
        print(f"{kind} {spent / PIECES * 1e6:.1f}", end="; ", flush=True)
    print("\n")


async def _write_all(folder: Path, config: "Config", batches: Sequence[Sequence["Outcome"]]) -> float:
    """Returns the CPU seconds from the first record to the closed output."""
    from crawler.fetch.posting import open_post_alone
    from crawler.protocols import Follower
    from crawler.sinks import make_outputs

    folder.mkdir()
    (output,) = make_outputs(folder, config)
    async with open_post_alone(config.fetch) as post:
        begun = time.process_time()
        async with _open_sink(output, post) as sink:
            await sink.rewind(None)
            for batch in batches:
                await sink.write(batch)
                if isinstance(sink, Follower):
                    sink.note_settled()
        return time.process_time() - begun


def _open_sink(output: "Output", post: "Post") -> AbstractAsyncContextManager["Sink"]:
    from crawler.protocols import Posting

    if isinstance(output, Posting):
        return output.open_posting(post, is_synced=True)
    return output.open(is_synced=True)


def _judge(found: Mapping[str, Sequence[Run]]) -> int:
    """Compares runs of one round, for the machine may be another one in the next."""
    base = found[ALONE]
    print("\n| output | CPU ms a page | more | loop ms | more | pages/s | slower |\n|---|---|---|---|---|---|---|")
    misses = 0
    for kind, runs in found.items():
        cpu, loop, speed = (
            statistics.median(getattr(run, name) for run in runs) for name in ("cpu_ms", "loop_ms", "per_s")
        )
        more_cpu = statistics.median(one.cpu_ms - other.cpu_ms for one, other in zip(runs, base, strict=True))
        more_loop = statistics.median(one.loop_ms - other.loop_ms for one, other in zip(runs, base, strict=True))
        slower = 1 - statistics.median(one.per_s / other.per_s for one, other in zip(runs, base, strict=True))
        print(f"| {kind} | {cpu:.2f} | {more_cpu:+.3f} | {loop:.2f} | {more_loop:+.3f} | {speed:.0f} | {slower:+.1%} |")
        misses += slower > MOST_SLOWER
    print(f"\ngoal: at most {MOST_SLOWER:.0%} slower")
    return 1 if misses else 0


def _crawl(seed: str, sinks: Sequence[Mapping[str, object]]) -> Run:
    report, cost = crawl([seed], {"reach": "any", "per_site": 64, "sinks": sinks}, watch=False)
    return Run(cost.cpu_s / report.pages * 1e3, report.loop_cpu_s / report.pages * 1e3, report.pages / report.run_s)


@contextmanager
def _open(kind: str) -> Iterator[Mapping[str, object]]:
    """Yields the settings of an output, and runs what it needs beside it. Empty: it cannot be had here."""
    if kind == "webhook":
        with _receiving() as url:
            yield {"kind": kind, "url": url, "secret": "whsec_YmVuY2g="}
    elif kind == "postgres":
        from tests.postgres import open_server, why_not

        if why := why_not():
            print(f"postgres is left out: {why}\n")
            yield {}
            return
        with open_server() as server:
            asyncio.run(server.ask("SELECT 1"))
            yield {"kind": kind, "url": server.url}
    else:
        yield {"kind": kind}


@contextmanager
def _receiving() -> Iterator[str]:
    """Runs a receiver of messages in a thread, which takes all of them."""
    loop, is_up = asyncio.new_event_loop(), threading.Event()
    urls: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _read_head(reader):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        is_up.set()
        await server.serve_forever()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except RuntimeError:  # it was stopped
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    is_up.wait()
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks sink_cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument(
        "--rounds", type=int, default=7, help="crawls of each kind; 0: only what a record costs each output"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
