"""A site with every kind of answer that an archive should keep, and what it sent, byte for byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from crawler.testing import (
    Asked,
    Page,
    Site,
    Web,
    big,
    cacheable,
    chunked,
    compressed,
    error,
    failing,
    html,
    plain,
    redirect,
    redirect_chain,
    unframed,
    written,
)
from crawler.testing.robots import disallowing
from crawler.testing.wire import Answer
from tests.archive_check.looks import make_png

HOST = "archive.test"
COPIES = 40
"""Pages of which each body is there twice."""
CUT_BYTES = 300_000
"""Bodies over this size are kept up to here, and are counted apart."""
_STYLED = """<!DOCTYPE html><html><head><title>Styled</title><link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.png"><script src="/app.js"></script><style>p { background: url(/paper.png) }</style></head>
<body style="background: url(/back.png)"><h1>Styled</h1><img src="/picture.png" srcset="/picture-2x.png 2x">
<p>on paper</p><a href="/">home</a></body></html>"""
_COLOURS = {
    "icon": (1, 2, 3), "picture": (200, 30, 30), "picture-2x": (30, 200, 30), "back": (220, 220, 250),
    "head": (250, 220, 120), "paper": (240, 240, 200),
}  # fmt: skip
STYLED = "/styled"


class Sent:
    """What the site sent, by the path that was asked for, in order."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.is_noted = True
        """Whether somebody asks whose archive is judged."""

    def note(self, page: Page) -> Page:
        """Returns the page, which notes its answers from now on."""

        def answer(asked: Asked) -> Answer:
            sent = page.answer(asked)
            if self.is_noted:
                self.answers[asked.target].append(sent)
            return sent

        return replace(page, answer=answer, fixed=False)


def make_web(sent: Sent) -> Web:
    pages = dict(_pages())
    linked = [path for path in pages if not path.endswith((".png", ".css", ".js"))]  # the others are requisites
    seed = html("Archive", linked, size_bytes=4000)
    every = {"/": seed, **pages}
    return Web([Site(HOST, {path: sent.note(page) for path, page in every.items()}, disallowing("/private/"))])


def _pages() -> Iterator[tuple[str, Page]]:
    for n in range(COPIES):
        yield f"/copy/{n}", html(f"Copy {n // 2}", ["/"], size_bytes=3000)
    yield STYLED, written(_STYLED, "Styled")
    yield "/style.css", plain("@import '/more.css'; body { color: #123 }", "text/css")
    yield "/more.css", plain("h1 { background: url(head.png) }", "text/css")
    yield "/app.js", plain("document.title += '!'", "text/javascript")
    for name, colour in _COLOURS.items():
        yield f"/{name}.png", plain(make_png(*colour), "image/png")
    yield from _codings()
    yield from _framings()
    yield "/moved", redirect("/styled")
    yield "/see-other", redirect("/copy/1", 303)
    yield from redirect_chain("/chain", 4, "/copy/2").items()
    for status in (400, 401, 403, 404, 410, 418, 500, 503):
        yield f"/status/{status}", error(status)
    yield "/tired", failing(html("Tired", size_bytes=2500), times=1)
    yield "/cached", cacheable(html("Cached", size_bytes=2600))
    yield "/empty", plain(b"", "text/html")
    yield "/no-type", Page(lambda _: Answer(200, (), b"<title>No type</title>"), 200, "No type")
    yield "/latin", html("Latin: \xe9\xe8", charset="iso-8859-1")
    yield "/binary.bin", plain(bytes(range(256)) * 30, "application/octet-stream")
    yield "/text.txt", plain("plain text, \u65e5\u672c\n" * 50)
    yield "/large", big("Large", 250_000)
    yield "/too-large", big("Too large", 900_000)
    yield "/fields", Page(lambda _: Answer(200, _FIELDS, b"<title>Fields</title>"), 200, "Fields")
    for path in ("/odd?b=2&a=1", "/odd?A=1&b", "/odd/UPPER", "/odd/a%20b", "/odd/%C3%A9", "/odd/x;y=1?z=%26", "/odd/?"):
        yield path, html(f"Odd {path}", size_bytes=2100)


_FIELDS = (
    ("content-TYPE", "text/html"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2; Path=/"),
    ("X-Latin", "caf\xe9"),
    ("X-Empty", ""),
    ("X-Long", "x" * 4000),
)


def _codings() -> Iterator[tuple[str, Page]]:
    for coding in ("gzip", "deflate", "raw-deflate", "br", "zstd"):
        yield f"/coded/{coding}", compressed(html(f"Coded {coding}", size_bytes=20_000), coding)
        yield f"/coded/chunked-{coding}", chunked(compressed(html(f"Both {coding}", size_bytes=9_000), coding))


def _framings() -> Iterator[tuple[str, Page]]:
    yield "/chunked", chunked(html("Chunked", size_bytes=30_000))
    yield "/chunked-small", chunked(html("Small chunks", size_bytes=3_000), 7)
    yield "/unframed", unframed(html("Unframed", size_bytes=8_000))
