"""One crawl through the library in a process of its own, which reports what only the inside can see."""

import asyncio
import contextlib
import cProfile
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from benchmarks.contestants import PYTHON
from benchmarks.tree import Cost, measure

ROOT = Path(__file__).resolve().parent.parent
ON_LOOPBACK: Mapping[str, object] = {"delay_s": 0, "allow_networks": ["127.0.0.0/8"]}
"""What a benchmark must lift: politeness and the address guard."""
ASK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Report:
    """What the process says of its crawl. Times in seconds, lateness of the loop in milliseconds."""

    pages: int
    failed: int
    import_s: float
    """From the start of the process to the library imported."""
    open_s: float
    """From there to all parts standing: workers started, folder and frontier opened."""
    run_s: float
    """From the first seed to the last page settled."""
    close_s: float
    loop_cpu_s: float
    """CPU time of the loop's thread while the crawl ran."""
    threads_cpu_s: float
    """The same of all threads of its process: workers apart."""
    late_ms: Mapping[str, float]
    """How late a turn of the loop came that was asked for every 5 ms: p50, p99, p99.9 and the worst."""
    busy_ms: Mapping[str, float]
    """The CPU time that the loop's thread took meanwhile: how late it would be with a core of its own."""


def crawl(
    seeds: Sequence[str], settings: Mapping[str, object], *, profile: Path | None = None, watch: bool = True
) -> tuple[Report, Cost]:
    """Crawls into a folder that is thrown away; durable frontier, robots.txt and JSONL as shipped.

    `profile`: where cProfile's account of the loop's thread goes. Without `watch` nobody asks the loop for turns.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, log = Path(name), Path(name) / "stderr.txt"
        order = {
            "folder": str(folder / "crawl"),
            "seeds": list(seeds),
            "settings": {**ON_LOOPBACK, **settings},
            "profile": str(profile) if profile else "",
            "watch": watch,
            "ordered_at": time.time(),
        }
        (folder / "order.json").write_text(json.dumps(order))
        cost = measure([PYTHON, "-m", "benchmarks.inside", name], cwd=ROOT, log=log)
        if cost.exit_code != 0:
            raise SystemExit(f"the crawl ended with exit code {cost.exit_code}:\n{log.read_text()}")
        return Report(**json.loads((folder / "report.json").read_text())), cost


def main() -> None:
    folder = Path(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report = uvloop.run(_obey(json.loads((folder / "order.json").read_text())))
    (folder / "report.json").write_text(json.dumps(asdict(report)))


async def _obey(order: Mapping[str, object]) -> Report:
    from crawler import Config, open_crawl  # here, so that its cost is start-up, and only of this process

    imported = time.time()
    late: list[float] = []
    busy: list[float] = []
    began = time.perf_counter()
    config = Config(**order["settings"])  # type: ignore[arg-type]
    async with open_crawl(config, folder=str(order["folder"])) as crawl:
        opened, loop_s, threads_s = time.perf_counter(), time.thread_time(), time.process_time()
        with _profiled(str(order["profile"])):
            ticking = asyncio.create_task(_ask_for_turns(late, busy)) if order["watch"] else None
            summary = await crawl.run(order["seeds"])  # type: ignore[arg-type]
            if ticking:
                ticking.cancel()
        ran, loop_s, threads_s = time.perf_counter(), time.thread_time() - loop_s, time.process_time() - threads_s
    return Report(
        pages=summary.pages,
        failed=summary.failed,
        import_s=imported - float(order["ordered_at"]),  # type: ignore[arg-type]
        open_s=opened - began,
        run_s=ran - opened,
        close_s=time.perf_counter() - ran,
        loop_cpu_s=loop_s,
        threads_cpu_s=threads_s,
        late_ms=_spread(late),
        busy_ms=_spread(busy),
    )


async def _ask_for_turns(late: list[float], busy: list[float]) -> None:
    while True:
        due, spent_s = time.perf_counter() + ASK_EVERY_S, time.thread_time()
        await asyncio.sleep(ASK_EVERY_S)
        late.append(max(0.0, time.perf_counter() - due))
        busy.append(max(0.0, time.thread_time() - spent_s - ASK_EVERY_S))


def _spread(late: list[float]) -> dict[str, float]:
    ranked = sorted(late) or [0.0]
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "worst": 1.0}
    return {name: ranked[min(int(len(ranked) * share), len(ranked) - 1)] * 1000 for name, share in shares.items()}


@contextlib.contextmanager
def _profiled(path: str) -> Iterator[None]:
    if not path:
        yield
        return
    profile = cProfile.Profile(time.thread_time_ns, 1e-9)
    profile.enable()
    yield
    profile.disable()
    profile.dump_stats(path)


if __name__ == "__main__":
    main()
