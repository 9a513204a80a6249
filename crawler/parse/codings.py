"""Removes content codings from a body, within a limit of size.

Standard: RFC 9110 8.4 (content codings), RFC 1950-1952 (deflate, gzip), RFC 7932 (br), RFC 8878 and 9659 (zstd).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import brotli
from isal import igzip_lib, isal_zlib

from ..errors import ParseError
from ..model import Reason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_WINDOW_BYTES = 16 << 20
"""Memory that a brotli decoder (RFC 7932) may hold in addition to its output."""
MAX_CODINGS = 3
"""Honest servers send one coding. A chain of codings multiplies the effect of a bomb."""
MAX_MEMBERS = 4096
"""Members of one gzip body, or frames of one zstd body. Each needs a new decoder, even if it is empty."""
SHORT = "ends too early"
_PIECE = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, as RFC 9659 requires for a content coding."""
_BROKEN: tuple[type[Exception], ...] = (
    igzip_lib.IsalError,  # type: ignore[assignment]  # isal's stubs call it an instance
    brotli.error,
    zstd.ZstdError,
    EOFError,
)


class _Stream(Protocol):
    """The common interface of the decompressors of isal, zlib and zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


class Decoded(NamedTuple):
    """A body without its codings."""

    body: bytes
    """The body, at most one byte longer than the limit."""
    is_short: bool
    """Whether only a beginning of the body came."""
    notes: tuple[str, ...]
    """Faults of the codings that did no harm to the body."""


def decode(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Returns the body without its codings.

    A wrong checksum is accepted, as in browsers. A body with an unknown coding is returned unchanged, as browsers do.
    Raises ParseError: `too-large` over `limit` bytes, `decompression` if broken.
    """
    found = decode_beginning(body, content_encoding, limit, is_whole=True)
    if found.is_short:
        raise ParseError(Reason.DECOMPRESSION, "; ".join(found.notes))
    return found.body


def decode_beginning(
    body: bytes, content_encoding: str, limit: int, *, is_cut: bool = False, is_whole: bool = False
) -> Decoded:
    """Returns as much of the body as came, without its codings, as browsers read it. Raises ParseError.

    `is_cut`: the body is only a beginning, so its codings may end early. `is_whole`: raise `too-large` if any layer has
    more than `limit` bytes; otherwise a larger body is cut.
    """
    doubts = _Doubts()
    for coding in _chain(content_encoding):
        body = _decode(body, coding, limit, is_cut or doubts.is_short, doubts)
        if is_whole:
            _check_size(body, limit)
        is_cut = is_cut or len(body) > limit
    if is_whole:
        _check_size(body, limit)
    return Decoded(body[: limit + 1], doubts.is_short, tuple(doubts.notes))


def gunzip(body: bytes, limit: int) -> Iterator[bytes]:
    """Unpacks a gzip file and yields it in pieces, in all at most one byte more than `limit`. Raises ParseError."""
    try:
        yield from _gzip(body, limit + 1, _Doubts())
    except _BROKEN as error:
        raise ParseError(Reason.DECOMPRESSION, f"gzip: {error}") from error


def is_gzip(body: bytes) -> bool:
    return body.startswith(_GZIP_MAGIC)


def _chain(content_encoding: str) -> list[str]:
    """Returns the codings in the order of their removal; none if one of them is unknown."""
    codings = [coding for part in content_encoding.lower().split(",") if (coding := part.strip()) not in _NONE]
    if len(codings) > MAX_CODINGS:
        raise ParseError(Reason.DECOMPRESSION, f"{len(codings)} content codings")
    return codings[::-1] if all(coding in _DECODERS for coding in codings) else []


def _check_size(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise ParseError(Reason.TOO_LARGE, f"more than {limit} bytes decoded")
    return body


def _decode(body: bytes, coding: str, limit: int, is_cut: bool, doubts: _Doubts) -> bytes:
    """Removes one coding, and returns at most one byte more than `limit`. An empty body is accepted in any coding."""
    if not body:
        return body
    pieces: list[bytes] = []
    try:
        pieces.extend(_DECODERS[coding](body, limit + 1, doubts))
    except EOFError as error:
        if not is_cut and not any(pieces):
            raise ParseError(Reason.DECOMPRESSION, f"{coding}: {error}") from error
        if not is_cut:
            doubts.is_short = True
            doubts.notes.append(f"{coding}: {error}, so only the beginning was read")
    except _BROKEN as error:
        bytearray(_WINDOW_BYTES)  # raises MemoryError if memory is short: brotli and zstd do not name that cause
        raise ParseError(Reason.DECOMPRESSION, f"{coding}: {error}") from error
    return b"".join(pieces)


class _Doubts:
    """Collects faults of a body that do not keep us from reading it."""

    def __init__(self) -> None:
        self.is_short = False
        self.notes: list[str] = []

    def compare(self, coding: str, told: bytes, right: bytes) -> None:
        """Notes a wrong or missing checksum in the trailer of a stream. Browsers ignore it."""
        if told == right:
            return
        what = "its checksum is wrong" if len(told) == len(right) else "its checksum is missing"
        if (note := f"{coding}: {what}") not in self.notes:
            self.notes.append(note)


def _gzip(body: bytes, room: int, doubts: _Doubts) -> Iterator[bytes]:
    """Unpacks gzip, member after member (RFC 1952). Wrong trailers are noted and accepted."""
    at, members = 0, 0
    while room > 0 and (not members or body.startswith(_GZIP_MAGIC, at)):
        if (members := members + 1) > MAX_MEMBERS:
            raise ParseError(Reason.DECOMPRESSION, f"gzip: more than {MAX_MEMBERS} members")
        sum_, size = 0, 0
        inflated = _Inflated(body, _after_gzip_head(body, at), room)
        for piece in inflated:
            sum_, size = isal_zlib.crc32(piece, sum_), size + len(piece)
            yield piece
        room -= size
        at = inflated.end
        if room > 0:
            doubts.compare("gzip", body[at : at + 8], struct.pack("<II", sum_, size & 0xFFFFFFFF))
        at += 8


def _after_gzip_head(body: bytes, at: int) -> int:
    """Returns the place where the member's data begins. Raises EOFError, ParseError."""
    if not _GZIP_MAGIC.startswith(body[at : at + 2]) or body[at + 2 : at + 3] not in (b"", b"\x08"):
        raise ParseError(Reason.DECOMPRESSION, "gzip: not a gzip body")
    if len(body) < at + 10:
        raise EOFError(SHORT)
    flags, at = body[at + 3], at + 10
    if flags & 4:
        at += 2 + int.from_bytes(body[at : at + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            at = body.find(b"\0", at) + 1 or len(body)
    return at + 2 * bool(flags & 2)


def _deflate(body: bytes, room: int, doubts: _Doubts) -> Iterator[bytes]:
    """Unpacks zlib (the standard) or raw deflate (sent by some servers); the two first bytes tell which it is."""
    is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    sum_, size = 1, 0
    inflated = _Inflated(body, 2 * is_zlib, room)
    for piece in inflated:
        sum_, size = isal_zlib.adler32(piece, sum_), size + len(piece)
        yield piece
    if is_zlib and size < room:
        doubts.compare("deflate", body[inflated.end : inflated.end + 4], struct.pack(">I", sum_))


class _Inflated:
    """Yields the pieces of one raw deflate stream (RFC 1951): at most `room` bytes. Raises EOFError, IsalError."""

    def __init__(self, body: bytes, at: int, room: int) -> None:
        self._view = memoryview(body)
        self._room = room
        self.end = at
        """The place where the stream ends, once it has been read."""

    def __iter__(self) -> Iterator[bytes]:
        stream, room = isal_zlib.decompressobj(wbits=-15), self._room
        while self.end < len(self._view) and room > 0 and not stream.eof:
            piece = self._view[self.end : self.end + _PIECE]
            opened = stream.decompress(piece, room)
            room -= len(opened)
            self.end += len(piece) - len(stream.unused_data)
            yield opened
        if room > 0 and not stream.eof:
            raise EOFError(SHORT)


def _zstd(body: bytes, room: int, doubts: _Doubts) -> Iterator[bytes]:
    """Unpacks zstd, frame after frame. The input is given in pieces, so that a frame leaves few bytes to copy."""
    view, at, frames, stream = memoryview(body), 0, 1, _zstd_stream()
    while at < len(view) and room > 0:
        piece = view[at : at + _PIECE]
        opened = stream.decompress(piece, room)
        yield opened
        room -= len(opened)
        at += len(piece)
        if stream.eof:
            at -= len(stream.unused_data)
            if not _begins_frame(bytes(view[at : at + 4])):
                break
            frames += 1
            if frames > MAX_MEMBERS:
                raise ParseError(Reason.DECOMPRESSION, f"zstd: more than {MAX_MEMBERS} frames")
            stream = _zstd_stream()
    if room > 0 and not stream.eof:
        raise EOFError(SHORT)


def _zstd_stream() -> _Stream:
    return zstd.ZstdDecompressor(options=_ZSTD_WINDOW)


def _begins_frame(head: bytes) -> bool:
    """Whether a zstd frame or a skippable frame (RFC 8878 3.1) begins here."""
    return head == b"\x28\xb5\x2f\xfd" or (head[1:] == b"\x2a\x4d\x18" and head[0] >> 4 == 5)


def _brotli(body: bytes, room: int, doubts: _Doubts) -> Iterator[bytes]:
    """Unpacks brotli. The decoder refuses a piece that goes on after the stream, so smaller pieces find the end."""
    stream, fed, step, plain = brotli.Decompressor(), 0, len(body), b""
    while fed < len(body) and len(plain) < room and not stream.is_finished():
        try:
            plain += stream.process(body[fed : fed + step], output_buffer_limit=room - len(plain))
            fed += step
        except brotli.error:
            if step == 1:
                raise
            step = max(1, step // 64)
            stream = brotli.Decompressor()
            plain = stream.process(body[:fed], output_buffer_limit=room) if fed else b""
    yield plain[:room]
    if len(plain) < room and not stream.is_finished():
        raise EOFError(SHORT)


_NONE = ("", "identity")
_DECODERS: dict[str, Callable[[bytes, int, _Doubts], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
