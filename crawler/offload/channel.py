"""Connects the loop and one worker process: a socket carries batches there and answers back, and no thread is between.

A worker reads batches while the one call lasts that its executor made of it. Answers come in the order of the batches.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import reduction
from typing import Any

from .shared_bytes import SharedBytes

_LENGTH = struct.Struct("<Q")
"""Comes before each message: its length in bytes."""


class WorkerEnd:
    """The worker's end of a channel. It goes to the process that is being started, and to no other."""

    def __init__(self, ours: socket.socket, shared: SharedBytes) -> None:
        self._socket = ours
        self._shared = shared

    def __reduce__(self) -> tuple[object, ...]:
        return _receive_end, (reduction.DupFd(self._socket.fileno()), self._shared)

    def answer_next(self, run: Callable[[Any], bytes]) -> bool:
        """Waits for a batch, and sends what `run` makes of it. Returns False if no more will come."""
        message = self._read()
        if message is None:
            return False
        answers = run(self._shared.unpack(message))
        self._socket.sendall(_LENGTH.pack(len(answers)))
        self._socket.sendall(answers)
        return True

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> bytearray | None:
        head = self._read_bytes(_LENGTH.size)
        return self._read_bytes(*_LENGTH.unpack(head)) if head is not None else None

    def _read_bytes(self, size: int) -> bytearray | None:
        message = bytearray(size)
        view, at = memoryview(message), 0
        while at < size:
            read = self._socket.recv_into(view[at:])
            if not read:
                return None
            at += read
        return message


def _receive_end(duplicate: Any, shared: SharedBytes) -> WorkerEnd:
    return WorkerEnd(socket.socket(fileno=duplicate.detach()), shared)


class Channel(asyncio.Protocol):
    """Our end of a channel, driven by the loop."""

    def __init__(self, shared: SharedBytes) -> None:
        self._shared = shared
        self._ours, theirs = socket.socketpair()
        self.worker_end = WorkerEnd(theirs, shared)
        self._transport: asyncio.Transport | None = None
        self._waiting = deque[asyncio.Future[bytes]]()
        self._received = bytearray()

    async def open(self) -> None:
        """Begins to read. The worker has its end by now."""
        self.worker_end.close()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_unix_connection(lambda: self, sock=self._ours)
        self._transport = transport

    async def ask(self, batch: object, lane: int) -> bytes:
        """Returns a worker's answers to a batch. Raises BrokenProcessPool if it ended before."""
        message = self._shared.pack(batch, lane)
        if self._transport is None or self._transport.is_closing():
            raise BrokenProcessPool("the worker process is gone")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._transport.writelines((_LENGTH.pack(len(message)), message))
        return await answer

    def close(self) -> None:
        """Lets the worker end once it has no work, and gives up what is under way."""
        self.worker_end.close()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._ours.close()
        self.break_off()

    def break_off(self) -> None:
        """Ends all that waits for answers, because none will come."""
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(BrokenProcessPool("the worker process ended"))

    # -- called by the transport -------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while len(received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(received)[0]
            if len(received) < end:
                return
            message = bytes(memoryview(received)[_LENGTH.size : end])
            del received[:end]
            if self._waiting and not (answer := self._waiting.popleft()).done():  # else: who asked was cancelled
                answer.set_result(message)

    def connection_lost(self, error: Exception | None) -> None:
        self.break_off()
