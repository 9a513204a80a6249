"""Offers pages: the answers of URLs, with the result that a correct crawler should get of each.

Links are written as in a page (relative, `/rooted`, `//host/x`, `http://host/x`). Hosts in them are *names* of sites,
and become the addresses under which the sites are served. A `Page` is a value: the same object under two URLs is a
duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal
from xml.sax.saxutils import escape

from crawler.testing import markup, wire
from crawler.testing.wire import Answer

Disposition = Literal["fetched", "redirected", "unchanged", "duplicate", "excluded", "failed"]
Declared = Literal["header", "meta", "bom", "nowhere"]

SMALL_BYTES = 2_000
NO_STATUS = 0  # status of an answer that is not HTTP
_SITEMAP_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_BOMS = {"utf-8": b"\xef\xbb\xbf", "utf-16le": b"\xff\xfe", "utf-16be": b"\xfe\xff"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the answering page sees it."""

    method: str
    target: str  # path and query as in the request
    headers: Mapping[str, str]  # lower-case names
    visit: int  # 1 for the first request of this target
    place: Callable[[str], str]  # a link as described -> the link as served


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The answer of a URL, and the truth about it.

    `status`, `title` and `disposition` are the final truth, after retries (`status` is None if nothing readable comes
    back). `links` are the hrefs as written. `fixed` says that every request gets the same answer, so the server may
    keep it.
    """

    answer: Callable[[Asked], Answer]
    status: int | None = 200
    title: str | None = None
    links: tuple[str, ...] = ()
    disposition: Disposition = "fetched"
    base: str = ""
    fixed: bool = True


def html(
    title: str,
    links: Iterable[str] = (),
    *,
    text: Iterable[str] = (),
    size_bytes: int = SMALL_BYTES,
    lang: str = "en",
    charset: str = "utf-8",
    declared: Declared = "header",
    base: str = "",
) -> Page:
    """Returns an HTML page with a title, an `<a href>` for each link, paragraphs, and filler up to `size_bytes`.

    `charset` (a WHATWG label) is `declared` in the Content-Type header, in `<meta charset>`, by a byte order mark, or
    nowhere. The description is the first paragraph.
    """
    hrefs, paragraphs = tuple(links), tuple(text)
    content_type = f"text/html; charset={charset}" if declared == "header" else "text/html"

    def answer(asked: Asked) -> Answer:
        marked_up = markup.document(
            title,
            [(asked.place(href), markup.label(href)) for href in hrefs],
            paragraphs=paragraphs,
            lang=lang,
            size_bytes=size_bytes,
            meta_charset=charset if declared == "meta" else "",
            base=asked.place(base) if base else "",
        )
        return Answer(200, (("Content-Type", content_type),), encoded(marked_up, charset, bom=declared == "bom"))

    return Page(answer, 200, title, hrefs, base=base)


def written(text: str, title: str | None = None, links: Iterable[str] = ()) -> Page:
    """Returns a page of exactly this HTML. A correct crawler reads `title` and `links` from it.

    The text must contain the links as given here (not escaped), so that the hosts in them can be replaced.
    """
    hrefs = tuple(links)

    def answer(asked: Asked) -> Answer:
        placed = text
        for href in sorted(hrefs, key=len, reverse=True):
            placed = placed.replace(href, asked.place(href))
        return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), placed.encode())

    return Page(answer, 200, title, hrefs)


def plain(body: bytes | str, content_type: str = "text/plain; charset=utf-8", status: int = 200) -> Page:
    """Returns a page that is not HTML, with these bytes and this type."""
    data = body.encode() if isinstance(body, str) else body
    answer = Answer(status, (("Content-Type", content_type),), data)
    return Page(lambda _: answer, status, disposition="fetched" if status < 300 else "failed")


def error(status: int = 500, *, retry_after_s: int | None = None) -> Page:
    """Returns a page that is always an HTTP error, with Retry-After if wanted."""
    wait = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    answer = Answer(status, (("Content-Type", "text/html"), *wait), markup.document(f"Error {status}", ()).encode())
    return Page(lambda _: answer, status, disposition="failed")


@cache
def missing() -> Page:
    """Returns the 404 page of every URL that is not described."""
    return error(404)


def redirect(to: str, status: int = 301) -> Page:
    """Returns a redirect (301, 302, 303, 307 or 308) to a link."""
    return Page(
        lambda asked: Answer(status, (("Location", asked.place(to)),)), status, links=(to,), disposition="redirected"
    )


def redirect_chain(prefix: str, hops: int, to: str, status: int = 302) -> dict[str, Page]:
    """Returns `hops` redirects in a row, from `<prefix>1` on, that end at `to`."""
    stops = [f"{prefix}{hop}" for hop in range(1, hops + 1)]
    return {stop: redirect(after, status) for stop, after in zip(stops, [*stops[1:], to], strict=True)}


def redirect_loop(prefix: str, length: int, status: int = 302) -> dict[str, Page]:
    """Returns `length` redirects in a circle, from `<prefix>1` on."""
    return redirect_chain(prefix, length, f"{prefix}1", status)


def sitemap(urls: Iterable[str]) -> Page:
    """Returns a sitemap (sitemaps.org 0.9) of these absolute links."""
    return _sitemap(urls, "urlset", "url")


def sitemap_index(urls: Iterable[str]) -> Page:
    """Returns a sitemap index (sitemaps.org 0.9) of these absolute links."""
    return _sitemap(urls, "sitemapindex", "sitemap")


def big(title: str, size_bytes: int, links: Iterable[str] = ()) -> Page:
    """Returns a very long HTML page."""
    return html(title, links, size_bytes=size_bytes)


def endless(title: str = "Without end") -> Page:
    """Returns an HTML page whose body never ends: it sends chunks for as long as the client reads."""
    start = f"<!DOCTYPE html><title>{title}</title>".encode()
    filler = b"".join(paragraph.encode() for paragraph in markup.pool())
    answer = Answer(200, (("Content-Type", "text/html; charset=utf-8"),), start + filler, wire.endless)
    return Page(lambda _: answer, None, disposition="failed")


def reset() -> Page:
    """Returns a page that gives no answer and resets the connection (RST)."""
    return _unreadable(wire.dropped(wire.Ending.RESET))


def hung_up() -> Page:
    """Returns a page that gives no answer and closes the connection properly."""
    return _unreadable(wire.dropped(wire.Ending.CLOSE))


def silent() -> Page:
    """Returns a page that gives no answer and keeps the connection open."""
    return _unreadable(wire.silent)


def garbage(data: bytes = b"\x00\x01 this is not HTTP\r\n\r\n") -> Page:
    """Returns a page that sends these bytes instead of an HTTP answer."""
    return _unreadable(wire.raw(data))


def encoded(text: str, charset: str, *, bom: bool = False) -> bytes:
    """Encodes a text in `charset` (a WHATWG label), with a byte order mark if wanted.

    Characters that the charset lacks become numeric references.
    """
    mark = _BOMS[charset.lower().replace("utf-16-", "utf-16")] if bom else b""
    return mark + text.encode(_CODECS.get(charset.lower(), charset), "xmlcharrefreplace")


_CODECS = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "iso-8859-1": "cp1252", "shift_jis": "cp932"}


def _sitemap(urls: Iterable[str], root: str, item: str) -> Page:
    links = tuple(urls)

    def answer(asked: Asked) -> Answer:
        items = "".join(f"<{item}><loc>{escape(asked.place(url))}</loc></{item}>\n" for url in links)
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_SITEMAP_SPACE}">\n{items}</{root}>\n'
        return Answer(200, (("Content-Type", "application/xml"),), text.encode())

    return Page(answer, links=links)


def _unreadable(play: wire.Play) -> Page:
    answer = Answer(NO_STATUS, play=play)
    return Page(lambda _: answer, None, disposition="failed")
