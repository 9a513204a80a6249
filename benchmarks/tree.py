"""What a command costs: wall time, CPU seconds and peak memory of its whole process tree."""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.2  # reading a tree's shared pages costs milliseconds: more often would weigh on what is weighed
ORPHANS_S = 5.0  # how long processes may outlive the command that started them before they are ended
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took, all its processes together."""

    exit_code: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    """Proportional set size (shared pages counted once) where the system tells it, else the sum of resident sizes."""
    peak_rss_bytes: int
    most_processes: int


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 900,
    log: Path | None = None,
) -> Cost:
    """Runs the command to its end.

    On Linux the CPU time is exact: this process adopts whatever the command leaves behind (a forkserver, say) and
    waits for it, so the kernel's own account holds every descendant. Elsewhere it is sampled, and a little too low.
    Python may keep what it compiles, as for its users, even where PYTHONDONTWRITEBYTECODE is set for ourselves.
    """
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    adopts = _adopt_orphans()
    before, strangers = _children_cpu_s(), set(psutil.Process().children())
    with contextlib.ExitStack() as files:
        errors = files.enter_context(log.open("wb")) if log else None
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        scale = _Scale(process.pid)
        with scale:
            exit_code = _wait(process, timeout_s)
            wall_s = time.perf_counter() - began
        _await_orphans(strangers)
    cpu_s = _children_cpu_s() - before if adopts else scale.cpu_s
    return Cost(exit_code, wall_s, cpu_s, scale.peak_bytes, scale.peak_rss_bytes, scale.most_processes)


@dataclass
class _Scale:
    """Looks at a tree from a thread while the `with` block lasts, and keeps the largest of what it saw."""

    pid: int
    peak_bytes: int = 0
    peak_rss_bytes: int = 0
    most_processes: int = 0
    _cpu_s: dict[tuple[int, float], float] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu_s.values())

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="tree-scale")
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_EVERY_S):
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(self.pid)
                self._look([root, *root.children(recursive=True)])

    def _look(self, tree: list[psutil.Process]) -> None:
        sizes = [self._size(process) for process in tree]
        self.peak_bytes = max(self.peak_bytes, sum(size for size, _ in sizes))
        self.peak_rss_bytes = max(self.peak_rss_bytes, sum(rss for _, rss in sizes))
        self.most_processes = max(self.most_processes, len(tree))

    def _size(self, process: psutil.Process) -> tuple[int, int]:
        try:
            times, memory = process.cpu_times(), process.memory_full_info()
            self._cpu_s[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:  # it ended between being listed and being read
            return 0, 0
        return getattr(memory, "pss", memory.rss), memory.rss


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        for one in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.kill()
        return process.wait()


def _await_orphans(strangers: set[psutil.Process]) -> None:
    """Waits for what the command left to us, and for what that leaves in turn; ends it when it stays."""
    deadline = time.monotonic() + ORPHANS_S
    while orphans := [child for child in psutil.Process().children() if child not in strangers]:
        for orphan in orphans:
            if time.monotonic() > deadline:
                orphan.kill()
            with contextlib.suppress(psutil.TimeoutExpired):
                orphan.wait(0.1)


def _adopt_orphans() -> bool:
    return sys.platform == "linux" and bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
