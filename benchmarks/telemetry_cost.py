"""What telemetry costs a page: the same crawl without it, with a hundredth of the visits traced, and with all."""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

GOAL = 0.03
"""Of the CPU time of the crawl's own process, at most, with one visit in a hundred traced."""
WAYS: Mapping[str, Mapping[str, object]] = {
    "off": {},
    "0.01": {"otel": True, "trace_ratio": 0.01},
    "1": {"otel": True, "trace_ratio": 1.0},
}


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print("CPU of the crawl's own process, in µs a page: the loop's thread, and all threads\n")
    print("| round |" + "".join(f" {way}: loop | all |" for way in WAYS))
    print("|---" * (1 + 2 * len(WAYS)) + "|")
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site, _collector() as endpoint:
        for number in range(given.rounds):
            for way in [*WAYS][:: 1 if number % 2 else -1]:
                found[way].append(_crawl(site.url, {**WAYS[way], "otel_endpoint": endpoint}))
            cells = (f"{loop:.0f} | {every:.0f}" for loop, every in (found[way][-1] for way in WAYS))
            print(f"| {number + 1} | {' | '.join(cells)} |", flush=True)
    least = {way: [min(values) for values in zip(*rounds, strict=True)] for way, rounds in found.items()}
    middle = {way: [statistics.median(values) for values in zip(*rounds, strict=True)] for way, rounds in found.items()}
    print()
    for way in WAYS:
        print(f"{way:>5}: loop {middle[way][0]:.0f} µs, all threads {middle[way][1]:.0f} µs (medians); "
              f"least {least[way][0]:.0f} and {least[way][1]:.0f}")  # fmt: skip
    dearer = least["0.01"][1] / least["off"][1] - 1
    print(f"\none visit in a hundred costs {dearer:+.1%} of CPU by the least of all rounds; goal: at most {GOAL:.0%}")
    return 0 if dearer <= GOAL else 1


def _crawl(seed: str, settings: Mapping[str, object]) -> tuple[float, float]:
    report, _ = crawl([seed], {"reach": "any", "per_site": 8, **settings}, watch=False)
    return report.loop_cpu_s / report.pages * 1e6, report.threads_cpu_s / report.pages * 1e6


class _Taking(BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def _collector() -> Iterator[str]:
    """A collector in a process of its own, whose CPU time is not ours."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_take, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _take(told: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    told.send(server.server_port)
    server.serve_forever()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks telemetry_cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=6, help="crawls of each kind")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
