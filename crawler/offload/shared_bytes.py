"""Carries the bodies of a batch to a worker through memory that both processes map, so that no pipe copies them.

A pipe copies a body six times on its way: into a pickle, into the kernel, out of it, and into an object again. Here it
is copied in and copied out. Everything else of a call, a few hundred bytes, still goes by the executor's own pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import reduction
from typing import Any, NamedTuple

LANES = 2
"""Batches that may be on their way to one worker at a time."""
LANE_BYTES = 640 << 10
"""Bytes of bodies of one batch: 16 pages of 40 kB. What has no room goes by the pipe. Memory is taken as it is used."""


class Parcel(NamedTuple):
    """A batch on its way: its pickle, and where the bytes lie that it lacks."""

    pickled: bytes
    spans: Sequence[tuple[int, int]]


class SharedBytes:
    """Memory that one worker reads and its parent writes. It has no name, so nothing is left of it when both end."""

    def __init__(self, file: int, access: int = mmap.ACCESS_WRITE) -> None:
        self._file = file
        self._access = access
        self._memory: mmap.mmap | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Sends the memory to a process that is being started, and to no other."""
        return _receive, (reduction.DupFd(self._file),)

    @property
    def memory(self) -> mmap.mmap:
        if self._memory is None:
            self._memory = mmap.mmap(self._file, LANES * LANE_BYTES, access=self._access)
        return self._memory

    def pack(self, batch: object, lane: int) -> Parcel:
        """Returns the batch for its way. The lane must not be used again before the worker has answered."""
        memory, spans, end = self.memory, list[tuple[int, int]](), (lane + 1) * LANE_BYTES
        at = lane * LANE_BYTES

        def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
            nonlocal at
            content = buffer.raw()
            size = len(content)
            if at + size > end:
                return True
            memory[at : at + size] = content
            spans.append((at, size))
            at += size
            return False

        pickled = pickle.dumps(batch, pickle.HIGHEST_PROTOCOL, buffer_callback=keep_in_pickle)
        return Parcel(pickled, spans)

    def unpack(self, parcel: Parcel) -> Any:
        """Returns the batch, in the worker."""
        memory = self.memory
        bodies = [memory[at : at + size] for at, size in parcel.spans]
        return pickle.loads(parcel.pickled, buffers=bodies)  # safe: only our own process writes to this pipe

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
        with suppress(OSError):
            os.close(self._file)


def make_shared_bytes() -> SharedBytes | None:
    """Returns new memory to share with a worker; None where the system has none without a name (macOS)."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        file = os.memfd_create("crawld-bodies", os.MFD_CLOEXEC)
        os.ftruncate(file, LANES * LANE_BYTES)
    except OSError:  # a kernel or a sandbox that forbids it
        return None
    return SharedBytes(file)


def _receive(duplicate: Any) -> SharedBytes:
    return SharedBytes(duplicate.detach(), mmap.ACCESS_READ)
