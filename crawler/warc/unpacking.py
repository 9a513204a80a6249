"""Reads the bytes of an archive file: plain, or packed as gzip members or zstd frames, and where each one begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NamedTuple, Protocol

from isal import igzip_lib

from ..errors import ArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 1 << 16
"""Most bytes of a piece, unpacked."""
CUT_SHORT = "cut short: the file ends in the middle of a record"
_FED = 1 << 15
"""Bytes read from the file at a time. What a small member leaves over of them is copied for the next one."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_DICTIONARY = b"\x5d\x2a\x4d\x18"
"""The frame before all others that holds the dictionary of a .warc.zst file. zstd itself skips it."""
_MOST_DICTIONARY = 8 << 20
"""Bytes of a dictionary. Those in use have 100 kB to 2 MB."""
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 27}
"""128 MiB, the most that zstd itself takes unless it is told otherwise."""
_DAMAGED: tuple[type[Exception], ...] = (igzip_lib.IsalError, zstd.ZstdError)  # type: ignore[assignment]  # see codings


class Place(NamedTuple):
    """Where bytes stand in a file."""

    offset: int
    """Byte in the file where their member begins; in a plain file their own."""
    inner: int = 0
    """Bytes of the unpacked member before them; 0 in a plain file."""


class _Decompressor(Protocol):
    """The common interface of the decompressors of isal and zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Window:
    """A part of an open file, by default all of it. Reading moves no position that others share."""

    def __init__(self, number: int, start: int = 0, end: int | None = None) -> None:
        """`number` is the descriptor of a regular file."""
        self._number = number
        self._start = start
        size = os.fstat(number).st_size
        self.size: int = max(0, (size if end is None else min(end, size)) - start)

    def read(self, at: int, size: int) -> bytes:
        """Returns up to `size` bytes at byte `at` of the window; none at its end. Raises OSError."""
        return os.pread(self._number, max(0, min(size, self.size - at)), self._start + at)


class Blocks(Protocol):
    """Bytes of an archive that are unpacked, one piece after another."""

    @property
    def is_packed(self) -> bool:
        """Whether places are those of members of a packed file."""
        ...

    @property
    def end(self) -> Place:
        """The place behind the last piece."""
        ...

    def read(self) -> bytes:
        """Returns the next piece; nothing at the end."""
        ...


class Pieces:
    """The unpacked bytes of a window from one place on, piece by piece. No piece belongs to two members."""

    def __init__(self, window: Window, name: str, start: int = 0) -> None:
        """`name` is for messages. Packed files begin at a member. Raises ArchiveError, OSError."""
        self._window, self._name = window, name
        self._at = start
        self._fed = b""
        self._member = start
        self._inner = 0
        self._now: _Decompressor | None = None
        self._new = self._choose_unpacker()

    @property
    def is_packed(self) -> bool:
        """Whether the file is packed."""
        return self._new is not None

    @property
    def end(self) -> Place:
        """The place behind the last piece."""
        return Place(self._member, self._inner) if self._new else Place(self._at)

    def read(self) -> bytes:
        """Returns the next piece; nothing at the end of the file. Raises ArchiveError where it is damaged, OSError."""
        if self._new is None:
            piece = self._window.read(self._at, BLOCK)
            self._at += len(piece)
            return piece
        while (decompressor := self._find_decompressor(self._new)) is not None:
            try:
                piece = decompressor.decompress(self._input(decompressor), BLOCK)
            except _DAMAGED as error:
                raise self._error(f"damaged: {str(error).strip().lower()}") from error
            if piece:
                self._inner += len(piece)
                return piece
        return b""

    def _choose_unpacker(self) -> Callable[[], _Decompressor] | None:
        head = self._window.read(0, 4)
        if head.startswith(_GZIP):
            return lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        if head in (_ZSTD, _DICTIONARY):
            known = self._read_dictionary() if head == _DICTIONARY else None
            return lambda: zstd.ZstdDecompressor(zstd_dict=known, options=_ZSTD_WINDOW)
        return None

    def _read_dictionary(self) -> zstd.ZstdDict:
        size = int.from_bytes(self._window.read(4, 4), "little")
        if size > _MOST_DICTIONARY:
            raise self._error(f"a dictionary of {size:,} bytes; {_MOST_DICTIONARY:,} are allowed")
        data = self._window.read(8, size)
        self._at = max(self._at, 8 + len(data))
        try:
            if data.startswith(_ZSTD):
                packed = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
                data = packed.decompress(data, _MOST_DICTIONARY)
            return zstd.ZstdDict(data)
        except (zstd.ZstdError, ValueError) as error:
            raise self._error("its dictionary cannot be read") from error

    def _find_decompressor(self, new: Callable[[], _Decompressor]) -> _Decompressor | None:
        """Returns the decompressor of this member or of the next one; None at the end. Skips zeros between members."""
        if self._now is not None and self._now.eof:
            self._fed, self._now = self._now.unused_data, None
        while self._now is None:
            self._fed = self._fed.lstrip(b"\0")
            if self._fed:
                self._member, self._inner = self._at - len(self._fed), 0
                self._now = new()
            elif not self._feed():
                self._member, self._inner = self._at, 0
                return None
        return self._now

    def _input(self, decompressor: _Decompressor) -> bytes:
        if not decompressor.needs_input:
            return b""
        if not self._fed and not self._feed():
            raise self._error(CUT_SHORT)
        data, self._fed = self._fed, b""
        return data

    def _feed(self) -> bool:
        self._fed = self._window.read(self._at, _FED)
        self._at += len(self._fed)
        return bool(self._fed)

    def _error(self, why: str) -> ArchiveError:
        return ArchiveError(self._name, why, self._member)
