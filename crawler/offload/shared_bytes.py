"""Carries the bodies of a batch to a worker through memory that both processes map, so that no pipe copies them.

A pipe copies a body six times on its way: into a pickle, into the kernel, out of it, and into an object again. Here it
is copied in and copied out. Everything else of a call, a few hundred bytes, still goes by the executor's own pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
from array import array
from contextlib import suppress
from multiprocessing import reduction
from typing import Any

LANES = 2
"""Batches that may be on their way to one worker at a time."""
_COUNT = 4
"""Bytes of the number that says how many follow of the places and lengths of bodies."""
LANE_BYTES = 2 << 20
"""Bytes of bodies of one batch. What has no room goes by the pipe. Memory is taken only as far as it is used."""


class SharedBytes:
    """Memory that one worker reads and its parent writes. It has no name, so nothing is left of it when both end.

    Where the system has no such memory (macOS), all goes by the pipe.
    """

    def __init__(self, file: int = -1, access: int = mmap.ACCESS_WRITE) -> None:
        self._file = file
        self._access = access
        self._memory: mmap.mmap | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Sends the memory to a process that is being started, and to no other."""
        return (_receive, (reduction.DupFd(self._file),)) if self._file >= 0 else (SharedBytes, ())

    @property
    def memory(self) -> mmap.mmap:
        if self._memory is None:
            self._memory = mmap.mmap(self._file, LANES * LANE_BYTES, access=self._access)
        return self._memory

    def pack(self, batch: object, lane: int) -> bytes:
        """Returns the message that stands for a batch; its bodies lie in memory. A lane must not be used again before
        the worker has answered."""
        spans = array("Q")
        at, end = lane * LANE_BYTES, (lane + 1) * LANE_BYTES if self._file >= 0 else 0

        def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
            nonlocal at
            content = buffer.raw()
            size = len(content)
            if at + size > end:
                return True
            self.memory[at : at + size] = content
            spans.extend((at, size))
            at += size
            return False

        pickled = pickle.dumps(batch, pickle.HIGHEST_PROTOCOL, buffer_callback=keep_in_pickle)
        return b"".join((len(spans).to_bytes(_COUNT, "little"), spans.tobytes(), pickled))

    def unpack(self, message: bytes | bytearray) -> Any:
        """Returns the batch, in the worker."""
        view, spans = memoryview(message), array("Q")
        end = _COUNT + spans.itemsize * int.from_bytes(view[:_COUNT], "little")
        spans.frombytes(view[_COUNT:end])
        bodies = [self.memory[at : at + size] for at, size in zip(spans[::2], spans[1::2], strict=True)]
        return pickle.loads(view[end:], buffers=bodies)  # safe: only our own process writes to this pipe

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)


def make_shared_bytes() -> SharedBytes:
    """Returns new memory to share with a worker."""
    if not hasattr(os, "memfd_create"):
        return SharedBytes()
    try:
        file = os.memfd_create("crawld-bodies", os.MFD_CLOEXEC)
        os.ftruncate(file, LANES * LANE_BYTES)
    except OSError:  # a kernel or a sandbox that forbids it
        return SharedBytes()
    return SharedBytes(file)


def _receive(duplicate: Any) -> SharedBytes:
    return SharedBytes(duplicate.detach(), mmap.ACCESS_READ)
