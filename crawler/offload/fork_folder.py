"""Provides the temporary folder of the fork server's socket, and removes it however its processes end.

multiprocessing makes such a folder too, and leaves it behind when it is killed. Ours is removed by the fork server,
which lives slightly longer than the process that started it. If both are killed, the next process that starts a fork
server removes it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver, process
from pathlib import Path

PREFIX = "crawld-fork-"
MOST_BYTES = 50
"""Bytes of the parent folder's path. With our 48 a socket's address stays below the 104 bytes that macOS allows
(Linux: 108)."""


@contextmanager
def use_private_folder() -> Iterator[None]:
    """Puts sockets that multiprocessing makes within the block into this process's own folder, closed to others."""
    config: dict[str, object] = process.current_process()._config  # type: ignore[attr-defined]
    before = config.get("tempdir")
    config["tempdir"] = _folder(os.getpid())
    try:
        yield
    finally:
        config["tempdir"] = before


def fork_folder() -> Path:
    """Returns this process's own folder, for files that its workers must find. It is removed when the process ends."""
    return Path(_folder(os.getpid()))


@cache
def _folder(owner: int) -> str:
    """Makes the folder of a process once, and locks it for as long as the process lives."""
    _sweep()
    while True:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=_place())
        if _is_held(folder):
            atexit.register(_remove, folder, owner)
            return folder


def _place() -> str:
    """Returns the system's temporary folder, or `/tmp` if its path is too long for a socket."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= MOST_BYTES or not os.path.isdir("/tmp") else "/tmp"


def _is_held(folder: str) -> bool:
    """Locks the folder until this process ends. Returns False if another process removed it before."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return Path(folder).exists()


def _sweep() -> None:
    """Removes the folders of processes that were killed with their fork servers: nobody locks these any more."""
    for left in Path(_place()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is locked, belongs to another user, or is being removed by another process
            file = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(file)


def _remove(folder: str, owner: int) -> None:
    """Removes the folder, but not in a child process, which inherits its parent's exit functions."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def leave_none_behind(owner: int) -> None:
    """Removes the folder when the fork server ends, because its owner has ended by then.

    The fork server imports this module, so this runs there.
    """
    address = getattr(forkserver, "_forkserver")._forkserver_address  # noqa: B009 - mypy knows no such name
    folder = os.path.dirname(address) if isinstance(address, str) else ""
    if os.path.basename(folder).startswith(PREFIX):
        _remove(folder, owner)


atexit.register(leave_none_behind, os.getpid())
