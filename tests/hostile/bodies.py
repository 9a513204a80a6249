"""Bodies: shorter, longer and larger than said, without end, and in chunks that are none."""

from __future__ import annotations

from tests.hostile.answers import CHUNKED, HTML, MIB, OK, chunk, drips, floods, page, says, stalls, titled
from tests.hostile.behaviour import BAD, FETCHED, LARGE, STALLED, Behaviour, Family, hostile

_BEGUN = OK + HTML + CHUNKED + b"\r\n"
_FIRST = chunk(b"<title>Chunks</title>")
_UNFRAMED = OK + HTML + b"\r\n<title>Without end</title>"


def _chunks(name: str, wire: bytes, *expected: str) -> Behaviour:
    """One good chunk with the name in it, then this, then the end of the connection."""
    return hostile(name, says(_BEGUN, chunk(titled(name).encode()), wire), *expected)


def _sized(declared: int, sent: int) -> bytes:
    begun = b"<title>%d of %d</title>" % (sent, declared)
    return OK + HTML + b"Content-Length: %d\r\n\r\n" % declared + begun.ljust(sent)[:sent]


FAMILY = Family(
    "bodies",
    (
        hostile("a body longer than said", says(_sized(100, 5000)), FETCHED),
        hostile("a body shorter than said", says(_sized(5000, 100)), BAD),
        hostile("a body of none, though said", says(_sized(100, 0)), BAD),
        hostile("an empty body", says(page("")), FETCHED),
        hostile("an empty body without a length", says(OK, HTML, b"\r\n"), FETCHED),
        hostile("a body after 204", says(b"HTTP/1.1 204 No Content\r\n\r\n<title>Nothing</title>"), FETCHED),
        hostile("a length in 204", says(page(titled("204"), status=b"204 No Content")), FETCHED),
        hostile("a body after 205", says(page(titled("205"), status=b"205 Reset Content")), FETCHED),
        hostile(
            "a part nobody asked for",
            says(page(titled("206"), b"Content-Range: bytes 0-9/99\r\n", status=b"206 Partial Content")),
            FETCHED,
        ),
        hostile(
            "parts of another kind",
            says(
                page(
                    b"--x\r\n\r\npart\r\n--x--",
                    status=b"206 Partial Content",
                    kind=b"Content-Type: multipart/byteranges; boundary=x\r\n",
                )
            ),
            FETCHED,
        ),
        hostile("a body without end", floods(_UNFRAMED, b"more " * 13000), LARGE),
        hostile("chunks without end", floods(_BEGUN, chunk(b"more " * 13000)), LARGE),
        hostile("a picture without end", floods(OK + b"Content-Type: image/jpeg\r\n\r\n", bytes(65536)), LARGE),
        hostile(
            "parts that replace each other without end",
            floods(OK + b"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n", b"--b\r\n\r\nframe\r\n" * 4000),
            LARGE,
        ),
        hostile(
            "an event stream",
            drips(OK + b"Content-Type: text/event-stream\r\n\r\n", b"data: x\n\n" * 9999, 0.5, 9),
            STALLED,
            is_quick=False,
        ),
        hostile("20 MB, as declared", floods(_sized(20 * MIB, 64), b"x" * 65536), LARGE),
        hostile("one byte too many, as declared", floods(_sized(16 * MIB + 1, 64), b"x" * 65536), LARGE),
        hostile(
            "16 MiB of blanks",
            floods(_sized(16 * MIB, 64), b" " * (MIB - 4), 16),
            "fetched/parse",
            is_quick=False,
        ),
        hostile("16 MiB to the byte, in chunks", floods(_BEGUN, chunk(b" " * 65536), 257), LARGE, is_quick=False),
        _chunks("no last chunk", b"", BAD),
        _chunks("a chunk cut short", b"400\r\nshort", BAD),
        _chunks("a chunk size that is no number", b"xyz\r\nabc\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size with a minus", b"-5\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size with a plus", b"+5\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("an empty chunk size", b"\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a blank chunk size", b"  5  \r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk of 2^64", b"10000000000000000\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk of 2^64 - 1", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk of 2^31", b"80000000\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size of a thousand digits", b"f" * 1000 + b"\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk size of a thousand zeros", b"0" * 1000 + b"5\r\nhello\r\n0\r\n\r\n", FETCHED),
        _chunks("a chunk longer than said", b"3\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("chunks with LF alone", b"5\nhello\n0\n\n", BAD),
        _chunks("chunks with CR alone", b"5\rhello\r0\r\r", BAD),
        _chunks("a chunk extension of a megabyte", b"5;x=" + b"y" * MIB + b"\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk extension with NUL", b"5;\0\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("a chunk extension with a bare LF", b"5;a\nb\r\nhello\r\n0\r\n\r\n", BAD),
        _chunks("data after the last chunk", b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n", FETCHED),
        _chunks("an answer after the last chunk", b"0\r\n\r\n" + page(titled("Poison")), FETCHED),
        _chunks("trailers", b"0\r\nX-Sum: 1\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n", BAD),
        _chunks("10,000 trailers", b"0\r\n" + b"X-T: y\r\n" * 10000 + b"\r\n", BAD),
        _chunks("a trailer of a megabyte", b"0\r\nX-T: " + b"y" * MIB + b"\r\n\r\n", BAD),
        _chunks("a trailer without a colon", b"0\r\nno colon\r\n\r\n", BAD),
        _chunks("100,000 chunks of a byte", b"1\r\nx\r\n" * 100000 + b"0\r\n\r\n", FETCHED),
        hostile("trailers without end", floods(_BEGUN + _FIRST + b"0\r\n", b"X-T: y\r\n" * 1000), BAD),
        hostile("a chunk extension without end", floods(_BEGUN + _FIRST + b"5;", b"x" * 65536), BAD),
        hostile("a chunk size without end", floods(_BEGUN + _FIRST, b"0" * 65536), BAD),
        hostile(
            "chunk extensions without end",
            floods(_BEGUN + _FIRST, chunk(b"x", b";" + b"y" * 9000)),
            BAD,
            is_quick=False,
        ),
        hostile("chunks of a byte without end", floods(_BEGUN + _FIRST, b"1\r\nx\r\n" * 9000), BAD, is_quick=False),
        hostile(
            "an answer that does not end its trailers",
            stalls(_BEGUN, _FIRST, b"0\r\nX-T: y\r\n"),
            STALLED,
            is_quick=False,
        ),
    ),
)
