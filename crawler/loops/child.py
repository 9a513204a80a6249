"""Starts one loop as a child process, and talks to it over a socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from anyio import CancelScope

from .order import MODULE, LoopOrder, pack, pack_order, read

GRACE_S = 5.0
"""Seconds that a child gets to end by itself once its socket is closed."""


class Child:
    """A running child."""

    def __init__(self, process: subprocess.Popen[bytes], reader: StreamReader, writer: StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, message: Mapping[str, object]) -> None:
        """Sends a message. Does nothing if the child is gone."""
        with suppress(ConnectionError, RuntimeError):
            self._writer.write(pack(message))

    async def hear(self) -> dict[str, Any] | None:
        """Returns the next message of the child; None: it is gone."""
        return await read(self._reader)


@asynccontextmanager
async def open_child(order: LoopOrder, kept: Sequence[int]) -> AsyncIterator[Child]:
    """Starts a child, and ends it at the end of the block. It inherits the files `kept`.

    A child whose parent is gone ends by itself: its socket ends. It does not hear the terminal's Ctrl-C.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns when the child has begun, in milliseconds
            [sys.executable, "-m", MODULE, str(theirs.fileno())],
            pass_fds=(theirs.fileno(), *kept),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(order.import_path)},
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        writer.write(pack_order(order))
        yield Child(process, reader, writer)
    finally:
        writer.close()
        with CancelScope(shield=True):
            await asyncio.to_thread(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
