"""Makes a Page of a body, from top to bottom: decode it, find its kind, read it, resolve its links."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from .. import urls
from ..errors import ParseError
from ..model import LeftOut, Links, Page, Reason
from ..runtime.counting import many
from ..runtime.xml_repair import Enough
from . import (
    audit,
    blocked,
    charset,
    codings,
    data,
    directives,
    fields,
    focus,
    html,
    kinds,
    links,
    requisites,
    scan,
    shell,
    sitemap,
    styles,
    xml,
)
from . import usage as usages
from .evidence import NO_END, Evidence, Shown, evidence
from .extraction import Source, extract
from .inheriting import hand_down
from .job import Document, ParseJob
from .news import NO_NEWS, Memory, News, ResolvedLinks, memory_of
from .reading import Reading
from .simhash import gist, simhash
from .sketch import ALL, MAIN, sketch

MAX_LINK_BYTES = 16 << 20
"""Bytes of all links of a page together, so that a worker's answer has a limit for any input."""
MOST_STEPS = 8
"""Most steps of requisites from a page: a frame in a frame, a style that imports a style. Endless ones end so."""
_NEEDY = frozenset({"text/css", "application/manifest+json", "image/svg+xml"})
"""Types of files that may need others to be shown."""
_NO_LINKS = Links()
MAX_TEXT = 1 << 20
"""Characters of readable text that are kept."""
MAX_SAID_BYTES = 1 << 20
"""Bytes of metadata and of structured data of a page, each as JSON."""
LONG_TEXT = blocked.LONGEST_TEXT
"""Characters of text. Pages with no more are never brief: they may be notices, and cost little."""


class Traits(NamedTuple):
    """Traits that distinguish a page from pages made alike."""

    gist: int
    shown: Evidence


NO_TRAITS = Traits(0, Evidence(0, b"", NO_END, False))


def parse(document: Document, job: ParseJob) -> Page:
    """Returns the page that a body holds. Raises ParseError and nothing else, for any bytes.

    An error of the user's own parse function is kept in `Page.data_error`, so that the page's links are not lost. Links
    of a sitemap are as deep as the sitemap itself; all other links are one hop deeper than their page.
    """
    body, truncated, notes = _decode(document, job)
    kind, reading = _read(document, body, job)
    for said in notes:
        reading.add_note(said)
    usage = usages.statements(reading, document, job) if job.wants_usage else ()
    fields.note(reading, document, job)
    base = reading.base or document.url.text
    memory = memory_of(job.run)
    found = _keep(memory.resolve(_pick_followed(reading, kind, job), base, job.policy), reading)
    depth = document.depth + (kind != "sitemap")
    news = _news(memory, found, document, reading, depth, job)
    news = _add_requisites(news, memory, reading, base, document, job)
    is_brief = document.may_be_brief and len(reading.words) > LONG_TEXT
    wants_simhash = not is_brief or job.wants_simhash or job.extract is not None
    relevance = focus.relevance_of(job.focus, reading) if kind != "sitemap" else None
    traits = _find_traits(reading, found, document.url.text) if not is_brief else NO_TRAITS
    page = Page(
        digest=sha256(body).digest(),
        length=len(body),
        kind=kind,
        charset=reading.charset,
        title=reading.title,
        description=reading.description,
        language=reading.language,
        canonical=urls.make_resolver(base, job.policy)(reading.canonical) if reading.canonical else "",
        robots=directives.summary(reading.directives),
        simhash=simhash(reading.words) if wants_simhash else 0,
        gist=traits.gist,
        numbers=traits.shown.numbers,
        media=traits.shown.media,
        end=traits.shown.end,
        is_ahead=traits.shown.is_ahead,
        is_brief=is_brief,
        sketch=_sketch(reading) if job.wants_sketch else b"",
        n_links=len(found),
        news=_pack(news.texts, reading, job, relevance, document.priority),
        links_json=data.encode_bounded(found) if job.wants_links else b"",
        audit_json=_encode_facts(reading, memory, base, document, job),
        text=_cut(reading.text, "text", reading),
        markdown=_cut(reading.markdown, "markdown", reading),
        text_from=reading.text_from,
        metadata_json=_encode(reading.metadata, "metadata", reading),
        pdf_json=_encode(reading.pdf, "facts of the PDF file", reading),
        structured_json=_encode(reading.structured, "structured data", reading),
        fields_json=_encode(reading.fields, "fields", reading),
        fields_found=reading.fields_found,
        fields_unread=reading.fields_unread,
        truncated=truncated,
        is_scanned=reading.is_scanned,
        note=reading.note,
        left_out=int(news.left_out | reading.left_out | _kinds_left_out(kind, document, job)),
        outside=urls.fingerprints(news.outside, job.key),
        beyond=_pack_plain(news.beyond, job) if news.beyond else _NO_LINKS,
        n_requisites=len(reading.requisites),
        requisites=_pack_plain(news.requisites, job) if news.requisites else _NO_LINKS,
        blocked_by=_blocked_by(document, body, kind, reading, len(found)),
        n_words=shell.count_words(reading.shell, reading.words) if document.is_rendered else 0,
        relevance=relevance,
        usage=usage,
    )
    if why := shell.judge(document.looks_for, reading.shell, reading.words):  # it comes again, with its scripts' work
        return replace(page, needs_rendering=why, n_words=shell.count_words(reading.shell, reading.words))
    source = Source(page, document, body, reading, base, news, depth)
    if job.extract is not None:
        page, news = extract(source, job, memory)
    if job.data_follows:
        page = hand_down(source, page)
    memory.mark(news, depth, document)  # comes last: links may be marked only if they are really sent
    return page


def _sketch(reading: Reading) -> bytes:
    """Returns the sketch of the text that the record keeps; of all words, if it keeps none or little of it."""
    return sketch(reading.main_text, MAIN) or sketch(reading.words, ALL)


def _find_traits(reading: Reading, found: list[str], url: str) -> Traits:
    words = reading.words.encode("utf-8", "replace")
    figures = reading.spaced.encode("utf-8", "replace") or words
    shown = evidence(Shown(reading.title, figures, reading.media, found), url)
    return Traits(gist(reading.title.encode("utf-8", "replace") + words, url), shown)


def _decode(document: Document, job: ParseJob) -> tuple[bytes, str, tuple[str, ...]]:
    """Returns the body without its codings, the reason if it is only a beginning, and notes on faulty codings."""
    keeps, limit = job.keeps_oversized, job.max_body_bytes
    found = codings.decode_beginning(
        document.body, document.content_encoding, limit, is_cut=keeps and document.is_cut, is_whole=not keeps
    )
    is_too_large = (keeps and document.is_cut) or len(found.body) > limit
    truncated = "length" if is_too_large else "unspecified" if found.is_short else ""
    return found.body[:limit], truncated, found.notes


def _read(document: Document, body: bytes, job: ParseJob) -> tuple[kinds.Kind, Reading]:
    """Returns the kind of the body, and its reading by the reader of that kind."""
    content_type, url = document.content_type, document.url.text
    kind = kinds.kind(content_type, body)
    if kind == "other" and codings.is_gzip(body) and kinds.may_hold_gzip(content_type):
        return _read_gzip(document, body, job)
    if kind == "html" and (document.is_suspect or html.is_too_large(body, job.tree_bytes)):
        return kind, _add_fields(scan.read(body, charset.label(content_type), url, job), document, body, job)
    if kind == "html":
        return kind, html.read(
            body,
            charset.label(content_type),
            url,
            job,
            is_xml=kinds.is_xml(content_type),
            may_be_brief=document.may_be_brief,
            wants_audit=job.wants_audit and not (document.extra_hop or document.requisite),
            looks_for_shell=bool(document.looks_for) or document.is_rendered,
        )
    if kind in {"sitemap", "feed"}:
        return kind, xml.read([body], document, job)
    if kind == "other" and job.wants_pdf and kinds.is_pdf(body) and not document.is_suspect:
        from . import pdf  # noqa: PLC0415 - it needs an extra, and 20 MB of memory

        return "pdf", pdf.read(body, url, job)
    if kind == "text":
        return _read_list(document, [body]) if sitemap.is_list(document) else (kind, _plain(document, body, job))
    reading = _read_file(document, body, job) if job.most_requisites else Reading()
    return kind, _add_fields(reading, document, body, job) if kinds.essence(content_type).endswith("json") else reading


def _add_fields(reading: Reading, document: Document, body: bytes, job: ParseJob) -> Reading:
    """Returns the reading of what has no tree, with fields that expressions find, unless a worker failed on it."""
    if job.fields and not document.is_suspect:
        from . import selecting  # noqa: PLC0415 - imported where fields are asked for

        selecting.note(reading, job.fields, selecting.Source(None, body, reading.charset))
    return reading


def _read_file(document: Document, body: bytes, job: ParseJob) -> Reading:
    """Reads a file that is no page, but may need others to be shown."""
    content_type = document.content_type
    match kinds.essence(content_type):
        case "text/css":
            text = styles.decode(body, charset.label(content_type))
            return Reading(requisites=list(dict.fromkeys(styles.find_urls(text))))
        case "application/manifest+json":
            return Reading(requisites=requisites.find_in_manifest(body))
        case "image/svg+xml" if not html.is_too_large(body, job.tree_bytes):
            return Reading(requisites=requisites.find_in_svg(body))
    return Reading()


def _read_gzip(document: Document, body: bytes, job: ParseJob) -> tuple[kinds.Kind, Reading]:
    """Reads a gzip file if it is a sitemap or a feed. Other files are not opened further."""
    pieces = codings.gunzip(body, sitemap.MAX_BYTES)
    try:
        head = next(pieces, b"")
        kind = kinds.kind("application/xml", head)
        if kind in {"sitemap", "feed"}:
            return kind, xml.read(chain([head], pieces), document, job)
        if sitemap.is_list(document) and kinds.kind("text/plain", head) == "text":
            return _read_list(document, chain([head], pieces))
    except ParseError as error:
        if error.reason is not Reason.DECOMPRESSION:
            raise
    return "other", Reading()


def _read_list(document: Document, pieces: Iterable[bytes]) -> tuple[kinds.Kind, Reading]:
    reading = Reading(charset="utf-8", base=document.url.text)
    try:
        sitemap.read_list(charset.decode_in_pieces(sitemap.limit_bytes(pieces), "utf-8"), reading)
    except (Enough, ParseError) as error:
        reading.note = str(error)
    return "sitemap", reading


def _plain(document: Document, body: bytes, job: ParseJob) -> Reading:
    name = charset.of_text(body, charset.label(document.content_type))
    words = charset.decode(body, name)
    return _add_fields(Reading(charset=name, words=words, text=words if job.wants_text else ""), document, body, job)


def _pick_followed(reading: Reading, kind: kinds.Kind, job: ParseJob) -> list[str]:
    """Returns the hrefs as written, at most `max_links` of a page."""
    hrefs = reading.hrefs
    if reading.refresh and "refresh" in job.follow:
        hrefs = [*hrefs, reading.refresh]
    if len(hrefs) <= job.max_links or kind == "sitemap":
        return hrefs
    distinct = list(dict.fromkeys(hrefs))
    if len(distinct) > job.max_links:
        reading.add_note(f"only the first {job.max_links} of {len(distinct)} links were read")
        reading.left_out |= LeftOut.MAX_LINKS
    return distinct[: job.max_links]


def _news(memory: Memory, found: list[str], document: Document, reading: Reading, depth: int, job: ParseJob) -> News:
    """Returns the news among the links; none if the page asks not to be followed."""
    if job.nofollow == "ignore" or not directives.forbids_following(reading.directives):
        return memory.news(found, document, depth, job)
    return NO_NEWS._replace(left_out=int(LeftOut.NOFOLLOW)) if found else NO_NEWS


def _add_requisites(news: News, memory: Memory, reading: Reading, base: str, document: Document, job: ParseJob) -> News:
    """Returns the news with what the document needs to be shown; notes what is left out of it."""
    hrefs, most, left_out = reading.requisites, job.most_requisites, news.left_out
    if not hrefs:
        return news
    if document.requisite >= MOST_STEPS:
        reading.add_note(f"its requisites lie more than {MOST_STEPS} steps from a page")
        return news._replace(left_out=left_out | int(LeftOut.REQUISITES))
    if len(hrefs) > most:
        reading.add_note(f"only the first {most} of {len(hrefs)} requisites are fetched")
        left_out |= int(LeftOut.REQUISITES)
    found = _keep(memory.resolve(hrefs[:most], base, job.policy), reading)
    fresh, kept_out = memory.requisites(found, document, job)
    return news._replace(left_out=left_out | kept_out, requisites=fresh)


def _kinds_left_out(kind: kinds.Kind, document: Document, job: ParseJob) -> int:
    """Returns the bits for kinds that are not followed. Nobody looked for them, so any HTML page may contain some."""
    bits = int(LeftOut.KINDS) if kind == "html" and not job.follow.issuperset(links.KINDS) else 0
    is_shown = kind == "html" or kinds.essence(document.content_type) in _NEEDY
    return bits | int(LeftOut.REQUISITES) if is_shown and not job.most_requisites else bits


def _keep(found: ResolvedLinks, reading: Reading) -> list[str]:
    """Returns as many links as fit into an answer, because short hrefs may resolve to long URLs."""
    texts, room = found.texts, MAX_LINK_BYTES
    if found.too_long:
        what = many(found.too_long, "link: its URL is", "links: their URLs are")
        reading.add_note(f"left out {what} longer than {urls.MAX_LENGTH} characters")
    for i, text in enumerate(texts if len(texts) * urls.MAX_LENGTH > room else ()):
        room -= len(text)
        if room < 0:
            reading.add_note(f"only the first {i} of {len(texts)} links were kept: together they are too long")
            return texts[:i]
    return texts


def _blocked_by(document: Document, body: bytes, kind: kinds.Kind, reading: Reading, links: int) -> str:
    """Returns the mark of a block, or an empty string. Refusals are checked even if they are no text, such as JSON."""
    if reading.is_scanned or (kind not in {"html", "text"} and document.status not in blocked.REFUSALS):
        return ""
    return blocked.by_page(body, reading.title, reading.words, links, document.status)


def _encode_facts(reading: Reading, memory: Memory, base: str, document: Document, job: ParseJob) -> bytes:
    """Returns the facts for the site's owner as JSON; empty: they are not asked for, or not known."""
    if reading.audit is None:
        return b""
    return audit.encode(reading.audit, document, lambda hrefs: memory.targets(hrefs, base, job.policy))


def _encode(said: Mapping[str, object] | None, name: str, reading: Reading) -> bytes:
    packed = data.encode_bounded(said) if said is not None else b""
    if len(packed) <= MAX_SAID_BYTES:
        return packed
    reading.add_note(f"its {name} are left out: they have more than {MAX_SAID_BYTES} bytes")
    return b""


def _cut(text: str, name: str, reading: Reading) -> str:
    if len(text) > MAX_TEXT:
        reading.add_note(f"only the first {MAX_TEXT} of {len(text)} characters of {name} were kept")
    return text[:MAX_TEXT]


def _pack_plain(texts: list[str], job: ParseJob) -> Links:
    return Links("\n".join(texts), urls.fingerprints(texts, job.key))


def _pack(news: list[str], reading: Reading, job: ParseJob, relevance: float | None, priority: int) -> Links:
    """Returns the news in flat form, with priority and date from a sitemap, and in the order of the crawl's focus."""
    links = Links("\n".join(news), urls.fingerprints(news, job.key))
    is_dated = any(reading.priorities) or any(reading.modified)
    if not news or not (is_dated or job.focus):
        return links
    resolve = urls.make_resolver(reading.base, job.policy)
    if not is_dated:
        texts = focus.join_texts(reading.link_texts, resolve)
        return replace(links, priorities=focus.rank_links(job.focus, news, texts, relevance or 0.0, priority))
    said = {resolve(href): i for i, href in enumerate(reading.hrefs)}
    places = [said[text] for text in news]
    return replace(
        links,
        priorities=_rank_entries(news, [reading.priorities[i] for i in places], job),
        modified=struct.pack(f"<{len(news)}I", *(reading.modified[i] for i in places)),
    )


def _rank_entries(news: list[str], said: list[int], job: ParseJob) -> bytes:
    """Returns the priorities of the entries of a sitemap, of which only the URLs say whether they are about a focus."""
    if not job.focus:
        return array("b", said).tobytes()
    promised = (focus.promise(focus.rate_link(job.focus, url, ""), 0.0, 0) for url in news)
    return array("b", map(focus.to_priority, promised, said)).tobytes()
