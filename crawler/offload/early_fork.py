"""Forks the helpers of multiprocessing from this process, so that they need no new Python and few imports of their own.

multiprocessing starts two processes beside a program: one that forks workers, and one that removes what dead processes
leave. It starts a new Python for each, which costs a fifth of a CPU second and more. A process that is alone with its
thread may fork instead: its modules are there already, and their memory is shared. That holds for a command that has
just begun, not for a program that uses this library, so only the command asks for it.

A child that was forked waits for its order, so it can be forked before files of settings are read, whose secrets it
has no use for. It ends if none comes.
"""

from __future__ import annotations

import ast
import ctypes
import fcntl
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from multiprocessing import forkserver, resource_tracker, util
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from .fork_folder import leave_none_behind
from .guardian import close_all_but

HELPERS = 2
"""The fork server and the resource tracker."""
SHARED = ("crawler.offload.process", "crawler.parse.blocked", "crawler.parse.codings", "crawler.parse.kinds")
"""Modules that workers and the process with the event loop need."""
_MAINS: Mapping[str, Callable[..., None]] = {
    "multiprocessing.forkserver": getattr(forkserver, "main"),  # noqa: B009 - mypy knows no such name
    "multiprocessing.resource_tracker": getattr(resource_tracker, "main"),  # noqa: B009
}
"""The functions that the helpers consist of."""
_LONGEST = 64 << 10
"""Bytes of an order: a line of Python with a list of folders in it."""
_MOST_FILES = 16
_BLOCKED = {signal.SIGINT, signal.SIGHUP, signal.SIGTERM}
"""Signals that a terminal or a person sends to all processes of a command. Only the command itself answers them."""
_SET_NAME = 15
"""Linux: PR_SET_NAME, the name by which `ps` and `killall` know a process."""


class _Waiting(NamedTuple):
    """A child that waits for its order."""

    pid: int
    line: socket.socket


_children: list[_Waiting] = []
# Belongs to the process as its children do, and only `fork_early` and `ordering` use it.


@cache
def fork_early(thresholds: tuple[int, int, int]) -> None:
    """Forks the helpers, once, which wait to be needed. Does nothing where this process has other threads.

    `thresholds` say how often they look for garbage, as `gc.set_threshold` takes them. Modules that this process and
    its workers both need are imported before.
    """
    if not _is_alone():
        return
    for name in SHARED:
        import_module(name)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    try:
        _children.extend(_fork(thresholds) for _ in range(HELPERS))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def ordering() -> Iterator[None]:
    """Lets multiprocessing have the waiting children as its helpers while the block lasts.

    Only `multiprocessing.util` is changed, and only while this process has no other thread.
    """
    usual = util.spawnv_passfds
    if _children and _is_alone():
        util.spawnv_passfds = _order  # type: ignore[assignment]
    try:
        yield
    finally:
        util.spawnv_passfds = usual


def _is_alone() -> bool:
    """Whether this process has one thread, those of C libraries included. Other systems cannot fork safely."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _order(path: Any, args: Sequence[Any], files: Sequence[int]) -> int:
    """Stands in for `spawnv_passfds`: has a waiting child run what a new Python would. Returns its process id."""
    order = "\0".join([args[-1], *map(str, files)]).encode()
    while _read_call(args[-1]) and len(order) <= _LONGEST and _children:
        child = _children.pop()
        with child.line, suppress(OSError):  # it was killed meanwhile
            socket.send_fds(child.line, [order], files)
            return child.pid
    return _spawn(path, args, files)


class _Call(NamedTuple):
    """The call that a helper begins with."""

    helper: str
    args: list[Any]
    named: dict[str, Any]


def _read_call(code: str) -> _Call | None:
    """Reads the line that multiprocessing gives to a new Python: `from ... import main; main(5, 6, [...], **{...})`.

    It is read and not run, so nothing but these two functions, with plain values, can come of it. None: it is another.
    """
    try:
        match ast.parse(code).body:
            case [ast.ImportFrom(module=str(module)), ast.Expr(ast.Call(ast.Name("main"), args, keywords))]:
                named = dict[str, Any]()
                for one in keywords:
                    value = ast.literal_eval(one.value)
                    named |= value if one.arg is None else {one.arg: value}
                return _Call(module, list(map(ast.literal_eval, args)), named) if module in _MAINS else None
    except (SyntaxError, ValueError):
        pass
    return None


_spawn = util.spawnv_passfds


def _fork(thresholds: tuple[int, int, int]) -> _Waiting:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        gc.freeze()  # a collection writes on all that it looks at, and such memory is no longer shared
        gc.set_threshold(*thresholds)
        ours.close()
        _serve(theirs)
    theirs.close()
    return _Waiting(pid, ours)


def _serve(line: socket.socket) -> NoReturn:
    """Waits for the order, runs it, and ends. It never returns into the command, not even by an error."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        while _children:
            _children.pop().line.close()
        close_all_but([line.fileno()])
        order, files, _, _ = socket.recv_fds(line, _LONGEST, _MOST_FILES)
        if order:
            _run(order, files, line)
        code = 0
    except SystemExit:
        code = 0
    except BaseException:  # noqa: BLE001 - there is nobody else to tell
        sys.excepthook(*sys.exc_info())
    finally:
        leave_none_behind(os.getpid())
        os._exit(code)


def _run(order: bytes, files: Sequence[int], line: socket.socket) -> None:
    """Becomes the helper that a new Python would be, with its files under the numbers that the order names."""
    code, *numbers = order.decode().split("\0")
    call = _read_call(code)
    assert call is not None
    _number(files, list(map(int, numbers)), line)
    _look_like_new(call.helper)
    for handler in (signal.SIG_IGN, signal.SIG_DFL):  # one that came while it waited was for the command
        signal.signal(signal.SIGTERM, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _MAINS[call.helper](*call.args, **call.named)


def _number(files: Sequence[int], numbers: Sequence[int], line: socket.socket) -> None:
    """Gives files their numbers. They are moved out of the way first: one may have the number of another."""
    above = max([*files, *numbers, line.fileno()]) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, above) for file in files]
    line.close()
    for file in files:
        os.close(file)
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number, inheritable=False)
        os.close(file)


def _look_like_new(helper: str) -> None:
    """Takes the command's program and name away."""
    sys.modules["__main__"] = ModuleType("__main__")
    sys.argv = ["-c"]
    ctypes.CDLL(None).prctl(_SET_NAME, helper.rpartition(".")[2].encode(), 0, 0, 0)
