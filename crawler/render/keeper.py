"""Keeps one browser: starts it without a network, watches its memory, and ends it with all its processes.

It runs as a process of its own, started by its path, and imports nothing of ours. It ends the browser when the crawl's
process is gone, however that ended: its line to us is then closed by the system.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""Linux: CLONE_NEWUSER and CLONE_NEWNET."""
_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36
"""Linux: PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER."""
_NOT_ROOT = 1000
"""The number that our own user has within the namespace. Chromium has no sandbox for root, so it must not be 0."""
_ROUND_S = 0.1
"""Time between two looks at memory. A page fills about 1 GB/s, so it overshoots its limit by some 100 MB."""
_TELL_EVERY = 5
"""Rounds between two messages about the memory of all processes."""
_WHOLE_EVERY = 10
"""Rounds between two looks for new parents of processes."""
_PATIENCE_S = 5.0
"""Time for killed processes to end. One that takes longer waits for a device, and is left alone."""


def main() -> None:
    """Runs the browser that the arguments describe, as JSON, until it ends or our line to the crawl is closed."""
    order = json.loads(sys.argv[1])
    line = socket.socket(fileno=int(order["line"]))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    has_namespace = bool(order["namespace"]) and _enter_namespace()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the crawl's: it ends the browser in its own time
    _tell(line, namespace=has_namespace)
    browser = _start(order["command"], line)
    try:
        _watch(browser, line, int(order["page_memory"]), int(order["most_memory"]))
    finally:
        _end(browser)
        shutil.rmtree(order["folder"], ignore_errors=True)
        _tell(line, ended=True)


def _enter_namespace() -> bool:
    """Leaves the network for an empty one, as a user that is not root. False: the system does not allow it."""
    if sys.platform != "linux":
        return False
    user, group = os.geteuid(), os.getegid()
    pid = os.fork()  # tried by another process first: one half of the step alone cannot be taken back
    if not pid:
        os._exit(0 if _unshare(user, group) else 1)
    return os.waitpid(pid, 0)[1] == 0 and _unshare(user, group)


def _unshare(user: int, group: int) -> bool:
    if ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK):
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_NOT_ROOT} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{_NOT_ROOT} {group} 1")
    except OSError:
        return False
    return True


def _start(command: list[str], line: socket.socket) -> int:
    """Starts the browser in a session of its own, its pipe to us at the numbers 3 and 4; returns its process id."""
    own, taken, given = os.getpid(), os.dup(0), os.dup(1)
    pid = os.fork()
    if pid:
        for file in (0, 1, taken, given):
            os.close(file)
        return pid
    try:
        os.setsid()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != own:
            os._exit(1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        high = [os.dup2(file, 100 + number, inheritable=False) for number, file in enumerate((taken, given))]
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, file in ((0, nothing), (1, nothing), (3, high[0]), (4, high[1])):
            os.dup2(file, number)
        os.closerange(5, 100)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(command[0], command)
    except BaseException as error:  # noqa: BLE001 - this is the child: it must not go on as the keeper
        with suppress(OSError):
            os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


def _watch(browser: int, line: socket.socket, page_memory: int, most_memory: int) -> None:
    """Returns when the browser has ended, takes more than `most_memory`, or the crawl closes the line.

    Kills pages that take too much memory.
    """
    rounds, family, has_pages = 0, _Family(os.getpid()), False
    while True:
        ready, _, _ = select.select([line], [], [], _ROUND_S)
        if ready and not line.recv(64):
            return
        if _reap(browser):
            return
        total = 0
        for pid in family.find(is_whole=not has_pages or not rounds % _WHOLE_EVERY):
            held = _memory(pid)
            total += held
            has_pages = has_pages or _is_page(pid)
            if held > page_memory and _is_page(pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        if total > most_memory:
            return
        if not rounds % _TELL_EVERY:
            _tell(line, memory=total)
        rounds += 1


class _Family:
    """The processes below one. To list all threads of all of them takes 5 ms, so most looks ask the parents known."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._threads: list[Path] = []
        """The threads that had children at a whole look: few, such as that of the zygote, which starts pages."""

    def find(self, *, is_whole: bool) -> list[int]:
        """Returns all processes; if the look is not a whole one, those whose parents are known."""
        if is_whole:
            kept = [thread for thread in self._threads if thread.exists()]
            self._threads = list(dict.fromkeys([*kept, *_parents(self._pid)]))
        return [pid for thread in self._threads for pid in _children(thread)]


def _parents(pid: int) -> Iterator[Path]:
    """Yields the threads of a process, and of those below it, that have children."""
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            if found := _children(thread):
                yield thread
                for child in found:
                    yield from _parents(child)


def _children(thread: Path) -> list[int]:
    try:
        return list(map(int, (thread / "children").read_text().split()))
    except (OSError, ValueError):
        return []


def _reap(browser: int) -> bool:
    """Collects children that have ended; returns whether the browser is one of them."""
    with suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            if pid == browser:
                return True
    return False


def _end(browser: int) -> None:
    """Kills the browser's group, then all that is left: what loses its parent becomes our child."""
    until = time.monotonic() + _PATIENCE_S
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(browser, signal.SIGKILL)
    while time.monotonic() < until:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for pid in _descendants(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _descendants(pid: int) -> Iterator[int]:
    """Yields the processes below one. None where the system does not list children."""
    with suppress(OSError, ValueError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)


def _memory(pid: int) -> int:
    """Returns the bytes of memory that a process does not share with files. 0: it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if line.startswith("Rss"))
    return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in fields) << 10


def _is_page(pid: int) -> bool:
    try:
        return b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _tell(line: socket.socket, **facts: object) -> None:
    with suppress(OSError):
        line.setblocking(False)
        line.send(json.dumps(facts).encode() + b"\n")
        line.setblocking(True)


if __name__ == "__main__":
    main()
