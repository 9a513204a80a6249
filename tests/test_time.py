"""Time comes in through one door, `runtime.clock`: so a test may skip the time in which a crawl only waits."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.committed import ROOT

CLOCKS = {"time.time", "time.monotonic", "time.perf_counter", "datetime.now"}
REAL = {
    "runtime/clock.py": "the door",
    "runtime/presence.py": "whether the process itself was away",
    "runtime/watchdog.py": "whether the loop itself stands still",
    "offload/guardian.py": "in a process beside the crawl",
    "offload/metering.py": "the CPU time of worker processes",
    "render/keeper.py": "in a process beside the crawl",
    "seeds/part.py": "how long another process takes to write a list",
    "assembly/several_loops.py": "how long processes of an earlier run take to end",
    "backends/postgres/link.py": "how long a server is away",
    "backends/redis/link.py": "how long a server is away",
    "remote/abandoned.py": "what other processes left in an object store",
}
"""Files that measure the machine, and why they ask it for the time."""
AFTERWARDS = {"bench", "daemon", "export", "lookback", "pack", "reports", "site_report"}
"""Rooms that no crawl needs while it runs: they look at it later, measure this machine, or live as long as it."""


def test_a_crawl_asks_for_the_time_at_one_door() -> None:
    asks = {path.relative_to(ROOT / "crawler").as_posix(): asked for path in _files() if (asked := _clocks(path))}
    beside = {name: asked for name, asked in asks.items() if name not in REAL and name.split("/")[0] not in AFTERWARDS}
    assert beside == {}, "ask crawler/runtime/clock.py for the time, or say here why not"
    assert [name for name in REAL if name not in asks] == [], "these ask for no time any longer"


def _files() -> list[Path]:
    return sorted((ROOT / "crawler").rglob("*.py"))


def _clocks(path: Path) -> set[str]:
    """The clocks of the machine that a file names."""
    tree = ast.parse(path.read_bytes())
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    taken = {
        f"{node.module}.{one.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names
    }
    return (named | taken) & CLOCKS
