"""Where the fork server's socket lies: a temporary folder that goes with its processes, however they end.

multiprocessing makes one, too, and leaves it behind when it is killed. Ours is removed by the fork server, which
outlives the process that started it by an instant; and if both are killed, by the next process that starts one.
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
"""Of the path above: with 48 of ours, a socket's address stays below the 104 bytes that macOS allows (Linux: 108)."""


@contextmanager
def sheltered() -> Iterator[None]:
    """Sockets that multiprocessing makes meanwhile lie in this process's own folder, which nobody else may enter."""
    config: dict[str, object] = process.current_process()._config  # type: ignore[attr-defined]
    before = config.get("tempdir")
    config["tempdir"] = _folder(os.getpid())
    try:
        yield
    finally:
        config["tempdir"] = before


def folder() -> Path:
    """This process's own, for what its workers are to find. It goes with the process, however that ends."""
    return Path(_folder(os.getpid()))


@cache
def _folder(owner: int) -> str:
    """Made once by each process, and held by it."""
    _sweep()
    while True:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=_place())
        if _is_held(folder):
            atexit.register(_remove, folder, owner)
            return folder


def _place() -> str:
    """The folder for what is temporary, or where its name is too long for a socket's, the one that is always there."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= MOST_BYTES or not os.path.isdir("/tmp") else "/tmp"


def _is_held(folder: str) -> bool:
    """Whether it is ours from now on until this process ends; not if it was swept away before we could hold it."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return Path(folder).exists()


def _sweep() -> None:
    """Remove what those left who were killed together with their fork server: nobody holds it any more."""
    for left in Path(_place()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is held, or another user's, or somebody else removes it just now
            file = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(file)


def _remove(folder: str, owner: int) -> None:
    """Not by a child, which inherits what its parent is to do in the end."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _leave_none_behind(owner: int) -> None:
    """In the fork server, which imports this: when it ends, whoever asked for its folder is gone."""
    address = getattr(forkserver, "_forkserver")._forkserver_address  # noqa: B009 - mypy knows no such name
    folder = os.path.dirname(address) if isinstance(address, str) else ""
    if os.path.basename(folder).startswith(PREFIX):
        _remove(folder, owner)


atexit.register(_leave_none_behind, os.getpid())
