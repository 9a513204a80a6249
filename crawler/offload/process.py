"""Starts the fork server and worker processes, and ends them whatever state they are in."""

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

from . import guardian, in_worker
from .early_fork import ordering
from .fork_folder import use_private_folder
from .program import WorkerContext
from .shared_bytes import SharedBytes

PRELOAD = ["crawler.parse.page", "crawler.offload.fork_folder", "crawler.offload.in_worker"]
"""Imported once by the fork server, so that a new worker is ready in about 0.03 s."""
START_S = 30.0
"""Time until a worker must give its first answer. It takes a second on a busy machine."""
_starting = threading.Lock()
"""Held while state of the whole process is changed and until it is restored, because workers start in threads."""


def start_fork_server() -> None:
    """Starts the fork server unless it runs already. Worker processes are forked from it, with their imports done.

    A terminal sends Ctrl-C, and a signal at its own end, to every process in it. Only the main process should react, so
    the other processes start with these signals blocked. Otherwise they could be killed before they ignore them.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    with _starting, _safe_import_path():
        with ordering():
            resource_tracker.ensure_running()  # first, for it changes the mask as well
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            with use_private_folder(), ordering():
                forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _safe_import_path() -> Iterator[None]:
    """Keeps processes that start within the block from importing from the current folder, as `python -c` would."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def start_worker(shared: SharedBytes | None = None) -> tuple[ProcessPoolExecutor, BaseProcess | None]:
    """Returns an executor and its process. Raises BrokenExecutor if it cannot start, OSError if a retry may succeed.

    Parcels that come to it may lie in `shared`.
    """
    start_fork_server()
    given = (shared,) if shared else ()
    executor = ProcessPoolExecutor(1, mp_context=WorkerContext(), initializer=in_worker.begin, initargs=given)
    process = None
    try:
        started = executor.submit(os.getpid)
        process = next(iter((getattr(executor, "_processes", None) or {}).values()), None)
        started.result(START_S)
    except BaseException as error:
        if process is not None and isinstance(error, TimeoutError):  # it was stopped before it could begin
            kill_alone(process)
        executor.shutdown(wait=True, cancel_futures=True)
        if process is not None and process.exitcode != 1:  # Python exits with 1 if the program cannot run
            raise ChildProcessError("the worker process was killed as it started") from error
        raise
    return executor, process


def kill(process: BaseProcess) -> None:
    """Ends a worker now, with every process that it started. It may be stopped, busy in C code, or gone already."""
    if process.pid is None:
        return
    if not guardian.is_possible():
        return kill_alone(process)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)  # its guardian hears it
        os.kill(process.pid, signal.SIGCONT)


def kill_alone(process: BaseProcess) -> None:
    """Kills the process and its process group, without the help of a guardian."""
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the group that it leads, see `inside.begin`
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)  # if it had not begun, it leads no group
