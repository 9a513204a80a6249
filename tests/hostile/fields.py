"""Header fields: too long, too many, malformed, and lengths that contradict each other."""

from __future__ import annotations

from tests.hostile.answers import CHUNKED, HTML, MIB, OK, chunk, floods, page, says, titled
from tests.hostile.behaviour import BAD, DECOMPRESSION, FETCHED, LARGE, Behaviour, Family, hostile

_WORDS = b"<title>Which length?</title>"


def _with(name: str, fields: bytes, *expected: str, most_records: int = 1) -> Behaviour:
    """A good answer with these fields beside."""
    return hostile(name, says(page(titled(name), fields)), *expected, most_records=most_records)


def _length(name: str, fields: bytes, *expected: str) -> Behaviour:
    """A body whose length these fields say, in their way."""
    body = titled(name).encode()
    return hostile(name, says(OK, HTML, fields % {b"n": len(body)}, b"\r\n", body), *expected)


def _coded(name: str, fields: bytes, *expected: str) -> Behaviour:
    """A body in good chunks, said to be so in another way."""
    return hostile(name, says(OK, HTML, fields, b"\r\n", chunk(titled(name).encode()), b"0\r\n\r\n"), *expected)


FAMILY = Family(
    "fields",
    (
        _with("a field of a megabyte", b"X-Long: " + b"x" * MIB + b"\r\n", BAD),
        _with("a field of 60 kB", b"X-Long: " + b"x" * 60000 + b"\r\n", FETCHED),
        _with("a name of 60 kB", b"x" * 60000 + b": long\r\n", FETCHED),
        _with("100,000 fields", b"".join(b"X-%d: y\r\n" % i for i in range(100000)), BAD),
        _with("1,000 fields", b"".join(b"X-%d: y\r\n" % i for i in range(1000)), BAD),
        _with("200 fields", b"".join(b"X-%d: y\r\n" % i for i in range(200)), FETCHED),
        _with("500 fields of one name", b"X-Same: y\r\n" * 500, BAD),
        _with("ten fields of 60 kB", (b"X-Long: " + b"x" * 60000 + b"\r\n") * 10, BAD),
        _with("a line without a colon", b"no colon here\r\n", BAD),
        _with("an empty name", b": no name\r\n", BAD),
        _with("a name with blanks", b"My Name: x\r\n", BAD),
        _with("a blank before the colon", b"X-Blank : x\r\n", BAD),
        _with("a name beyond ASCII", "X-Näme: x\r\n".encode(), BAD),
        _with("a value beyond ASCII", "X-Name: größer\r\n".encode(), FETCHED),
        _with("NUL in a name", b"X-\0N: x\r\n", BAD),
        _with("NUL in a value", b"X-N: a\0b\r\n", BAD),
        _with("control characters in a value", b"X-N: a\x01\x07\x08\x1b[31mb\r\n", FETCHED),
        _with("a bare CR in a value", b"X-N: a\rInjected: yes\r\n", BAD),
        _with("a bare LF in the fields", b"X-N: a\nX-M: b\r\n", FETCHED),
        _with("folded lines", b"X-N: a\r\n b\r\n\tc\r\n", FETCHED),
        _with("a folded length", b"X-N: a\r\n Content-Length: 3\r\n", FETCHED),
        _with("a blank before the first name", b" X-N: a\r\n", FETCHED),
        _with("a content type of 50 kB", b"Content-Type: text/html; x=" + b"y" * 50000 + b"\r\n", FETCHED),
        _with("ten content types", b"Content-Type: image/png\r\n" * 10, FETCHED),
        _with(
            "a thousand Links",
            b"Link: " + b", ".join([b"</a%d>; rel=next" % (i % 3) for i in range(1000)]) + b"\r\n",
            FETCHED,
            most_records=4,
        ),
        _with("an ETag of 60 kB", b'ETag: "' + b"e" * 60000 + b'"\r\n', FETCHED),
        _with("robots directives of 60 kB", b"X-Robots-Tag: " + b"all, " * 12000 + b"\r\n", FETCHED),
        _with("a cookie of a megabyte", b"Set-Cookie: a=" + b"c" * MIB + b"\r\n", BAD),
        _with("200 cookies", b"".join(b"Set-Cookie: c%d=%d\r\n" % (i, i) for i in range(200)), FETCHED),
        _with("10,000 cookies", b"".join(b"Set-Cookie: c%d=%d\r\n" % (i, i) for i in range(10000)), BAD),
        _with(
            "cookies for everybody", b"Set-Cookie: a=b; Domain=.com\r\nSet-Cookie: c=d; Domain=127.0.0.1\r\n", FETCHED
        ),
        _with("a date of nonsense", b"Date: Someday\r\nLast-Modified: -1\r\nExpires: 0\r\n", FETCHED),
        _with("Connection: upgrade", b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n", FETCHED),
        _with("Connection names everything", b"Connection: content-length, content-type, host\r\n", FETCHED),
        _length("the same length twice", b"Content-Length: %(n)d\r\nContent-Length: %(n)d\r\n", FETCHED),
        _length("the same length in a list", b"Content-Length: %(n)d, %(n)d\r\n", FETCHED),
        _length("two lengths", b"Content-Length: 5\r\nContent-Length: %(n)d\r\n", BAD),
        _length("two lengths in a list", b"Content-Length: 5, %(n)d\r\n", BAD),
        _length("a negative length", b"Content-Length: -%(n)d\r\n", BAD),
        _length("a length with a plus", b"Content-Length: +%(n)d\r\n", BAD),
        _length("a length in hexadecimal", b"Content-Length: 0x%(n)x\r\n", BAD),
        _length("a length with a point", b"Content-Length: %(n)d.0\r\n", BAD),
        _length("a length with words", b"Content-Length: %(n)d bytes\r\n", BAD),
        _length("a length with blanks in it", b"Content-Length: 1 2\r\n", BAD),
        _length("an empty length", b"Content-Length:\r\n", BAD),
        _length("a length of 2^64", b"Content-Length: 18446744073709551616\r\n", BAD),
        _length("a length of 10 TB", b"Content-Length: 10000000000000\r\n", LARGE),
        _length("a length of a thousand digits", b"Content-Length: " + b"9" * 1000 + b"\r\n", BAD),
        _length("a length in other digits", b"Content-Length: \xb2\xb3\r\n", BAD),
        _length("a length and chunks", b"Content-Length: %(n)d\r\n" + CHUNKED, BAD),
        _length("chunks and a length", CHUNKED + b"Content-Length: %(n)d\r\n", BAD),
        _coded("chunked, in capitals", b"TRANSFER-ENCODING: CHUNKED\r\n", FETCHED),
        _coded("chunked twice", b"Transfer-Encoding: chunked, chunked\r\n", BAD),
        _coded("chunked in two fields", CHUNKED + CHUNKED, BAD),
        _coded("chunked within gzip", b"Transfer-Encoding: chunked, gzip\r\n", BAD),
        _coded("gzip within chunked", b"Transfer-Encoding: gzip, chunked\r\n", BAD),
        _coded("xchunked", b"Transfer-Encoding: xchunked\r\n", BAD),
        _coded("chunked with a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n", BAD),
        _coded("chunked after a comma", b"Transfer-Encoding: , chunked\r\n", BAD),
        _coded("an unknown transfer coding", b"Transfer-Encoding: quantum\r\n", BAD),
        _coded("transfer coding identity, chunked", b"Transfer-Encoding: identity, chunked\r\n", BAD),
        _coded("a transfer coding of 50 kB", b"Transfer-Encoding: " + b"x" * 50000 + b"\r\n", BAD),
        hostile(
            "chunks in HTTP/1.0",
            says(b"HTTP/1.0 200 OK\r\n", HTML, CHUNKED, b"\r\n", chunk(_WORDS), b"0\r\n\r\n"),
            FETCHED,
        ),
        _with("a thousand content codings", b"Content-Encoding: " + b"gzip, " * 1000 + b"gzip\r\n", DECOMPRESSION),
        hostile("fields without end", floods(OK, b"X-Again: and again\r\n" * 1000), BAD),
        hostile("one field without end", floods(OK + b"X-Long: ", b"x" * 65536), BAD),
        hostile("one name without end", floods(OK, b"x" * 65536), BAD),
    ),
)
