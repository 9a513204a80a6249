"""A process that has imported the command and runs it in forks of its own: a start costs milliseconds, not a second.

`Imported` is the side of the tests; `python imported.py` is the process. It speaks over standard input, a Unix socket:
it gets a command's arguments, folder and environment with its three files, and a socket for the exit code. Each fork
runs the installed script from its first line. What a fork cannot show is a start from nothing: that has tests of its
own, with real starts.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

CRAWL = str(Path(sys.executable).with_name("crawl"))
IS_POSSIBLE = hasattr(os, "pidfd_open")
MOST_INPUT = 1 << 15
"""Bytes of standard input that surely fit into a pipe that nobody reads yet."""


class Imported:
    """The process that has imported the command, as long as the tests need it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process with threads should not fork
        with theirs:
            self._process = subprocess.Popen([sys.executable, __file__], stdin=theirs.fileno(), env=environment)
        self._socket = ours

    async def run(
        self, arguments: list[str], given: bytes, folder: Path, env: dict[str, str]
    ) -> tuple[int, bytes, bytes]:
        """Returns exit code, standard output and standard error of the command. Kills it if it is cancelled."""

        said, there = socket.socketpair()
        with said, TemporaryFile() as out, TemporaryFile() as err:
            with there, _pipe_with(given) as source:
                files = [source.fileno(), out.fileno(), err.fileno(), there.fileno()]
                task = json.dumps([arguments, str(folder), env]).encode()
                socket.send_fds(self._socket, [len(task).to_bytes(4, "big")], files)
                self._socket.sendall(task)
            said.setblocking(False)
            code = await asyncio.get_running_loop().sock_recv(said, 16)
            assert code, "the command was not run"
            return int(code), _content_of(out), _content_of(err)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(30)


def _pipe_with(given: bytes) -> IO[bytes]:
    read, write = os.pipe()
    with open(write, "wb") as file:
        file.write(given)
    return open(read, "rb")


def _content_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


# -- the process --


def main() -> None:
    sys.path[0] = str(Path(CRAWL).parent)
    _import_all("crawler")
    gc.freeze()  # else each fork copies all of it, to find at its end that it is garbage
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for a command
    with socket.socket(fileno=os.dup(0)) as tests:
        while True:
            head, files, _, _ = socket.recv_fds(tests, 4, 4)
            if not head:
                return
            task = tests.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            if os.fork() == 0:
                break
            for file in files:
                os.close(file)
    _run(json.loads(task), files)


def _import_all(name: str) -> None:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _run(task: tuple[list[str], str, dict[str, str]], files: list[int]) -> None:
    """Runs the command in a child, and tells the tests how it ended. The child leaves as any Python program does."""
    arguments, folder, environment = task
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        _tell_the_end(child, files[3])
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [CRAWL, *arguments]
    runpy.run_path(CRAWL, run_name="__main__")


def _tell_the_end(child: int, tests: int) -> None:
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, tests], [], [])
    if ended not in ready:  # the test was given up
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.write(tests, str(code).encode())
    except OSError:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
