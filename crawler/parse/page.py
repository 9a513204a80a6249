"""The life of one body in a worker, top to bottom: decoded, named, read, followed, and made a Page."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import orjson

from .. import urls
from ..errors import ParseError
from ..model import Links, Page
from . import charset, codings, html, kinds, xml
from .job import Content, Document, Job
from .news import memory_of
from .reading import Reading
from .simhash import simhash


def parse(document: Document, job: Job) -> Page:
    """What there is to know about a body. Raises ParseError, whatever the bytes, and nothing else.

    What the user's own parse function raises stands in `Page.data_error`, so that the page's links still travel.
    The links of a sitemap lie as deep as the sitemap itself, those of all else one hop further out.
    """
    body = codings.decode(document.body, document.content_encoding, job.max_body_bytes)
    kind, reading = _read(document, body, job)
    base = reading.base or document.url.text
    memory = memory_of(job.run)
    found = memory.resolve(reading.hrefs, base, job.policy)
    depth = document.depth + (kind != "sitemap")
    news = memory.news(found, document, depth, job) if reading.is_followed else []
    page = Page(
        digest=sha256(body).digest(),
        length=len(body),
        kind=kind,
        charset=reading.charset,
        title=reading.title,
        description=reading.description,
        language=reading.language,
        canonical=urls.resolver(base, job.policy)(reading.canonical) if reading.canonical else "",
        simhash=simhash(reading.words),
        n_links=len(found),
        news=Links("\n".join(news), urls.fingerprints(news, job.key)),
        links_json=orjson.dumps(found) if job.wants_links else b"",
        text=reading.text,
    )
    page = _extracted(page, document, body, job)
    memory.mark(news)  # the last thing that is done: nothing may be marked that does not travel
    return page


def _read(document: Document, body: bytes, job: Job) -> tuple[kinds.Kind, Reading]:
    """What kind of body it is, and what a reader of that kind makes of it."""
    kind = kinds.kind(document.content_type, body)
    url = document.url.text
    if kind == "other" and codings.is_gzip(body) and kinds.may_hold_gzip(document.content_type):
        return _read_gzip(url, body, job.max_body_bytes)
    if kind == "html":
        return kind, html.read(body, charset.label(document.content_type), url, wants_text=job.wants_text)
    if kind in {"sitemap", "feed"}:
        return kind, xml.read(body, url)
    return kind, _plain(document, body, job) if kind == "text" else Reading()


def _read_gzip(url: str, body: bytes, limit: int) -> tuple[kinds.Kind, Reading]:
    """A gzipped file may be a sitemap or a feed; any other is not ours to open."""
    try:
        opened = codings.gunzip(body, limit)
    except ParseError:
        return "other", Reading()
    kind = kinds.kind("application/xml", opened)
    return (kind, xml.read(opened, url)) if kind in {"sitemap", "feed"} else ("other", Reading())


def _plain(document: Document, body: bytes, job: Job) -> Reading:
    name = charset.sniff(body, charset.label(document.content_type))
    words = charset.decode(body, name)
    return Reading(charset=name, words=words, text=words if job.wants_text else "")


def _extracted(page: Page, document: Document, body: bytes, job: Job) -> Page:
    """The page, with what the user's own function says about it."""
    if job.extract is None:
        return page
    content = Content(document.url, document.status, document.content_type, body, page)
    try:
        data = job.extract(content)
        return page if data is None else replace(page, data_json=orjson.dumps(data))
    except Exception as error:  # noqa: BLE001 - it is not our code, and may fail in any way
        return replace(page, data_error=f"{type(error).__name__}: {error}"[:1000])
