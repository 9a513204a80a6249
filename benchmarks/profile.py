"""Where a crawl of the benchmark site spends its time, as flame graphs of loop, threads and workers: `profile`.

py-spy looks at all processes of the crawl from outside, two hundred times a second; it needs no root where a process
may look at its own children. Of each part there are an SVG, and a text that speedscope and flamegraph.pl read.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.contestants import PEERS, PYTHON, crawld
from benchmarks.flames import Stacks, collapse, draw
from benchmarks.machine import describe
from benchmarks.modern_site import serving_modern
from benchmarks.pages import Plan
from benchmarks.site import Site, serving

ROOT = Path(__file__).resolve().parent.parent
RATE = 200
TOLD = 12
PARTS = {
    "loop": "the event loop's thread",
    "threads": "the other threads of its process",
    "workers": "the worker processes",
}
_PROCESS = re.compile(r'process \d+:".*?";(?=process \d+:"|thread \()')
_THREAD = re.compile(r"thread \([^)]*\)(?:: ([^;]*))?;?")
_WAITS = re.compile(
    r"Condition\.wait |_worker \(concurrent/futures/thread|_\w*Selector\.select "
    r"|Connection\._recv |wait \(multiprocessing/"
)
"""The innermost frames of threads that wait, which py-spy takes for busy now and then."""
_RUNS = re.compile(r"Runner\.run \(asyncio/|run \(uvloop/")
_OWN = re.compile(r"\(crawler/(\w+(?:\.py)?)")


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    profiler = PEERS / "profiler" / "bin" / "py-spy"
    if not profiler.exists():
        print("there is no py-spy: make profile installs it")
        return 1
    print(describe(PYTHON))
    if given.modern:
        with serving_modern(Plan(given.pages, 300, is_modern=True)) as (site, _):
            raw = record(str(profiler), site)
    else:
        with serving(Plan(given.pages)) as site:
            raw = record(str(profiler), site)
    given.output.mkdir(parents=True, exist_ok=True)
    for part, stacks in split(raw.splitlines()).items():
        _write(given.output, part, stacks, given.pages)
    return 0


def record(profiler: str, site: Site) -> str:
    """Crawls the site while it is looked at; returns the stacks as py-spy tells them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        told = ["record", "--subprocesses", "--threads", "--function", "--format", "raw", "--rate", str(RATE)]
        command = [profiler, *told, "--output", str(folder / "raw.txt"), "--", *crawld().command(site, folder)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not (folder / "raw.txt").exists():
            raise SystemExit(f"py-spy could not look at the crawl:\n{ran.stdout}{ran.stderr}")
        return (folder / "raw.txt").read_text()


def split(lines: Iterable[str]) -> dict[str, Stacks]:
    """Returns the stacks of each part, without what py-spy says of processes and threads."""
    found = {part: Counter[tuple[str, ...]]() for part in PARTS}
    for line in lines:
        stack, _, samples = line.rpartition(" ")
        end = processes = 0
        while process := _PROCESS.match(stack, end):
            end, processes = process.end(), processes + 1
        thread = _THREAD.match(stack, end)
        if thread is None:
            continue
        part = _part(processes, thread[1] or "")
        frames = tuple(frame for frame in stack[thread.end() :].split(";") if frame)
        if frames and not _WAITS.match(frames[-1]):
            found[part][frames] += int(samples)
    return dict(found)


def _part(processes: int, thread: str) -> str:
    if processes > 1:  # the crawl's process has no other children that work
        return "workers"
    return "loop" if thread in {"", "MainThread"} else "threads"


def _write(folder: Path, part: str, stacks: Stacks, pages: int) -> None:
    samples = sum(stacks.values())
    ms = samples / RATE * 1000 / pages
    (folder / f"{part}.txt").write_text(collapse(stacks))
    (folder / f"{part}.svg").write_text(draw(stacks, f"{PARTS[part]}: {ms:.2f} ms a page, {pages} pages"))
    print(f"\n{PARTS[part]}: {ms:.2f} ms a page while it ran -> {folder / part}.svg, {part}.txt")
    innermost = Counter[str]()
    for stack, number in stacks.items():
        innermost[stack[-1]] += number
    for title, found in (("by room", rooms(stacks)), ("by function", innermost)):
        print(f"  {title}")
        for name, number in found.most_common(TOLD):
            print(f"  {number / max(samples, 1):6.1%}  {number / RATE * 1000 / pages:.3f} ms  {name}")


def rooms(stacks: Stacks) -> Counter[str]:
    """Returns the samples by the room of ours that is nearest to where they were taken: it asked for that work."""
    found = Counter[str]()
    for stack, samples in stacks.items():
        found[_room(stack)] += samples
    return found


def _room(stack: Sequence[str]) -> str:
    if any(frame.startswith("_find_and_load ") for frame in stack):
        return "imports"
    start = max((n + 1 for n, frame in enumerate(stack) if _RUNS.match(frame)), default=0)
    own = [match[1] for frame in stack[start:] if (match := _OWN.search(frame))]
    if own:
        return own[-1].removesuffix(".py")
    return "event loop and kernel" if start else "other code"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks profile", description=__doc__)
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--modern", action="store_true", help="the site nearer to today's web, with TLS")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "profile")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
