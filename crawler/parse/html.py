"""Reads an HTML document: its title, its metadata and its links. Standard: WHATWG HTML.

It is read as by a browser that runs no scripts: content of `<noscript>` counts; content of `<template>` does not,
unless the template declares a shadow root. XHTML is read as XML if it is well-formed, else as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from html.entities import html5

import turbohtml

from ..urls import resolve_base
from . import audit, focus, legacy, media, requisites, shell, texts
from . import charset as charsets
from .blocked import LONGEST_TEXT
from .job import ParseJob
from .links import kinds_of_link, readers
from .microsyntax import refresh_target
from .reading import Reading, one_line

_MAX_TITLE = 1024
_MAX_DESCRIPTION = 4096
_MAX_LANGUAGE = 35
"""RFC 5646 4.4.1: software should allow at least this many characters."""
_ALWAYS = ("html", "title", "base", "meta")
_FOREIGN = "image"
"""The only one of these tags that is a link in SVG."""
_SHORT = 1 << 13
"""Bytes of a document up to which text nodes are separated by blanks; this takes longer."""
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
"""Matches an entity that XML knows only if a document type declares it, as those of XHTML do."""
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


TREE_FACTOR, TREE_BYTES_A_TAG = 4, 150


def is_too_large(body: bytes, limit: int) -> bool:
    """Whether its tree may take more than `limit` bytes. Tags are counted only where a body of tags alone would."""
    return (TREE_FACTOR + TREE_BYTES_A_TAG) * len(body) > limit and tree_bytes(body) > limit


def tree_bytes(body: bytes) -> int:
    """Estimates the memory of a body's tree. Measured: 100 bytes a node and four times the text."""
    return TREE_FACTOR * len(body) + TREE_BYTES_A_TAG * body.count(b"<")


def read(
    body: bytes,
    label: str,
    url: str,
    job: ParseJob,
    *,
    is_xml: bool = False,
    may_be_brief: bool = False,
    wants_audit: bool = False,
    looks_for_shell: bool = False,
) -> Reading:
    """Reads a document. `label` is the charset in the header, `url` the document's own.

    A byte order mark wins over the label. With `may_be_brief`, a page of much text is read without what only a
    comparison with other pages needs.
    """
    document, charset = _xml_tree(body, label) if is_xml else parse_tree(body, label)
    _remove_templates(document)
    reading = Reading(charset=charset, base=url)
    anchors = _anchors(document, job, reading)
    reading.hrefs = anchors if "anchors" in job.follow else []
    _note_all(reading, document, job)
    _encode_hrefs(reading)
    if job.most_requisites:
        reading.requisites = requisites.find(document, charset)
    if wants_audit:
        reading.audit = audit.collect(document, charset, len(body), job)
    if looks_for_shell:
        reading.shell = shell.look(document)
    if job.wants_texts:
        texts.note(reading, document, job)
    if job.fields:
        from . import selecting  # noqa: PLC0415 - imported where fields are asked for

        selecting.note(reading, job.fields, selecting.Source(document, body, charset))
    if not may_be_brief:
        _note_traits(reading, document, body, anchors)
    _note_words(reading, document, job)
    if may_be_brief and len(reading.words) <= LONGEST_TEXT:
        _note_traits(reading, document, body, anchors)
    return reading


def _remove_templates(document: turbohtml.Document) -> None:
    # A search for all elements of a tag makes an index of tags; a search for one does not, and a change undoes it.
    for template in document.select("template:not([shadowrootmode])") if document.find_all("template") else ():
        if template.namespace is turbohtml.Namespace.HTML:
            template.decompose()


def _note_words(reading: Reading, document: turbohtml.Document, job: ParseJob) -> None:
    """Notes the text without scripts and styles. Comes last, because it changes a tree that nobody is to have."""
    if job.extract is not None:
        reading.tree = document
        with _without_scripts(document):
            reading.words = document.text
        return
    for element in document.find_all("script") + document.find_all("style"):
        element.decompose()
    reading.words = document.text


def _encode_hrefs(reading: Reading) -> None:
    """Encodes the queries of addresses as browsers do for pages in this charset."""
    reading.hrefs = legacy.encode_hrefs(reading.hrefs, reading.charset)
    [reading.canonical] = legacy.encode_hrefs([reading.canonical], reading.charset)
    if reading.refresh:
        [reading.refresh] = legacy.encode_hrefs([reading.refresh], reading.charset)


def _note_traits(reading: Reading, document: turbohtml.Document, body: bytes, anchors: list[str]) -> None:
    """Notes what is compared with other pages beside the text."""
    reading.media = media.downloads(anchors)
    for tag in media.TAGS:
        for element in _elements(document, tag):
            reading.media += media.shown_sources(element)
    if len(body) >= _SHORT and not document.find_all("td"):
        return
    with _without_scripts(document):
        reading.spaced = " ".join(document.strings)


@contextmanager
def _without_scripts(document: turbohtml.Document) -> Iterator[None]:
    """Empties scripts and styles within the block; afterwards the tree is as it was."""
    emptied = [(element, element.children) for element in document.select("script,style")]
    for element, _ in emptied:
        element.clear()
    try:
        yield
    finally:
        for element, children in emptied:
            for child in children:
                element.append(child)


def parse_tree(body: bytes, label: str) -> tuple[turbohtml.Document, str]:
    """Returns the tree that a browser without scripts builds, and the charset."""
    encoding = charsets.html_label(body, label) or None
    document = turbohtml.parse(body, encoding=encoding, positions=False, allow_declarative_shadow_roots=False)
    charset = (document.encoding or "").lower()
    if charset == "windows-1252" and document.encoding_confidence == "tentative" and not body.isascii():
        charset = charsets.guess(body)
        if charset != "windows-1252":
            del document  # two trees at once could be too much
            document = turbohtml.parse(body, encoding=charset, positions=False, allow_declarative_shadow_roots=False)
    return document, charset


def parse_as_shown(body: bytes, label: str) -> tuple[turbohtml.Document, str]:
    """Returns the tree that a browser with scripts builds, in which `<noscript>` is text, and the charset."""
    encoding = charsets.html_label(body, label) or None
    document = turbohtml.parse(
        body, encoding=encoding, positions=False, scripting=True, allow_declarative_shadow_roots=False
    )
    charset = (document.encoding or "").lower()
    if charset == "windows-1252" and document.encoding_confidence == "tentative" and not body.isascii():
        charset = charsets.guess(body)
        document = turbohtml.parse(
            body, encoding=charset, positions=False, scripting=True, allow_declarative_shadow_roots=False
        )
    return document, charset


def parse_xml_only(body: bytes, label: str) -> tuple[turbohtml.Document, str] | None:
    """Returns the tree of an XML document, and the charset; None: it is not well-formed."""
    charset = charsets.of_xml(body, label)
    plain = _without_sections(charsets.decode(body, charset))
    try:
        return turbohtml.parse_xml(_ENTITY.sub(_character, plain) if "&" in plain else plain), charset
    except turbohtml.HTMLParseError:
        return None


def _xml_tree(body: bytes, label: str) -> tuple[turbohtml.Document, str]:
    charset = charsets.of_xml(body, label)
    text = charsets.decode(body, charset)
    plain = _without_sections(text)
    try:
        return turbohtml.parse_xml(_ENTITY.sub(_character, plain) if "&" in plain else plain), charset
    except turbohtml.HTMLParseError:
        return turbohtml.parse(text, positions=False, allow_declarative_shadow_roots=False), charset


def _without_sections(text: str) -> str:
    """Replaces CDATA sections by their text, up to the last one that ends, so that no search for an end fails."""
    end = text.rfind("]]>") + 3
    if end < 3:
        return text
    return _CDATA.sub(lambda section: escape(section[1], quote=False), text[:end]) + text[end:]


def _character(entity: re.Match[str]) -> str:
    return "".join(f"&#{ord(char)};" for char in html5.get(entity[1], "\ufffd"))


def _anchors(document: turbohtml.Document, job: ParseJob, reading: Reading) -> list[str]:
    if job.focus:
        reading.link_texts = focus.link_texts(document)
    anchors: Iterable[turbohtml.Element] = document.find_all("a" if document.find("area") is None else ["a", "area"])
    if job.nofollow == "links":
        anchors = [anchor for anchor in anchors if reading.follows((anchor.attr("rel") or "").lower().split(), job)]
    if document.select_one("svg") or document.select_one("math"):
        return [href for anchor in anchors if (href := _foreign_href(anchor)) is not None]
    return [href for anchor in anchors if (href := anchor.attr("href")) is not None]


def _foreign_href(anchor: turbohtml.Element) -> str | None:
    """Returns the href of a link in HTML or SVG, where old documents use a namespace. MathML has no links."""
    if anchor.namespace is turbohtml.Namespace.HTML:
        return anchor.attr("href")
    if anchor.namespace is not turbohtml.Namespace.SVG or anchor.tag != "a":
        return None
    return anchor.attr("href", anchor.attr("xlink:href"))


def _note_all(reading: Reading, document: turbohtml.Document, job: ParseJob) -> None:
    """Notes links and metadata. The first of each kind counts, as in a browser; `seen` holds the kinds that came.

    Elements of one tag are found by an index, in a tenth of the time that a walk through the tree takes.
    """
    seen = set[str]()
    for tag in _ALWAYS:
        for element in _elements(document, tag):
            if tag == "meta":
                _note_meta(reading, element, seen, job)
            else:
                _note_head(reading, element, seen)
    _note_links(reading, document, seen, job)


def _note_links(reading: Reading, document: turbohtml.Document, seen: set[str], job: ParseJob) -> None:
    """Notes all links but anchors. Those of one kind stay in document order, so several tags need a walk."""
    leading = {tag: reader for tag, reader in readers(job.follow).items() if document.find(tag) is not None}
    for element in document.iter_elements(("link", *leading)) if leading else document.find_all("link"):
        if element.namespace is not turbohtml.Namespace.HTML and element.tag != _FOREIGN:
            continue
        if reader := leading.get(element.tag):
            reading.hrefs += filter(None, reader(element))
        else:
            _note_link(reading, element, seen, job)


def _elements(document: turbohtml.Document, tag: str) -> list[turbohtml.Element]:
    """Returns the elements of a tag in document order; none of another namespace, but for images of SVG."""
    found = document.find_all(tag)
    if tag == _FOREIGN or not found:
        return found
    return [element for element in found if element.namespace is turbohtml.Namespace.HTML]


def _note_head(reading: Reading, element: turbohtml.Element, seen: set[str]) -> None:
    tag = element.tag
    if tag == "html":
        reading.language = one_line(element.attr("lang") or element.attr("xml:lang") or "", _MAX_LANGUAGE)
    elif tag == "base" and tag not in seen:
        if (href := element.attr("href")) is not None:
            seen.add(tag)
            reading.base = resolve_base(reading.base, href)
    elif tag == "title" and tag not in seen:
        seen.add(tag)
        reading.title = one_line(element.text, _MAX_TITLE)


def _note_meta(reading: Reading, meta: turbohtml.Element, seen: set[str], job: ParseJob) -> None:
    content = meta.attr("content")
    if content is None:
        return
    if reading.refresh is None and (meta.attr("http-equiv") or "").lower() == "refresh":
        reading.refresh = refresh_target(content)
    name = (meta.attr("name") or "").strip().lower()
    if name == "description":
        if name not in seen:
            seen.add(name)
            reading.description = one_line(content, _MAX_DESCRIPTION)
    elif name == "tdm-reservation":
        reading.tdm = reading.tdm or one_line(content, _MAX_LANGUAGE)
    elif name and name in {"robots", job.agent}:
        reading.directives.append(content)


def _note_link(reading: Reading, link: turbohtml.Element, seen: set[str], job: ParseJob) -> None:
    relations = (link.attr("rel") or "").lower().split()
    href = link.attr("href")
    if not href:
        return
    kinds = kinds_of_link(relations, link.attr("type") or "")
    if not kinds.isdisjoint(job.follow) and reading.follows(relations, job):
        reading.hrefs.append(href)
    if "canonical" in kinds and "canonical" not in seen:
        seen.add("canonical")
        reading.canonical = href
