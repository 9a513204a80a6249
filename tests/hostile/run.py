"""One crawl of the real command, watched from outside: its records as they come, and the memory of its whole tree."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CRAWL = Path(sys.executable).with_name("crawl")
LOOK_EVERY_S = 0.1
WEIGH_EVERY_S = 0.4
"""The system walks over all pages of a process to tell what it shares."""
Record = dict[str, Any]


@dataclass(slots=True)
class Run:
    """What a crawl did, as far as one can see from outside. Unix seconds."""

    folder: Path
    began: float = field(default_factory=time.time)
    ended: float = 0.0
    exit_code: int | None = None
    records: list[Record] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    """When each record stood in the file."""
    looks: list[float] = field(default_factory=list)
    tree_bytes: list[int] = field(default_factory=list)
    """The memory of all processes together at each look: a page that several share counts once."""
    peak_parts: list[int] = field(default_factory=list)
    """The largest of them, process by process; the command's own first."""
    left: list[str] = field(default_factory=list)
    """Processes of the tree that outlived it."""
    said: bytes = b""
    """Standard error."""
    _read: int = 0

    @property
    def wall_s(self) -> float:
        return self.ended - self.began

    @property
    def peak_bytes(self) -> int:
        return max(self.tree_bytes, default=0)

    def peak_between(self, begin: float, end: float) -> int:
        """The tree's largest measure in a span of time."""
        first = max(bisect_left(self.looks, begin) - 1, 0)
        return max(self.tree_bytes[first : bisect_right(self.looks, end) + 1], default=0)

    def take_records(self) -> None:
        """Whatever lines were added meanwhile."""
        path = self.folder / "pages.jsonl"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self.records.append(json.loads(line))
            self.came.append(time.time())

    def weigh(self, tree: list[psutil.Process]) -> None:
        sizes = []
        for process in tree:
            with contextlib.suppress(psutil.Error):
                sizes.append(_memory(process))
        if sum(sizes) > self.peak_bytes:
            self.peak_parts = sizes
        self.looks.append(time.time())
        self.tree_bytes.append(sum(sizes))


def _memory(process: psutil.Process) -> int:
    """Its own pages and its part of those that it shares (PSS); where the system does not tell them, all (RSS)."""
    return int(process.memory_full_info().pss if psutil.LINUX else process.memory_info().rss)


async def crawl(seeds: Sequence[str], folder: Path, options: Sequence[str], limit_s: float) -> Run:
    """Run the command until it ends by itself; after `limit_s` it is killed, and its exit code says so."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    listed, talk = folder.with_suffix(".txt"), folder.with_suffix(".log")
    listed.write_text("".join(f"{seed}\n" for seed in seeds))
    run = Run(folder)
    with talk.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(str(CRAWL), str(listed), "-o", str(folder), *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        ends = asyncio.create_task(process.wait())
        tree = await _watched(run, process.pid, ends, limit_s)
        run.exit_code = await ends
    run.ended = time.time()
    run.take_records()
    run.said = talk.read_bytes()
    run.left = [str(one) for one in await asyncio.to_thread(_survivors, tree)]
    return run


async def _watched(run: Run, pid: int, ends: asyncio.Task[int], limit_s: float) -> set[psutil.Process]:
    """Look again and again until it ends; every process there ever was."""
    known = {psutil.Process(pid)}
    while not ends.done():
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
            known.update(tree)
            if not run.looks or time.time() - run.looks[-1] > WEIGH_EVERY_S:
                run.weigh(tree)
        run.take_records()
        if time.time() - run.began > limit_s:
            os.killpg(pid, signal.SIGKILL)
        await asyncio.wait([ends], timeout=LOOK_EVERY_S)
    return known


def _survivors(tree: set[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there a few seconds later."""
    _, alive = psutil.wait_procs([one for one in tree if one.is_running()], timeout=5)
    for one in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return alive
