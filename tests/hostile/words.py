"""What is shown and written: terminal escapes, formulas, and bodies that are not what they are called."""

from __future__ import annotations

import gzip

from tests.hostile.answers import END, HTML, OK, page, says
from tests.hostile.behaviour import BAD, FETCHED, Behaviour, Family, hostile
from tests.hostile.moves import SCHEME, moved

ESCAPES = "\x1b[2J\x1b[31mred\x1b]0;owned\x07\x9b31m\x08\x08\u202egnp\u2028\u0085\ufeff\u200b"
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(2000)


def _titled(name: str, title: str) -> Behaviour:
    return hostile(name, says(page(f"<!doctype html><title>{title}</title><p>{name}")), FETCHED)


def _called(name: str, content_type: str, body: bytes, *expected: str) -> Behaviour:
    kind = f"Content-Type: {content_type}\r\n".encode("latin-1") if content_type else b""
    return hostile(name, says(page(body + name.encode(), kind=kind)), *(expected or (FETCHED,)))


FAMILY = Family(
    "words",
    (
        _titled("terminal escapes in a title", ESCAPES),
        _titled("a formula for a title", "=cmd|' /C calc'!A0"),
        _titled("a title that ends a record", '"}\n{"url":"http://forged.test/","v":1}\n'),
        _titled("a title that is a log line", "x\n2026-01-01 00:00:00 CRITICAL forged"),
        _titled("lone surrogates in a title", "&#xd800;&#xdfff;\\ud800"),
        _titled("emoji and marks in a title", "👩‍👩‍👧‍👦" * 500 + "Z̸̢̛" * 500),
        hostile(
            "terminal escapes in a reason",
            says(b"HTTP/1.1 200 \x1b[31mOK\x1b[0m\r\n", page("r", b"")[len(OK) :]),
            FETCHED,
        ),
        hostile("terminal escapes in an ETag", says(page("etag", b'ETag: "\x1b[2J"\r\n')), FETCHED),
        hostile("terminal escapes in an error", says(b"\x1b[31mHTTP\x1b]0;owned\x07/1.1 200 OK\r\n\r\n"), BAD),
        hostile("terminal escapes in a length", says(OK, b"Content-Length: \x1b[31m5\r\n\r\n"), BAD),
        hostile("terminal escapes in a coding", says(OK, b"Transfer-Encoding: \x1b[31mx\r\n\r\n"), BAD),
        hostile("terminal escapes in a redirect", says(moved("gopher:\x1b[31m\u202e\n", b"302 Found")), SCHEME),
        _called("a picture called HTML", "text/html", _PNG),
        _called("HTML called a picture", "image/png", b"<!doctype html><title>p</title><a href='/hidden'>x</a>"),
        _called("HTML called plain text", "text/plain", b"<!doctype html><title>t</title><a href='/hidden'>x</a>"),
        _called("HTML called JSON", "application/json", b"<html><title>j</title>"),
        _called("gzip called octet-stream", "application/octet-stream", gzip.compress(b"<html>")),
        _called("a PDF called HTML", "text/html", b"%PDF-1.7\n" + bytes(500)),
        _called("a ZIP called text", "text/plain", b"PK\x03\x04" + bytes(500)),
        _called("a program called HTML", "text/html", b"\x7fELF" + bytes(500)),
        _called("no content type", "", b"<html><title>untyped</title>"),
        _called("a content type that is none", "nonsense", b"<html><title>nonsense</title>"),
        _called("a content type of slashes", "////;;;;====", b"<html><title>slashes</title>"),
        _called("a content type with escapes", "text/html; \x1b[31m", b"<title>escaped</title>", FETCHED),
        hostile("two content types", says(page("two", b"Content-Type: application/pdf\r\n")), FETCHED),
        hostile(
            "a download's file name",
            says(page("name", b"Content-Disposition: attachment; filename=../../x\r\n")),
            FETCHED,
        ),
        hostile(
            "a picture that is a page",
            says(
                OK,
                b"Content-Type: image/svg+xml",
                END,
                END,
                b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>",
            ),
            FETCHED,
        ),
        hostile("a refresh field to a script", says(page("field", b"Refresh: 0; url=javascript:x\r\n")), FETCHED),
        hostile(
            "a Link field of nonsense",
            says(page("link", b'Link: <<<>>>;;;rel="next, <javascript:x>; rel=next\r\n')),
            FETCHED,
        ),
        hostile(
            "HTML in pieces of charset", says(OK, HTML, END, b"\xef\xbb\xbf<title>\xef\xbb\xbf</title>bom"), FETCHED
        ),
    ),
)
