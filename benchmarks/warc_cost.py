"""What an archive costs a page: the same crawl by turns with WARC files and without, and the pieces of that cost."""

import argparse
import gzip
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan, lay_out, write
from benchmarks.site import GZIP_LEVEL, serving

MOST_SLOWER, MOST_CPU_MS = 0.15, 0.25
"""The goal: pages a second that an archive may cost, and CPU milliseconds a page of PAGE_BYTES, all processes."""
PAGE_BYTES = 40_000
WAYS = {"without": [{"kind": "jsonl"}], "with": [{"kind": "jsonl"}, {"kind": "warc"}]}


@dataclass(frozen=True, slots=True)
class Run:
    cpu_ms: float
    """Of all processes, a page."""
    loop_ms: float
    """Of the loop's thread, a page."""
    per_s: float


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    plan = Plan(pages=given.pages, hosts=given.hosts, is_packed=given.gzip)
    bodies = [body for _, body in write(plan, lay_out(plan))]
    size = sum(map(len, bodies)) // len(bodies)
    if given.gzip:
        bodies = [gzip.compress(body, GZIP_LEVEL) for body in bodies]
    print(describe(PYTHON))
    coding = f"as gzip of {sum(map(len, bodies)) // len(bodies):,}" if given.gzip else "identity"
    print(f"{given.pages} pages of {size:,} bytes on average, {coding}; CPU of all processes and of the loop, a page\n")
    print("| round |" + "".join(f" {way}: CPU ms | loop ms | pages/s |" for way in WAYS))
    print("|---" * (1 + 3 * len(WAYS)) + "|")
    found: dict[str, list[Run]] = {way: [] for way in WAYS}
    with serving(plan) as site:
        for number in range(given.rounds):
            for way in [*WAYS][:: 1 if number % 2 else -1]:
                found[way].append(_crawl(site.url, way))
            runs = (found[way][-1] for way in WAYS)
            cells = (f"{run.cpu_ms:.2f} | {run.loop_ms:.2f} | {run.per_s:.0f}" for run in runs)
            print(f"| {number + 1} | {' | '.join(cells)} |", flush=True)
    _print_pieces(bodies[:200])
    return _judge(found, size)


def _judge(found: dict[str, list[Run]], size: int) -> int:
    """Compares runs of one round, for the machine may be another one in the next."""
    pairs = list(zip(found["with"], found["without"], strict=True))
    cpu_ms = statistics.median(one.cpu_ms - other.cpu_ms for one, other in pairs)
    loop_ms = statistics.median(one.loop_ms - other.loop_ms for one, other in pairs)
    slower = 1 - statistics.median(one.per_s / other.per_s for one, other in pairs)
    scaled = cpu_ms * PAGE_BYTES / size
    print(f"\nmedians of the rounds: {cpu_ms:+.3f} CPU ms a page, {scaled:+.3f} for {PAGE_BYTES:,} bytes; "
          f"{loop_ms:+.3f} of it on the loop; {slower:+.1%} slower")  # fmt: skip
    print(f"goal: at most {MOST_CPU_MS} CPU ms and {MOST_SLOWER:.0%}")
    return 0 if scaled <= MOST_CPU_MS and slower <= MOST_SLOWER else 1


def _crawl(seed: str, way: str) -> Run:
    report, cost = crawl([seed], {"reach": "any", "per_site": 64, "sinks": WAYS[way]}, watch=False)
    return Run(cost.cpu_s / report.pages * 1e3, report.loop_cpu_s / report.pages * 1e3, report.pages / report.run_s)


def _print_pieces(bodies: Sequence[bytes]) -> None:
    """Prints what the records of one page cost, one after another in this process."""
    from crawler.model import Heads, Response, Url
    from crawler.warc.records import digest, make_exchange, make_fields, make_metadata, make_request, make_response

    heads = Heads(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" * 3, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" * 3)
    url = Url("http://a.test/section/topic-1/some-words-1.html")
    answers = [Response(url, 200, (), body, heads=heads, started_at=time.time()) for body in bodies]
    spent = dict.fromkeys(("exchange", "payload digest", "response", "request", "metadata"), 0.0)
    for answer in answers:
        marks = [time.process_time()]
        exchange = make_exchange(answer)
        marks.append(time.process_time())
        payload = digest("sha1", answer.body)
        marks.append(time.process_time())
        record = make_response(exchange, payload, "sha1")
        marks.append(time.process_time())
        make_request(exchange, record.id, "sha1")
        marks.append(time.process_time())
        make_metadata(exchange, record.id, make_fields([("via", answer.url.text)] * 12), "sha1")
        marks.append(time.process_time())
        for name, begun, ended in zip(spent, marks, marks[1:], strict=False):
            spent[name] += ended - begun
    print("\nCPU ms a page: " + ", ".join(f"{name} {s / len(answers) * 1e3:.3f}" for name, s in spent.items()))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks warc_cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--gzip", action="store_true", help="serve pages as gzip, as most of the web is")
    parser.add_argument("--rounds", type=int, default=7, help="crawls of each kind")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
