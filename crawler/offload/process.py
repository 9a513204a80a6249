"""Worker processes as such: what they descend from, how one is started, how one is ended whatever state it is in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess

from . import guardian, inside
from .fork_folder import sheltered

PRELOAD = ["crawler.parse", "crawler.offload.fork_folder", "crawler.offload.inside"]
"""Imported once by the fork server, so that a new worker stands in about 0.03 s."""
START_S = 30.0
"""What a worker gets until it answers for the first time; it takes a second on a machine that is busy."""
_starting = threading.Lock()
"""Held from changing what belongs to the whole process until it is as it was: workers are started in threads."""


def start_fork_server() -> None:
    """Start what worker processes descend from, unless it runs already: it imports what they need.

    A terminal sends Ctrl-C, and its own end, to every process it holds. They are for the main process alone, so the
    others are born deaf to them; until they could ignore them by themselves they would be killed.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    with _starting, _nothing_planted():
        resource_tracker.ensure_running()  # first, for it changes the mask as well
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            with sheltered():
                forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _nothing_planted() -> Iterator[None]:
    """Processes begun here import nothing from the folder one happens to stand in, as `python -c` would."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def start_worker() -> tuple[ProcessPoolExecutor, BaseProcess | None]:
    """An executor and the one process in it. Raises BrokenExecutor when it cannot be started, OSError for a mishap."""
    start_fork_server()
    context = multiprocessing.get_context("forkserver")
    executor = ProcessPoolExecutor(1, mp_context=context, initializer=inside.begin)
    process = None
    try:
        started = executor.submit(os.getpid)
        process = next(iter((getattr(executor, "_processes", None) or {}).values()), None)
        started.result(START_S)
    except BaseException as error:
        if process is not None and isinstance(error, TimeoutError):  # it was stopped before it had begun
            kill_alone(process)
        executor.shutdown(wait=True, cancel_futures=True)
        if process is not None and process.exitcode != 1:  # Python itself ends so, where the program cannot be run
            raise ChildProcessError("the worker process was killed as it started") from error
        raise
    return executor, process


def kill(process: BaseProcess) -> None:
    """End it now, with whatever it started; it may be stopped, busy in C code, or gone."""
    if process.pid is None:
        return
    if not guardian.is_possible():
        return kill_alone(process)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)  # its guardian hears it
        os.kill(process.pid, signal.SIGCONT)


def kill_alone(process: BaseProcess) -> None:
    """End it whatever its guardian does, and its process group."""
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the group that it leads, see `inside.begin`
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)  # where it had not begun, it leads none
