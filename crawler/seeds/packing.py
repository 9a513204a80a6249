"""Unpacks sources: gzip, bzip2, xz, zstd, zip. It works on streams and holds no whole file in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Protocol, cast

from ..errors import SeedError
from .part import BLOCK, Stream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, zipfile.BadZipFile, gzip.BadGzipFile)
"""Errors that unpackers raise for damaged bytes, besides OSError."""
_DEEPEST = 3
"""Levels of nested packing."""
_XZ_BYTES = 256 << 20
"""Memory that an xz file may require. `xz -9` requires 65 MiB."""
_ZSTD_WINDOW = 27
"""The largest window that zstd accepts by default, as a power of two: 128 MiB."""


class _Decompressor(Protocol):
    """The common interface of the decompressors of bz2, lzma and zstd."""

    eof: bool
    unused_data: bytes
    needs_input: bool

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Unpacked:
    """Unpacks one packed stream after another, as many bytes at a time as requested."""

    def __init__(self, packed: Stream, new: Callable[[], object]) -> None:
        self._packed = packed
        self._new = cast("Callable[[], _Decompressor]", new)
        self._now: _Decompressor | None = None
        self._kept = b""

    def read1(self, size: int = -1, /) -> bytes:
        while (decompressor := self._find_decompressor()) is not None:
            data = decompressor.decompress(self._input(decompressor), size if size > 0 else BLOCK)
            if data:
                return data
        return b""

    def _find_decompressor(self) -> _Decompressor | None:
        """Returns the decompressor of this stream or the next, None at the end. Skips zeros between xz streams."""
        if self._now is not None and self._now.eof:
            self._kept, self._now = self._now.unused_data, None
        while self._now is None:
            self._kept = self._kept.lstrip(b"\0")
            if self._kept:
                self._now = self._new()
            elif not (block := self._packed.read1(BLOCK)):
                return None
            else:
                self._kept = block
        return self._now

    def _input(self, decompressor: _Decompressor) -> bytes:
        if not decompressor.needs_input:
            return b""
        data, self._kept = self._kept or self._packed.read1(BLOCK), b""
        if not data:
            raise EOFError("it ends too early")
        return data


_PACKINGS: dict[bytes, tuple[str, Callable[[], object]]] = {
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": ("xz", lambda: lzma.LZMADecompressor(memlimit=_XZ_BYTES)),
    b"\x28\xb5\x2f\xfd": (
        "zstd",
        lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW}),
    ),
}


def unpack(name: str, stream: Stream) -> Stream:
    """Returns the stream without its compression. Raises SeedError."""
    for _ in range(_DEEPEST):
        head, packed = stream.head(8), stream
        packing = next((packing for magic, packing in _PACKINGS.items() if head.startswith(magic)), None)
        if head.startswith(b"\x1f\x8b"):
            packed.packed_as = "gzip"
            stream = Stream(gzip.GzipFile(fileobj=cast("IO[bytes]", io.BufferedReader(packed, BLOCK))))
        elif packing:
            packed.packed_as = packing[0]
            stream = Stream(_Unpacked(packed, packing[1]))
        else:
            return stream
    raise SeedError(f"{name}: packed in more than {_DEEPEST} layers")


def is_zip(stream: Stream) -> bool:
    return stream.head(4).startswith(b"PK\3\4")


def seekable(stream: Stream, file: IO[bytes] | None, stack: ExitStack) -> IO[bytes]:
    """Returns a seekable file, because a zip is read from its end. A pipe is first copied to the disk."""
    if file is not None and file.seekable():
        return file
    aside: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    shutil.copyfileobj(io.BufferedReader(stream, BLOCK), aside, BLOCK)
    aside.seek(0)
    return aside


def members(name: str, archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yields the files of a zip, without those that operating systems add. Raises SeedError."""
    for info in archive.infolist():
        base = info.filename.rpartition("/")[2]
        if info.is_dir() or base.startswith(".") or info.filename.startswith("__MACOSX/"):
            continue
        if info.flag_bits & 1:
            raise SeedError(f"{name}: locked with a password: unpack it first")
        yield info
