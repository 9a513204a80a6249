"""Status lines: garbage, versions and numbers that do not exist, interim answers without end."""

from __future__ import annotations

from tests.hostile.answers import HTML, MIB, OK, floods, page, says, stalls, titled
from tests.hostile.behaviour import BAD, FETCHED, SLOW, Behaviour, Family, hostile

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


def _line(name: str, line: bytes, *expected: str) -> Behaviour:
    """This status line before an otherwise good answer."""
    return hostile(name, says(line, b"\r\n", page(titled(name))[len(OK) :]), *expected)


FAMILY = Family(
    "status lines",
    (
        hostile("nothing but an empty line", says(b"\r\n\r\n"), BAD),
        hostile("words that are no HTTP", says(b"hello, this is not a web server\r\n\r\n"), BAD),
        hostile("random bytes", says(bytes((i * 73 + 41) % 256 for i in range(4096))), BAD),
        hostile("HTTP/0.9: a body alone", says(b"<html><title>Old</title>Hello</html>"), BAD),
        hostile("HTTP/2 frames", says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)), "failed/http2-only"),
        _line("HTTP/9.9", b"HTTP/9.9 200 OK", BAD),
        _line("HTTP/2.0 as text", b"HTTP/2.0 200 OK", FETCHED),
        _line("HTTP/1.0", b"HTTP/1.0 200 OK", FETCHED),
        _line("HTTP/1", b"HTTP/1 200 OK", BAD),
        _line("http in small letters", b"http/1.1 200 ok", BAD),
        _line("ICY 200 OK", b"ICY 200 OK", BAD),
        _line("HTTPS/1.1", b"HTTPS/1.1 200 OK", BAD),
        _line("a version of ten digits", b"HTTP/1.1111111111 200 OK", BAD),
        _line("no status", b"HTTP/1.1", BAD),
        _line("no status but words", b"HTTP/1.1 OK", BAD),
        _line("no reason phrase", b"HTTP/1.1 200", FETCHED),
        _line("status 0", b"HTTP/1.1 0 Zero", BAD),
        _line("status 000", b"HTTP/1.1 000 Zero", BAD),
        _line("status 099", b"HTTP/1.1 099 Almost", BAD),
        _line("status 20", b"HTTP/1.1 20 OK", BAD),
        _line("status 2000", b"HTTP/1.1 2000 OK", BAD),
        _line("status -200", b"HTTP/1.1 -200 OK", BAD),
        _line("status 2OO", b"HTTP/1.1 2OO OK", BAD),
        _line("status 999", b"HTTP/1.1 999 Denied", "failed/status-5xx"),
        _line("status 600", b"HTTP/1.1 600 Beyond", "failed/status-5xx"),
        _line("status of a billion digits", b"HTTP/1.1 " + b"2" * 60000, BAD),
        _line("tabs for blanks", b"HTTP/1.1\t200\tOK", BAD),
        _line("many blanks", b"HTTP/1.1    200    OK", BAD),
        _line("NUL in the reason", b"HTTP/1.1 200 O\0K", FETCHED),
        _line("a reason of a megabyte", b"HTTP/1.1 200 " + b"r" * MIB, BAD),
        _line("a reason of 60 kB", b"HTTP/1.1 200 " + b"r" * 60000, FETCHED),
        _line("a reason in latin-1", b"HTTP/1.1 200 Tr\xe8s bien", FETCHED),
        hostile("a reason without end", floods(b"HTTP/1.1 200 ", b"r" * 65536), BAD),
        hostile("empty lines without end", floods(b"", b"\r\n" * 32768), BAD),
        hostile("empty lines, then an answer", says(b"\r\n\r\n\r\n", page(titled("After lines"))), FETCHED),
        hostile("junk, then an answer", says(b"junk\r\n", page(titled("After junk"))), BAD),
        hostile("a hundred interim answers", says(_CONTINUE * 100, page(titled("Patience"))), BAD),
        hostile("interim answers without end", floods(b"", _CONTINUE * 1000), BAD),
        hostile(
            "interim answers with 100 kB of fields", floods(b"", _HINTS[:-2] + b"X: " + b"x" * 50000 + b"\r\n\r\n"), BAD
        ),
        hostile("an interim answer and no other", says(_CONTINUE), BAD),
        hostile("an interim answer, then silence", stalls(_CONTINUE), SLOW, is_quick=False),
        hostile("early hints, twice", says(_HINTS, _HINTS, page(titled("After hints"))), FETCHED),
        hostile(
            "switching protocols unasked", says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), BAD
        ),
        hostile("switching to h2c", stalls(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), BAD),
        hostile("status 199", says(b"HTTP/1.1 199 Nearly\r\n\r\n"), BAD),
        hostile("no fields at all", says(OK, b"\r\n<title>Bare</title>Bare, but an answer"), FETCHED),
        hostile("a head that never ends", floods(OK + HTML, b"X-More: again\r\n" * 999), BAD),
        hostile("line ends of LF alone", says(page(titled("LF alone")).replace(b"\r\n", b"\n")), FETCHED),
        hostile("line ends of CR alone", says(page(titled("CR alone")).replace(b"\r\n", b"\r")), BAD),
    ),
)
