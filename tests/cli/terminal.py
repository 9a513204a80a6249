"""A command on a terminal of its own, as a person sees it and types into it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio

from .conftest import CRAWL


class Terminal:
    """What stands on it so far, and a keyboard."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self.said = ""
        self._ours = ours

    async def see(self, text: str) -> str:
        """Waits until this text came; returns all up to it, and goes on behind it."""
        with anyio.fail_after(60):
            while text not in self.said:
                more = await anyio.to_thread.run_sync(self._more)
                assert more, f"{text!r} did not come: {self.said}"
                self.said += more
        before, _, self.said = self.said.partition(text)
        return before

    async def rest(self) -> str:
        """Returns all that comes until the command ends."""
        while more := await anyio.to_thread.run_sync(self._more):
            self.said += more
        return self.said

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Changes the size, which the kernel tells the command (SIGWINCH)."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _more(self) -> str:
        try:
            return os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # how Linux says that the other side was closed
            return ""


@contextmanager
def on_terminal(
    *arguments: str, cwd: Path, columns: int = 80, rows: int = 24, env: dict[str, str] | None = None
) -> Iterator[Terminal]:
    """Runs the command on a terminal that is its controlling one, so that Ctrl-C is a signal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [CRAWL, *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=kept | {"TERM": "xterm"} | (env or {}),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  the child is one call away from its exec
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        os.close(ours)
