"""Content codings: bombs, nests, broken and lying ones."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import brotli

from tests.hostile.answers import END, HTML, MIB, OK, drips, floods, makes, page, says, titled
from tests.hostile.behaviour import DECOMPRESSION, FETCHED, LARGE, STALLED, Behaviour, Family, hostile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BROKEN = (DECOMPRESSION,)


def coded(body: bytes, coding: str) -> bytes:
    """An answer whose body is said to wear a coding."""
    return page(body, b"Content-Encoding: " + coding.encode() + END)


def _plain(name: str) -> bytes:
    return titled(name).encode() * 20


def gzip_bomb(mebibytes: int) -> bytes:
    """One gzip member of so many MiB of blanks: one deflated piece again and again, so that it is made at once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + piece * mebibytes + b"\x03\x00" + bytes(8)


def deflate_bomb(mebibytes: int) -> bytes:
    """The same without gzip's wrapping."""
    return gzip_bomb(mebibytes)[10:-8]


@cache
def brotli_bomb(mebibytes: int) -> bytes:
    packer = brotli.Compressor(quality=1)
    pieces = [packer.process(b" " * MIB) for _ in range(mebibytes)]
    return b"".join([*pieces, packer.finish()])


@cache
def zstd_bomb(mebibytes: int) -> bytes:
    packer = zstd.ZstdCompressor(level=1)
    pieces = [packer.compress(b" " * MIB) for _ in range(mebibytes)]
    return b"".join([*pieces, packer.flush()])


def _layers(pack: Callable[[bytes], bytes], body: bytes, layers: int) -> bytes:
    for _ in range(layers):
        body = pack(body)
    return body


def _fields_of_gzip(flags: int, fields: bytes) -> bytes:
    """A gzip member with optional fields in its head."""
    whole = gzip.compress(_plain("Fields in gzip"), mtime=0)
    return whole[:3] + bytes([flags]) + whole[4:10] + fields + whole[10:]


def _cut(name: str, coding: str, pack: Callable[[bytes], bytes]) -> Behaviour:
    body = pack(bytes(_noise(20000)))
    return hostile(name, says(coded(body[: len(body) // 2], coding)), FETCHED)


def _noise(length: int) -> Iterator[int]:
    """Bytes that hardly compress."""
    state = 1
    for _ in range(length):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        yield state >> 16 & 0xFF


def _raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def _zstd(body: bytes) -> bytes:
    return bytes(zstd.compress(body))


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=4))


_WINDOW = b"\x28\xb5\x2f\xfd\x00\xf8" + b"\x01\x00\x00"
"""A zstd frame that asks for a window of 2 TB."""
_SKIPPED = b"\x50\x2a\x4d\x18\x00\x00\x00\x00"
"""A zstd frame that is to be skipped."""
_EMPTY_MEMBER = gzip.compress(b"", mtime=0)

FAMILY = Family(
    "codings",
    (
        hostile("a gzip bomb of 10 GiB", makes(lambda: coded(gzip_bomb(10240), "gzip")), LARGE),
        hostile("a gzip bomb of 64 MiB", makes(lambda: coded(gzip_bomb(64), "x-gzip")), LARGE),
        hostile("a deflate bomb of 10 GiB", makes(lambda: coded(deflate_bomb(10240), "deflate")), LARGE),
        hostile("a zlib bomb", makes(lambda: coded(zlib.compress(bytes(64 * MIB)), "deflate")), LARGE),
        hostile("a brotli bomb of 512 MiB", makes(lambda: coded(brotli_bomb(512), "br")), LARGE),
        hostile("a zstd bomb of 1 GiB", makes(lambda: coded(zstd_bomb(1024), "zstd")), LARGE),
        hostile("a bomb of many gzip members", makes(lambda: coded(gzip.compress(bytes(MIB)) * 4000, "gzip")), LARGE),
        hostile("a gzip bomb in brotli", makes(lambda: coded(_brotli(gzip_bomb(1024)), "gzip, br")), LARGE),
        hostile(
            "a bomb without end",
            floods(OK + HTML + b"Content-Encoding: gzip\r\n\r\n" + gzip_bomb(1)[:10], deflate_bomb(64)[:-2]),
            LARGE,
        ),
        hostile(
            "gzip ten times over",
            says(coded(_layers(gzip.compress, _plain("Ten"), 10), "gzip, " * 9 + "gzip")),
            *_BROKEN,
        ),
        hostile("gzip twice", says(coded(_layers(gzip.compress, _plain("Twice"), 2), "gzip, gzip")), FETCHED),
        hostile("gzip twice, said once", says(coded(_layers(gzip.compress, _plain("Said once"), 2), "gzip")), FETCHED),
        hostile("gzip once, said twice", says(coded(gzip.compress(_plain("Said twice")), "gzip, gzip")), *_BROKEN),
        _cut("gzip cut short", "gzip", gzip.compress),
        _cut("zlib cut short", "deflate", zlib.compress),
        _cut("deflate cut short", "deflate", _raw),
        _cut("brotli cut short", "br", _brotli),
        _cut("zstd cut short", "zstd", _zstd),
        *[
            hostile(f"no {coding} at all", says(coded(_plain("Plain"), coding)), *_BROKEN)
            for coding in ("gzip", "br", "zstd")
        ],
        hostile("no deflate at all", says(coded(b"\xff" * 500, "deflate")), *_BROKEN),
        hostile("gzip called brotli", says(coded(gzip.compress(_plain("As brotli")), "br")), *_BROKEN),
        hostile("brotli called gzip", says(coded(_brotli(_plain("As gzip")), "gzip")), *_BROKEN),
        hostile("gzip called identity", says(coded(gzip.compress(_plain("As identity")), "identity")), FETCHED),
        hostile(
            "gzip with a wrong checksum", says(coded(gzip.compress(_plain("Sum"))[:-8] + bytes(8), "gzip")), FETCHED
        ),
        hostile("gzip without its trailer", says(coded(gzip.compress(_plain("No sum"))[:-8], "gzip")), FETCHED),
        hostile(
            "gzip in two members",
            says(coded(gzip.compress(_plain("One")) + gzip.compress(_plain("Two")), "gzip")),
            FETCHED,
        ),
        hostile("100,000 empty gzip members", makes(lambda: coded(_EMPTY_MEMBER * 100000, "gzip")), DECOMPRESSION),
        hostile("garbage after gzip", says(coded(gzip.compress(_plain("Tail")) + b"garbage" * 99, "gzip")), FETCHED),
        hostile("garbage after brotli", says(coded(_brotli(_plain("Tail of br")) + b"garbage" * 99, "br")), FETCHED),
        hostile("garbage after zstd", says(coded(_zstd(_plain("Tail of zstd")) + b"garbage" * 99, "zstd")), FETCHED),
        hostile("a name of a megabyte in gzip", says(coded(_fields_of_gzip(8, b"n" * MIB + b"\0"), "gzip")), FETCHED),
        hostile("extra fields in gzip", says(coded(_fields_of_gzip(4, b"\xff\xff" + bytes(65535)), "gzip")), FETCHED),
        hostile("gzip flags that do not exist", says(coded(_fields_of_gzip(0xE0, b""), "gzip")), FETCHED),
        hostile("a zstd window of 2 TB", says(coded(_WINDOW, "zstd")), *_BROKEN),
        hostile("200,000 zstd frames to skip", makes(lambda: coded(_SKIPPED * 200000, "zstd")), DECOMPRESSION),
        hostile("a brotli of nothing but metadata", says(coded(b"\x0b\x00\x80" * 1000, "br")), FETCHED),
        hostile("an unknown coding", says(coded(_plain("Quantum"), "quantum")), FETCHED),
        hostile("compress, as in 1990", says(coded(b"\x1f\x9d\x90" + _plain("LZW"), "compress")), FETCHED),
        hostile("a coding of commas", says(coded(_plain("Commas"), ",,,,,")), FETCHED),
        hostile("an empty body in gzip", says(coded(b"", "gzip")), FETCHED),
        hostile("one byte of gzip", says(coded(b"\x1f", "gzip")), *_BROKEN),
        hostile(
            "gzip at a byte a second",
            drips(OK + HTML + b"Content-Encoding: gzip\r\nContent-Length: 900\r\n\r\n", gzip.compress(_plain("Drip"))),
            STALLED,
            is_quick=False,
        ),
    ),
)
