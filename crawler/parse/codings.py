"""Content codings come off a body, never growing past a limit.

Standard: RFC 9110 8.4 (content codings), RFC 1950-1952 (deflate, gzip), RFC 7932 (br), RFC 8878 and 9659 (zstd).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
from isal import igzip_lib, isal_zlib

from ..errors import ParseError
from ..model import Reason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_CODINGS = 3
"""Nobody honest sends more than one; a chain multiplies what a bomb can do."""
MAX_MEMBERS = 4096
"""Members of one gzip body, or frames of one zstd body: each costs a new decoder, whatever it holds."""
_PIECE = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, as RFC 9659 demands of a content coding."""
_BROKEN: tuple[type[Exception], ...] = (
    igzip_lib.IsalError,  # type: ignore[assignment]  # isal's stubs call it an instance
    brotli.error,
    zstd.ZstdError,
    EOFError,
)


class _Stream(Protocol):
    """What isal's, zlib's and zstd's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


def decode(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The body without its codings. Raises ParseError: `too-large` over `limit` bytes, `decompression` if broken.

    A coding that we do not know leaves the body as it is, as browsers do.
    """
    for coding in _chain(content_encoding):
        body = _bounded(_decode(body, coding, limit), limit)
    return _bounded(body, limit)


def beginning(body: bytes, content_encoding: str, limit: int, *, is_cut: bool) -> bytes:
    """`decode`, but a body too large is begun: at most one byte more than `limit` comes back. Raises ParseError.

    `is_cut`: the body itself is only a beginning, so that its codings may end too early.
    """
    for coding in _chain(content_encoding):
        body = _decode(body, coding, limit, is_cut)
        is_cut = is_cut or len(body) > limit
    return body[: limit + 1]


def gunzipped(body: bytes, limit: int) -> Iterator[bytes]:
    """A file that is itself gzip, opened piece by piece: at most one byte more than `limit`. Raises ParseError."""
    try:
        yield from _gzip_pieces(body, limit + 1)
    except _BROKEN as error:
        raise ParseError(Reason.DECOMPRESSION, f"gzip: {error}") from error


def is_gzip(body: bytes) -> bool:
    return body.startswith(_GZIP_MAGIC)


def _chain(content_encoding: str) -> list[str]:
    """The codings in the order they come off; none if there is one among them that we do not know."""
    codings = [coding for part in content_encoding.lower().split(",") if (coding := part.strip()) not in _NONE]
    if len(codings) > MAX_CODINGS:
        raise ParseError(Reason.DECOMPRESSION, f"{len(codings)} content codings")
    return codings[::-1] if all(coding in _DECODERS for coding in codings) else []


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise ParseError(Reason.TOO_LARGE, f"more than {limit} bytes decoded")
    return body


def _decode(body: bytes, coding: str, limit: int, is_cut: bool = False) -> bytes:
    """At most one byte more than `limit`. Nothing stays nothing, though no coding has an empty form."""
    if not body:
        return body
    pieces: list[bytes] = []
    try:
        pieces.extend(_DECODERS[coding](body, limit + 1))
    except EOFError as error:
        if not is_cut:
            raise ParseError(Reason.DECOMPRESSION, f"{coding}: {error}") from error
    except _BROKEN as error:
        raise ParseError(Reason.DECOMPRESSION, f"{coding}: {error}") from error
    return b"".join(pieces)


def _gzip_pieces(body: bytes, room: int) -> Iterator[bytes]:
    return _pieces(lambda: isal_zlib.decompressobj(wbits=31), body, room, lambda rest: rest.startswith(_GZIP_MAGIC))


def _deflate(body: bytes, room: int) -> Iterator[bytes]:
    """zlib by the standard, raw by the habit of some servers: told apart by the two bytes zlib begins with."""
    is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _pieces(lambda: isal_zlib.decompressobj(wbits=15 if is_zlib else -15), body, room, lambda rest: False)


def _zstd(body: bytes, room: int) -> Iterator[bytes]:
    return _pieces(lambda: zstd.ZstdDecompressor(options=_ZSTD_WINDOW), body, room, bool)


def _brotli(body: bytes, room: int) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    plain: bytes = stream.process(body, output_buffer_limit=room)
    yield plain[:room]
    if len(plain) < room and not stream.is_finished():
        raise EOFError("ends too early")


def _pieces(begin: Callable[[], _Stream], body: bytes, room: int, goes_on: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Member after member while `goes_on`, piece by piece, so that what a member leaves over is cheap to carry."""
    view, at, members, stream = memoryview(body), 0, 1, begin()
    while at < len(view) and room > 0:
        piece = view[at : at + _PIECE]
        opened = stream.decompress(piece, room)
        yield opened
        room -= len(opened)
        at += len(piece)
        if stream.eof:
            at -= len(stream.unused_data)
            if not goes_on(bytes(view[at : at + 4])):
                break
            members += 1
            if members > MAX_MEMBERS:
                raise EOFError(f"more than {MAX_MEMBERS} members")
            stream = begin()
    if room > 0 and not stream.eof:
        raise EOFError("ends too early")


_NONE = ("", "identity")
_DECODERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gzip_pieces,
    "x-gzip": _gzip_pieces,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
