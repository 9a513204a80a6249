"""Holds one list while it is read: its bytes, its lines as they come, and what to report about it."""

from __future__ import annotations

import codecs
import io
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Protocol

from ..dataclass import dataclass
from .reports import BadSeed, OnBad, Taken

BLOCK = 1 << 16
"""Bytes read at a time."""
MAX_LINE = 1 << 17
"""Characters of a line that are read: the csv module's limit for one field, and far more than any URL."""
SAMPLE = 1000
"""Lines that decide what a list is."""
SAMPLED = 1 << 18
"""Characters of these lines, at most."""
PATIENCE_S = 0.25
"""Longest wait for a pipe, once there is a line that cannot be understood without its neighbours."""

Entry = tuple[int, str]
"""A line's number, and the text in it that should be a seed."""


class Bytes(Protocol):
    """A source of bytes."""

    def read1(self, size: int = -1, /) -> bytes: ...


class Stream(io.RawIOBase):
    """A stream of bytes whose beginning can be seen before it is read."""

    def __init__(self, source: Bytes, file: int | None = None) -> None:
        """`file` is the number of a file that may make us wait; `source` must not buffer it."""
        self._source = source
        self._file = file
        self._head = b""
        self.packed_as = ""
        """The compression that a reader of this stream removes: `gzip`, ..."""

    def head(self, size: int = BLOCK) -> bytes:
        """Returns at least the first line or the first `size` bytes, whichever is less, without consuming them."""
        if len(self._head) < size and b"\n" not in self._head:
            blocks, length = [self._head], len(self._head)
            while length < size and b"\n" not in blocks[-1] and (block := self._source.read1(BLOCK)):
                blocks.append(block)
                length += len(block)
            self._head = b"".join(blocks)
        return self._head

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        size = BLOCK if size < 0 else size
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        return self._source.read1(size)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self.read1(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    @property
    def may_wait(self) -> bool:
        """Whether this is a pipe or a terminal, as far as we know."""
        return self._file is not None and sys.platform != "win32"

    def is_ready(self, within_s: float) -> bool:
        """Whether bytes, or the end, can be read within this time."""
        if self._head or not self.may_wait:
            return True
        assert self._file is not None
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        return bool(poll.poll(max(0.0, within_s * 1000)))


@dataclass(slots=True)
class Part:
    """A source, or one file of an archive."""

    name: str
    """The name for messages."""
    stream: Stream
    on_bad: OnBad
    column: str | None = None
    """The user's choice: a column's name, or its number from 1; 0 for the whole line."""
    keeps_columns: bool = False
    """Whether the other columns or fields of a row are wanted, too."""
    columns: Mapping[str, object] | None = None
    """These, of the row whose entry came last. None: it has none."""
    is_one_of_many: bool = False
    """Whether it is a file of an archive, which may hold other files as well."""
    taken: Taken = field(default_factory=lambda: Taken(""))
    raw: Entry = (0, "")
    """The last line that was cleaned, as it was before. It is reported if it proves to be no URL."""

    def bad(self, line: int, text: str, why: str) -> None:
        text = self.raw[1] if self.raw[0] == line else text
        self.taken.bad += 1
        self.on_bad(BadSeed(self.name, line, text, why.partition(": ")[0]))


class Lines:
    """Iterates over the numbered lines of a stream as they come. Lines of more than `most` characters are cut."""

    def __init__(self, stream: Stream, encoding: str, most: int = MAX_LINE) -> None:
        plain = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(plain, translate=True)
        self._stream = stream
        self._most = most
        self._lines: deque[str] = deque()
        self._tail: list[str] = []
        """Pieces of a line that is not finished yet. They are joined once, even if many small ones come."""
        self._tailed = 0
        self._is_cut = False
        self._is_over = False
        self._number = 0

    def __iter__(self) -> Iterator[Entry]:
        lines = self._lines
        while lines or not self._is_over:
            while lines:
                self._number += 1
                yield self._number, lines.popleft()
            if not self._is_over:
                self._read()

    def sample(self, is_enough: Callable[[list[Entry]], bool]) -> list[Entry]:
        """Returns the next lines, up to SAMPLE. If a pipe makes us wait, stops early once `is_enough` accepts them."""
        found, room, until = list[Entry](), SAMPLED, None
        lines = iter(self)
        while len(found) < SAMPLE and room > 0:
            if not self._lines and self._stream.may_wait and is_enough(found):
                until = until or time.monotonic() + PATIENCE_S
                if not self._comes_before(until):
                    break
            one = next(lines, None)
            if one is None:
                break
            found.append(one)
            room -= len(one[1])
        return found

    def _comes_before(self, until: float) -> bool:
        while not self._lines and not self._is_over:
            if not self._stream.is_ready(until - time.monotonic()):
                return False
            self._read()
        return True

    def _read(self) -> None:
        block = self._stream.read1(BLOCK)
        text = self._decoder.decode(block, final=not block)
        if self._is_cut:
            _, end, text = text.partition("\n")
            self._is_cut = not end
        *lines, tail = text.split("\n")
        if lines:
            lines[0] = "".join([*self._tail, lines[0]])
            self._tail, self._tailed = [], 0
        self._tail.append(tail)
        self._tailed += len(tail)
        if not block:
            self._is_over = True
            lines += ["".join(self._tail)] if self._tailed else []
        elif self._tailed >= self._most:
            lines.append("".join(self._tail))
            self._tail, self._tailed, self._is_cut = [], 0, True
        self._lines.extend(lines)
